"""Whether the entry points of a project are those that are installed.

An editable install follows each change of the sources, but not of the entry points in
pyproject.toml: those are copied when it is installed.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping
from importlib import metadata
from pathlib import Path
from typing import Any

from virtmig.hooks.discovery import KINDS

AGAIN = "pip install -e ."
"""What brings the installed entry points up to date."""


def stale_entry_points(project: Path) -> list[str]:
    """Where a project's drivers are not those of its installed distribution, one sentence each.

    project: the folder of a pyproject.toml. There is nothing to say of one that cannot be read, or
    that declares no drivers itself.
    """
    table = _project(project)
    name, points = table.get("name"), table.get("entry-points")
    if not isinstance(name, str) or not name or points is None:
        return []
    written = {(group, key): value for group in KINDS for key, value in _of(points, group)}
    try:
        found = metadata.distribution(name).entry_points
    except metadata.PackageNotFoundError:
        return [f"{name} is not installed, so its drivers are not found"] if written else []
    there = {(point.group, point.name): point.value for point in found if point.group in KINDS}
    return list(_differences(name, written, there))


def _project(folder: Path) -> Mapping[str, Any]:
    """The table [project] of a folder; empty if there is none that can be read."""
    try:
        found = tomllib.loads((folder / "pyproject.toml").read_text()).get("project")
    except (OSError, ValueError):
        return {}
    return _table(found)


def _of(points: Any, group: str) -> Iterator[tuple[str, str]]:
    """Names and values of one group, spaced as the installed ones are."""
    for key, value in _table(_table(points).get(group)).items():
        yield key, str(value).strip()


def _table(value: Any) -> Mapping[str, Any]:
    """A table of a TOML file; an empty one in place of anything else."""
    return value if issubclass(type(value), dict) else {}


def _differences(
    name: str, written: Mapping[tuple[str, str], str], there: Mapping[tuple[str, str], str]
) -> Iterator[str]:
    renamed = _renamed(written, there)
    for (group, new), old in renamed.items():
        says = f"pyproject.toml has {new} = {written[group, new]!r} in {group}"
        yield f"{says}, {name} is installed with it as {old}"
    told = {*renamed, *((group, old) for (group, _), old in renamed.items())}
    for group, key in dict.fromkeys((*written, *there)):
        ours, theirs = written.get((group, key)), there.get((group, key))
        if ours == theirs or (group, key) in told:
            continue
        says = f"pyproject.toml has no {key!r} in {group}"
        if ours is not None:
            says = f"pyproject.toml has {key} = {ours!r} in {group}"
        has = f"{name} is installed without it"
        if theirs is not None:
            has = f"{name} is installed with {theirs!r}"
        yield f"{says}, {has}"


def _renamed(
    written: Mapping[tuple[str, str], str], there: Mapping[tuple[str, str], str]
) -> dict[tuple[str, str], str]:
    """Names of entry points that are new, with the old ones of the same object."""
    gone = {
        (group, value): key for (group, key), value in there.items() if (group, key) not in written
    }
    return {
        (group, key): gone[group, value]
        for (group, key), value in written.items()
        if (group, key) not in there and (group, value) in gone
    }
