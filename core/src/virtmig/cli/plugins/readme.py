"""`virtmig plugins readme`: the field tables of a plugin's README."""

from __future__ import annotations

from pathlib import Path

import click

from virtmig.cli import common
from virtmig.scaffold.readme import README, readme


@click.command("readme")
@click.argument("folder", type=click.Path(file_okay=False, path_type=Path), default=Path())
@click.option("--check", is_flag=True, help="Change nothing; exit with 1 if they are stale.")
def command(*, folder: Path, check: bool) -> int:
    """Write the field tables into the README.md of the plugin in FOLDER (default: here).

    They stand between two marks, and come from the declarations in the plugin's sources. It need
    not be installed; it is imported from FOLDER.
    """
    with common.refusals():
        old, new = readme(folder)
    if old == new:
        common.say(f"{folder / README}: up to date")
        return 0
    if check:
        common.say(f"{folder / README}: its field tables are stale; run `virtmig plugins readme`")
        return 1
    (folder / README).write_text(new)
    common.say(f"{folder / README}: field tables written")
    return 0
