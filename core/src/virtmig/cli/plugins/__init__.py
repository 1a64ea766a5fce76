"""`virtmig plugins`: what is installed, and what is wrong with it. One file a subcommand."""

from __future__ import annotations

import click

from virtmig.cli import common
from virtmig.cli.lazy import LazyGroup

COMMANDS = {
    "list": "List the installed drivers: from where, for which sections, for which core.",
    "doctor": "Look for all that is wrong with the installed plugins.",
    "validate": "Check one plugin, installed or not, and say what to mend.",
    "new": "Make a plugin from a template, with tests that pass.",
    "readme": "Write the field tables of a plugin's README.",
    "golden": "Copy a section of a stream into the tests of a plugin.",
    "update": "Bring what has changed in the template into a plugin.",
}


@click.group(
    "plugins",
    cls=LazyGroup,
    summaries=COMMANDS,
    package="virtmig.cli.plugins",
    invoke_without_command=True,
)
@common.as_json
@click.pass_context
def command(context: click.Context, *, as_json: bool) -> int | None:
    """Say what plugins are installed, and what is wrong with them.

    Without a command it is `list`.
    """
    if context.invoked_subcommand is None:
        from virtmig.cli.plugins import list as listing  # noqa: PLC0415  only if it is used

        code: int = context.invoke(listing.command, as_json=as_json)
        return code
    if as_json:
        raise click.UsageError(f"write --json behind {context.invoked_subcommand}")
    return None
