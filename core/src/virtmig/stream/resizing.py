"""The sizes in a device's description, corrected where one of its fields has grown or shrunk."""

from __future__ import annotations

import json
import re
from itertools import count
from typing import Any

import attrs

_TOKEN = re.compile(r'"(?:[^"\\]|\\.)*"|(-?\d+)')
_FIXED = re.compile(r"u?int\d+\b|bool\b|u?int\d+ ")
"""Types whose values are all of one length."""


@attrs.frozen
class _Number:
    """An integer in the text: its place among all of them, and its value."""

    place: int
    value: int


@attrs.frozen
class _Leaf:
    """A field that can have any length: its bytes in the payload, and the numbers to be changed."""

    start: int
    end: int
    places: tuple[int, ...]


@attrs.frozen
class Change:
    """Where a payload became another one; if bytes repeat there, that is known roughly only."""

    start: int
    """Offset in the old payload: not later than this."""
    end: int
    """Offset in the old payload: not before this."""
    size: int
    """Bytes of the old payload."""
    growth: int
    """Bytes that the new payload is longer."""


def resized(device: str, change: Change) -> str | None:
    """The description `device` of a payload that changed its length; None if it cannot say.

    The change has to fit into just one field whose length can vary; its size changes, and that of
    each structure around it. The text stays as it is otherwise, whatever its spaces.
    """
    numbers = count()
    node = json.loads(device, parse_int=lambda text: _Number(next(numbers), int(text)))
    found, end = _leaves(node, 0)
    leaves = [leaf for leaf in found if leaf.start <= change.start and change.end <= leaf.end]
    if end != change.size or len(leaves) != 1:
        return None
    seen = count()

    def corrected(token: re.Match[str]) -> str:
        if token[1] is None or next(seen) not in leaves[0].places:
            return token[0]
        return str(int(token[1]) + change.growth)

    return _TOKEN.sub(corrected, device)


def _leaves(node: dict[str, Any], at: int) -> tuple[list[_Leaf], int]:
    """The fields of a structure whose length can vary, and where it ends."""
    found: list[_Leaf] = []
    for field in node.get("fields", []):
        size: _Number = field["size"]
        repeated = "array_len" in field
        if "struct" in field and not repeated:
            inner, _ = _leaves(field["struct"], at)
            found += [attrs.evolve(leaf, places=(*leaf.places, size.place)) for leaf in inner]
        elif not repeated and not _FIXED.match(field.get("type", "")):
            found.append(_Leaf(at, at + size.value, (size.place,)))
        at += size.value * (field["array_len"].value if repeated else 1)
    for subsection in node.get("subsections", []):
        at += 6 + len(subsection["vmsd_name"].encode())
        inner, at = _leaves(subsection, at)
        found += inner
    return found, at


def change_of(old: bytes, new: bytes) -> Change:
    """What lies between what both payloads begin with and what both end with."""
    end = len(old) - _equal(old[::-1], new[::-1])
    return Change(_equal(old, new), end, len(old), len(new) - len(old))


def _equal(one: bytes, other: bytes) -> int:
    """How many bytes both begin with, found by halves: payloads can be long."""
    low, high = 0, min(len(one), len(other))
    while low < high:
        middle = (low + high + 1) // 2
        if one[:middle] == other[:middle]:
            low = middle
        else:
            high = middle - 1
    return low
