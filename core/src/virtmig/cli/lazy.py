"""A command that is made of subcommands, each imported when it is used."""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from typing import Any

import click


class LazyGroup(click.Group):
    """Imports a subcommand's module when it is called, so that --help is instant.

    commands: name and one line of help of each. package: where their modules are; each has the
    name of its command, and the command in it as `command`.
    """

    def __init__(
        self, *args: Any, summaries: Mapping[str, str], package: str, **settings: Any
    ) -> None:
        super().__init__(*args, **settings)
        self.summaries = summaries
        self._package = package

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002  click's name
        return list(self.summaries)

    def get_command(
        self,
        ctx: click.Context,  # noqa: ARG002  click's name
        cmd_name: str,
    ) -> click.Command | None:
        if cmd_name not in self.summaries:
            return None
        module = importlib.import_module(f"{self._package}.{cmd_name}")
        command: click.Command = module.command
        return command

    def format_commands(
        self,
        ctx: click.Context,  # noqa: ARG002  click's name
        formatter: click.HelpFormatter,
    ) -> None:
        with formatter.section("Commands"):
            formatter.write_dl(list(self.summaries.items()))
