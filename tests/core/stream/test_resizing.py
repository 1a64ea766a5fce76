"""The description's sizes follow a payload, in the field that has grown and all around it."""

from __future__ import annotations

import json
from typing import Any

import pytest

from virtmig.stream.resizing import Change, change_of, resized


def field(name: str, kind: str, size: int, **more: Any) -> dict[str, Any]:
    return {"name": name, "type": kind, **more, "size": size}


def disk(requests: int = 10) -> dict[str, Any]:
    """A structure with numbers, a list and a subsection in it, and a flag behind it."""
    inner = {
        "vmsd_name": "Inner",
        "version": 7,
        "fields": [field("key", "uint8", 1), field("list", "requests", requests)],
    }
    outer = {"name": "dev", "type": "struct", "struct": inner, "size": requests + 1}
    more = {"vmsd_name": "a/b", "version": 1, "fields": [field("rest", "buffer", 20)]}
    fields = [outer, field("flag", "bool", 1), field("row", "uint32", 4, array_len=3)]
    return {"name": "x", "instance_id": 0, "fields": fields, "subsections": [more]}


SIZE = 1 + 10 + 1 + 12 + (6 + 3) + 20


@pytest.mark.parametrize("separators", [(",", ":"), (" , ", " : ")])
def test_the_list_and_the_structure_around_it_grow(separators: tuple[str, str]) -> None:
    """And no other number, whatever the spaces."""
    text = json.dumps(disk(), separators=separators)
    made = resized(text, Change(start=5, end=5, size=SIZE, growth=3))
    assert made == json.dumps(disk(13), separators=separators)


def test_a_subsection_shrinks_alone() -> None:
    made = resized(json.dumps(disk()), Change(start=SIZE - 10, end=SIZE - 5, size=SIZE, growth=-5))
    expected = disk()
    expected["subsections"][0]["fields"][0]["size"] = 15
    assert made == json.dumps(expected)


@pytest.mark.parametrize(
    "change",
    [
        Change(start=12, end=14, size=SIZE, growth=1),
        Change(start=5, end=SIZE - 5, size=SIZE, growth=1),
        Change(start=5, end=5, size=SIZE + 1, growth=1),
    ],
    ids=["of a fixed size", "over several fields", "a description that lies"],
)
def test_what_the_description_cannot_say_is_refused(change: Change) -> None:
    assert resized(json.dumps(disk()), change) is None


def test_bytes_that_repeat_leave_room() -> None:
    """Zeros put in among zeros can have been put in anywhere among them."""
    assert change_of(b"ab" + bytes(4) + b"c", b"ab" + bytes(6) + b"c") == Change(6, 2, 7, 2)
    assert change_of(b"abcdef", b"abXef") == Change(2, 4, 6, -1)
    assert change_of(b"", b"abc") == Change(0, 0, 0, 3)
