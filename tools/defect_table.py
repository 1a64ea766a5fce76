"""The defects that `virtmig repair` knows, for the reference: of all devices, and of drivers."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from virtmig.formats.tables import table
from virtmig.repairing.common import COMMON_DEFECTS
from virtmig.scaffold.project import drivers
from virtmig.virtio.defects import Defect
from virtmig.virtio.drivers import TransportDriver

PLUGINS = sorted(
    one.parent for one in (Path(__file__).parents[1] / "plugins").glob("*/pyproject.toml")
)
HARMS = {
    "refused": "the load fails",
    "chance": "the load may fail",
    "lost": "it loads, and something is lost",
}


def known() -> Iterator[tuple[str, Defect]]:
    """Every defect, behind whom it belongs to."""
    for defect in COMMON_DEFECTS:
        yield "every device", defect
    for folder in PLUGINS:
        for driver in drivers(folder):
            if not isinstance(driver, TransportDriver):
                for defect in driver.defects:
                    yield f"`{driver.name}`", defect


def defects_part(_: Path) -> Iterator[str]:
    """A table of all, and a section for each."""
    found = list(known())
    rows = [(f"[{one.name}](#{one.name})", whose, one.title) for whose, one in found]
    yield from table(("defect", "of", "what is wrong"), rows)
    for whose, defect in found:
        yield from _section(whose, defect)


def _section(whose: str, defect: Defect) -> Iterator[str]:
    yield from ("", f"## {defect.name}", "", f"{defect.title[0].upper()}{defect.title[1:]}.", "")
    rows = [
        ("of", whose),
        ("written by", defect.written_by),
        ("not loaded by", defect.concerned),
        ("harm", HARMS[defect.harm]),
        ("mended", defect.mend or "no"),
        ("not mended", defect.cannot),
    ]
    if defect.verdict is not None:
        rows.append((defect.verdict.risk.name.lower(), defect.verdict.why))
    yield from table(("", ""), [row for row in rows if row[1]])
