"""`virtmig plugins list`: installed drivers, where they come from, and what they are for."""

from __future__ import annotations

import attrs
import click

from virtmig.checking.survey import Row, survey
from virtmig.cli import common
from virtmig.errors import PluginError
from virtmig.formats.view import error_view


@click.command("list")
@common.as_json
@click.option(
    "--no-import", "static", is_flag=True, help="Tell only what is known without importing any."
)
def command(*, as_json: bool, static: bool = False) -> int:
    """List the installed drivers: from where, for which sections, for which core.

    Each plugin is imported to ask it for its versions; what fails is said in its row.
    """
    rows, broken = survey(imports=not static)
    if as_json:
        errors = [error_view(error) for error in broken]
        common.print_json({"plugins": [attrs.asdict(row) for row in rows], "broken": errors})
    else:
        _print(rows)
        common.report_errors(broken)
    return PluginError.exit_code if broken or any(row.error for row in rows) else 0


def _print(rows: list[Row]) -> None:
    if not rows:
        common.say('no drivers; pip install "virtmig[all]" brings those of this project')
    for row in rows:
        owner = f"{row.distribution} {row.version}"
        common.say(f"{row.kind:<10} {row.name:<16} {owner:<24} {row.entry_point}")
        for line in (", ".join(row.facts()), row.file or "its module is not there", row.error):
            if line:
                common.say(f"{'':<10} {line}")
