"""What a difference of two values means, in a few words."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import groupby
from typing import Any, TypeGuard

from virtmig.editing import trees, values

INDICES = 1 << 16
"""Indices of split rings are counted modulo this."""
MOST_RUNS = 4
"""Runs of bytes that are told one by one."""
_HEXADECIMAL = re.compile(r"(?:[0-9a-f]{2}){16,}")
HEX_FROM = 1 << 16
"""Numbers from here on are addresses or masks, and told in hexadecimal."""


def moved_on(one: int, other: int, modulus: int, what: str) -> str:
    """`3 more buffers taken`: how far a position in a ring is from another one."""
    ahead = (other - one) % modulus
    count, word = (ahead, "more") if ahead <= modulus // 2 else (modulus - ahead, "fewer")
    return f"{count} {word} {what}"


def compared_lists(one: list[Any], other: list[Any]) -> str:
    """Lists of different lengths."""
    return f"{len(one)} items -> {len(other)} items"


def is_hexadecimal(value: object) -> TypeGuard[str]:
    """Whether it is long enough bytes to tell only what of them differs."""
    return isinstance(value, str) and _HEXADECIMAL.fullmatch(value) is not None


def compared_bytes(one: str, other: str) -> str:
    """The runs of bytes that differ, of two hexadecimal values."""
    old, new = bytes.fromhex(one), bytes.fromhex(other)
    runs = list(_runs(old, new))
    told = [
        f"[{start}] {old[start:end].hex()} -> {new[start:end].hex()}"
        for start, end in runs[:MOST_RUNS]
    ]
    more = len(runs) - MOST_RUNS
    told += [f"{more} more places"] if more > 0 else []
    told += [f"{len(old)} bytes -> {len(new)} bytes"] if len(old) != len(new) else []
    return ", ".join(told)


def _runs(one: bytes, other: bytes) -> Iterator[tuple[int, int]]:
    """Where bytes that both have differ."""
    differing = (at for at, (a, b) in enumerate(zip(one, other, strict=False)) if a != b)
    for _, run in groupby(enumerate(differing), lambda pair: pair[1] - pair[0]):
        places = [at for _, at in run]
        yield places[0], places[-1] + 1


def shown(value: Any) -> str:
    """A value of a tree whose bits have no names."""
    if isinstance(value, int) and value >= HEX_FROM:
        return hex(value)
    return values.shown(value, None)


def came_or_went(one: Any, other: Any) -> str:
    """What is on one side only; empty if it is on both."""
    if one is None:
        return "added" if trees.is_map(other) else f"added: {other}"
    if other is None:
        return "gone" if trees.is_map(one) else f"gone: {one}"
    return ""
