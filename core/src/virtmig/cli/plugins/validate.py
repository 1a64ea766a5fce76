"""`virtmig plugins validate DIST_OR_PATH`: one plugin, installed or not."""

from __future__ import annotations

import click

from virtmig.checking.validate import validate
from virtmig.cli import common
from virtmig.cli.plugins import output


@click.command("validate")
@click.argument("target", metavar="DIST_OR_PATH")
@common.as_json
def command(target: str, *, as_json: bool) -> int:
    """Check one plugin, installed or not, and say what to mend.

    DIST_OR_PATH is an installed distribution, a folder with a pyproject.toml, or a wheel. Nothing
    is installed or built. The plugin is imported in a process of its own, which it may end or
    block. The exit code is 4 if anything is an error.
    """
    verdict = validate(target)
    subject, findings = verdict.subject, verdict.findings
    if as_json:
        data = output.as_data(findings, verdict.probed)
        head = {"distribution": subject.name, "version": subject.version}
        common.print_json({"target": target, **head, **data})
    else:
        output.say_findings(findings)
        names = ", ".join(one.source.name for one in verdict.probed) or "no driver"
        owner = f"{subject.name} {subject.version}".rstrip()
        common.say(f"{owner}: {names}: {output.counted(findings)}")
        if verdict.probed and not output.code_of(findings):
            common.say("No hook but describe_driver was called: pytest does that, with the kit.")
    return output.code_of(findings)
