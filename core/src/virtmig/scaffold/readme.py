"""Generated parts of Markdown files, above all the field tables in the README of a plugin.

A generated part stands between `<!-- NAME:begin -->` and `<!-- NAME:end -->`; all else is written
by hand.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path

from virtmig.formats.tables import driver_markdown
from virtmig.scaffold import Refused
from virtmig.scaffold.project import drivers, entry_points

README = "README.md"
FIELDS = "fields"
MARKED = re.compile(r"<!-- (?P<name>\w+):begin -->\n.*?<!-- (?P=name):end -->", re.DOTALL)


def filled(text: str, parts: Mapping[str, Callable[[], Iterable[str]]]) -> str:
    """The text with these of its generated parts as they should be."""

    def part(match: re.Match[str]) -> str:
        name = match["name"]
        if name not in parts:
            return match[0]
        lines = "\n".join(parts[name]()).strip()
        return f"<!-- {name}:begin -->\n\n{lines}\n\n<!-- {name}:end -->"

    return MARKED.sub(part, text)


def part_names(text: str) -> set[str]:
    """The names of the generated parts of a text."""
    return {match["name"] for match in MARKED.finditer(text)}


def field_tables(folder: Path) -> Iterator[str]:
    """Every record of the plugin in a folder, as tables of fields under headings `###`."""
    for driver in drivers(folder):
        for line in driver_markdown(driver):
            yield line.removeprefix("#") if line.startswith("####") else line


def readme(folder: Path) -> tuple[str, str]:
    """The README of a plugin as it is, and as its declarations say that it should be."""
    entry_points(folder)  # a folder that is no plugin is told first
    path = folder / README
    try:
        text = path.read_text()
    except FileNotFoundError:
        raise Refused(f"{folder.resolve()} has no {README}") from None
    if FIELDS not in part_names(text):
        begin, end = f"<!-- {FIELDS}:begin -->", f"<!-- {FIELDS}:end -->"
        raise Refused(f"{path} needs two lines for the tables to stand between: {begin} and {end}")
    return text, filled(text, {FIELDS: lambda: field_tables(folder)})
