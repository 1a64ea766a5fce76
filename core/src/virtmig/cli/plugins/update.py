"""`virtmig plugins update`: what has changed in the template since a plugin was made from it."""

from __future__ import annotations

from pathlib import Path

import click

from virtmig import __version__
from virtmig.cli import common
from virtmig.scaffold.rendering import need_copier
from virtmig.scaffold.updating import Done, check_ready, check_undoable, update


@click.command("update")
@click.argument("folder", type=click.Path(file_okay=False, path_type=Path), default=Path())
@click.option("--force", is_flag=True, help="Even if FOLDER has changes that git does not hold.")
def command(*, folder: Path, force: bool) -> int:
    """Bring the template's changes into the plugin in FOLDER (default: here).

    The template is that of the virtmig that is installed. Your changes stay: where you and the
    template have changed the same lines, both are left in the file, between marks as git makes
    them, and the exit code is 1. The example in src and tests is yours once you have changed any
    of it, and left alone.
    """
    with common.refusals():
        need_copier()
        check_ready(folder)
        if not force:
            check_undoable(folder)
        changes = update(folder)
    for change in changes:
        common.say(f"{change.path}: {change.done.value}")
    if not changes:
        common.say(
            f"nothing has changed for this plugin in the template up to virtmig {__version__}"
        )
        return 0
    conflicts = any(change.done is Done.CONFLICT for change in changes)
    if conflicts:
        common.say(
            "Choose between the lines at the marks <<<<<<< and >>>>>>>, and remove the marks."
        )
    common.say("Then try it: pip install -e '.[test]' && pytest")
    return 1 if conflicts else 0
