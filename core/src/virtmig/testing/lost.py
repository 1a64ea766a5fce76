"""Goldens that are there and that no law would look at: a name or a folder is misspelt."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from virtmig.testing.goldens import MANIFEST, read_goldens
from virtmig.testing.report import LawBroken

NEAR = 0.75
MOST = 3
"""Paths that are offered in place of one."""


def lost_goldens(folder: Path, driver: str, installed: set[str]) -> Iterator[LawBroken]:
    """Why a folder has no golden of a driver, if that looks like a mistake."""
    if not folder.is_dir() and folder.parent.is_dir():
        for other in sorted(one for one in folder.parent.iterdir() if one.is_dir()):
            if (other / MANIFEST).is_file():
                do = f"name the folder {folder.name!r}, or write goldens = {other.name!r}"
                text = f"there is a {MANIFEST} in {other.name!r}, and no folder {folder.name!r}"
                yield LawBroken(text, do=do, field="goldens")
    yield from unnamed(folder)
    goldens = read_goldens(folder)
    for golden in goldens:
        name = golden.idstr.rpartition("/")[2]
        if name in installed:
            continue
        text = f"golden {golden} is of {name!r}, which no installed driver is"
        do = f"write {driver!r} behind the last slash of its idstr, if that wrote it"
        if not _near(name, driver):
            do = f"{do}; or put it beside the tests of its own driver"
        yield LawBroken(text, do=do, field="idstr")


def _near(name: str, driver: str) -> bool:
    """Whether two names are like each other beside what all devices' names start with."""
    ours, theirs = (one.rpartition("-")[2] for one in (name, driver))
    return bool(difflib.get_close_matches(ours, [theirs], 1, NEAR))


def unnamed(folder: Path) -> Iterator[LawBroken]:
    """Sections that lie in a folder of goldens and that its manifest does not name."""
    known = {golden.file for golden in read_goldens(folder)}
    for path in sorted(folder.glob("*.xz")):
        if path.name not in known:
            do = "enter it, best by taking it anew with `virtmig plugins golden`; or delete it"
            text = f"{path.name} lies there, and no [[golden]] in {MANIFEST} names it"
            yield LawBroken(text, do=do, field=path.name)


def like(path: str, tree: Any) -> list[str]:
    """Dotted paths of a tree of plain data that are like one that is not there, likeliest first."""
    known = [one for one in _paths(tree, "") if one]
    last = re.split(r"[./]", path)[-1]
    behind = [one for one in known if one.endswith(f".{path}")]
    same = [one for one in known if re.split(r"[./]", one)[-1] == last]
    near = difflib.get_close_matches(path, known, MOST)
    return list(dict.fromkeys(behind or [*same[:MOST], *near]))[:MOST]


def _paths(tree: Any, path: str) -> Iterator[str]:
    yield path
    kind: type[object] = tree.__class__
    if issubclass(kind, Mapping):
        items: Mapping[Any, Any] = tree
        for key, value in items.items():
            yield from _paths(value, f"{path}.{key}" if path else str(key))
    elif issubclass(kind, Sequence) and not issubclass(kind, str | bytes):
        values: Sequence[Any] = tree
        for number, value in enumerate(values[:4]):
            yield from _paths(value, f"{path}[{number}]")
