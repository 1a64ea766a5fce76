"""`virtmig plugins doctor`: all that is wrong with the installed plugins."""

from __future__ import annotations

from typing import Any

import click

from virtmig.checking.doctor import examine
from virtmig.cli import common
from virtmig.cli.plugins import output


@click.command("doctor")
@common.as_json
def command(*, as_json: bool) -> int:
    """Look for all that is wrong with the installed plugins.

    Each is imported in a process of its own, so that not even one that ends the process keeps the
    others from being looked at. The exit code is 4 if anything is an error.
    """
    report = examine()
    if as_json:
        data = output.as_data(report.findings, report.probed)
        common.print_json({"environment": report.environment, **data})
    else:
        _print_environment(report.environment)
        output.say_findings(report.findings)
        drivers = output.number(len(report.probed), "driver")
        common.say(f"{drivers}, {output.counted(report.findings)}")
    return output.code_of(report.findings)


def _print_environment(environment: dict[str, Any]) -> None:
    versions = {name: environment[name] for name in ("python", "virtmig")}
    versions |= environment["dependencies"]
    common.say(", ".join(f"{name} {version or 'missing'}" for name, version in versions.items()))
    for name, text in environment["variables"].items():
        common.say(f"{name}={text}")
    for one in environment["plugins"]:
        how = "  editable" if one["editable"] else ""
        common.say(f"{one['distribution']:<24} {one['version']}{how}")
