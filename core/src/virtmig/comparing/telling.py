"""A comparison for people, and as JSON data."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from virtmig.comparing.devices import Difference
from virtmig.comparing.streams import Compared, Comparison
from virtmig.editing.devices import label
from virtmig.formats.view import error_view, section_view


def lines(comparison: Comparison) -> Iterator[str]:
    """What differs, by section."""
    for each in comparison.stream:
        yield f"{each.path}  {each.text}"
    for section in comparison.sections:
        yield from _section(section)
    for side, sections in (("A", comparison.only_one), ("B", comparison.only_other)):
        for one in sections:
            yield f"{label(one)}  only in {side}, {one.size} bytes"
    if comparison.ignored:
        yield f"ignored: {comparison.ignored}"
    for note in comparison.notes:
        yield f"note: {note}"
    if comparison.same:
        yield "no difference; RAM was not compared"


def _section(section: Compared) -> Iterator[str]:
    """One that no driver tells on one line, a device on several."""
    first = section.differences[0]
    if len(section.differences) == 1 and first.path == "payload" and not section.errors:
        yield f"{label(section.section)}  {first.text}"
        return
    yield label(section.section)
    for error in section.errors:
        yield f"  compared as bytes: {type(error).__name__}: {error.reason}"
    for each in section.differences:
        yield f"  {each.path}  {each.text}"


def view(comparison: Comparison) -> dict[str, Any]:
    """The same as data."""
    return {
        "same": comparison.same,
        "stream": [_difference(each) for each in comparison.stream],
        "sections": [
            {
                **section_view(each.section),
                "differences": [_difference(one) for one in each.differences],
                "errors": [error_view(error) for error in each.errors],
            }
            for each in comparison.sections
        ],
        "only_in_a": [section_view(each) for each in comparison.only_one],
        "only_in_b": [section_view(each) for each in comparison.only_other],
        "ignored": comparison.ignored,
        "notes": list(comparison.notes),
    }


def _difference(one: Difference) -> dict[str, Any]:
    return {"path": one.path, "a": one.one, "b": one.other, "text": one.text}
