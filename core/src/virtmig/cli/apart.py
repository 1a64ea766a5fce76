"""Files that one command reads and writes: none of them may be another one."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator, Mapping
from itertools import combinations

import click

INPUT, OUTPUT = "the input", "the output"
STDIN, STDOUT, STDERR = 0, 1, 2
Name = str | int
"""A path, or the number of an open file."""


def keep_apart(files: Mapping[str, Name | None], *, in_place: bool = False) -> None:
    """Refuse files that are one and the same, before anything is written.

    files: by what each is for; None or empty: it is not asked for. in_place: the output may be
    the input.
    """
    known = {what: set(_marks(name)) for what, name in files.items() if name not in (None, "")}
    for (one, its), (other, others) in combinations(known.items(), 2):
        if its & others and not (in_place and {one, other} == {INPUT, OUTPUT}):
            raise click.UsageError(f"{one} and {other} are the same file: name another one")


def input_name(file: str) -> Name:
    """The input of a command as `keep_apart` has it: `-` is standard input."""
    return STDIN if file == "-" else file


def _marks(name: Name) -> Iterator[tuple[object, ...]]:
    """What tells a file from others: its path without links, and its number on its device."""
    if isinstance(name, str):
        yield ("path", os.path.realpath(name))
    try:
        found = os.stat(name)  # noqa: PTH116  the number of an open file is no path
    except OSError:  # it is not there yet
        return
    if stat.S_ISREG(found.st_mode):
        yield ("inode", found.st_dev, found.st_ino)
