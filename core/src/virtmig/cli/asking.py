"""The options that say what is to be changed in a stream, for all commands that change one."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import wraps
from pathlib import Path
from typing import Any, TypeVar

import click
from click.shell_completion import CompletionItem

from virtmig.editing import patches
from virtmig.editing.requests import Machine, Request, parse_drop, parse_rename, parse_set
from virtmig.errors import PatchMismatch, VirtmigError

T = TypeVar("T")
Complete = Callable[[click.Context, click.Parameter, str], list[CompletionItem]]


def edit_options(
    complete: Complete | None = None,
) -> Callable[[Callable[..., T]], Callable[..., T]]:
    """Options for changes; the command gets them as `requests`.

    complete: ends of what is typed, for the shell.
    """

    def decorate(command: Callable[..., T]) -> Callable[..., T]:
        @wraps(command)
        def with_requests(**given: Any) -> T:
            asked = {name: given.pop(name) for name in _NAMES}
            return command(requests=_requests(asked), **given)

        decorated: Callable[..., T] = with_requests
        for option in reversed(_options(complete)):
            decorated = option(decorated)
        return decorated

    return decorate


_NAMES = ("sets", "drops", "renames", "machine", "patch_files", "device")


def _options(complete: Complete | None) -> list[Callable[[Callable[..., T]], Callable[..., T]]]:
    return [
        click.option(
            "--set",
            "sets",
            multiple=True,
            metavar="[IDSTR:]PATH=VALUE",
            shell_complete=complete,
            help="Another value; += and -= for bits, sets and numbers. Repeatable.",
        ),
        click.option(
            "--drop-subsection",
            "drops",
            multiple=True,
            metavar="[IDSTR:]NAME",
            shell_complete=complete,
            help="Leave a subsection out. Repeatable.",
        ),
        click.option(
            "--rename",
            "renames",
            nargs=2,
            multiple=True,
            metavar="OLD NEW",
            shell_complete=complete,
            help="Another idstr of a section. Repeatable.",
        ),
        click.option("--machine", metavar="NAME", help="Another machine type."),
        click.option(
            "--patch",
            "patch_files",
            multiple=True,
            type=click.Path(dir_okay=False),
            help="Apply a patch file, such as the one that takes an edit back. Repeatable.",
        ),
        click.option(
            "--device",
            metavar="IDSTR",
            default="",
            shell_complete=complete,
            help="For paths without one.",
        ),
    ]


def _requests(asked: Mapping[str, Any]) -> list[Request]:
    """All that the command line asks for, its patch files first."""
    device: str = asked["device"]
    found: list[Request] = [one for path in asked["patch_files"] for one in _patch(path)]
    found += [parse_set(text, device) for text in asked["sets"]]
    found += [parse_drop(text, device) for text in asked["drops"]]
    found += [parse_rename(old, new) for old, new in asked["renames"]]
    return [*found, Machine(asked["machine"])] if asked["machine"] is not None else found


def _patch(path: str) -> list[Request]:
    try:
        if Path(path).stat().st_size > patches.LARGEST:
            raise PatchMismatch(f"{patches.LARGEST} bytes are the limit of a patch")
        return patches.read(Path(path).read_bytes())
    except VirtmigError as error:
        raise error.in_section(path) from error.__cause__
