"""What differs between two payloads, as pieces to be put in the place of others."""

from __future__ import annotations

from collections.abc import Iterator

from virtmig.editing.requests import Hunk

SKIP = 4096
"""Bytes that are compared at once."""
SURE = 24
"""Bytes that have to be equal where two payloads are taken to be in step again."""
FAR = 2048
"""Bytes within which that is looked for."""
MOST_HUNKS = 256
"""Pieces of two payloads of different length; the rest is one more."""


def hunks(old: bytes, new: bytes) -> Iterator[Hunk]:
    """The pieces, in rising order; any piece of `old` that is in none of them stays."""
    if len(old) == len(new):
        yield from _runs(old, new)
    else:
        yield from _moved(old, new)


def _runs(old: bytes, new: bytes) -> Iterator[Hunk]:
    """Runs of bytes that differ, where none moves."""
    at = 0
    while (at := at + equal(old, at, new, at)) < len(old):
        end = at
        while end < len(old) and old[end] != new[end]:
            end += 1
        yield Hunk(at, old[at:end], new[at:end])
        at = end


def _moved(old: bytes, new: bytes) -> Iterator[Hunk]:
    """The same where some bytes come or go."""
    at = to = 0
    for _ in range(MOST_HUNKS):
        same = equal(old, at, new, to)
        at, to = at + same, to + same
        if at == len(old) and to == len(new):
            return
        gone, come = _to_next(old, at, new, to)
        yield Hunk(at, old[at : at + gone], new[to : to + come])
        at, to = at + gone, to + come
    if old[at:] != new[to:]:
        yield Hunk(at, old[at:], new[to:])


def equal(old: bytes, at: int, new: bytes, to: int) -> int:
    """How many bytes from `at` and `to` on are the same."""
    start, left = at, min(len(old) - at, len(new) - to)
    while left >= SKIP and old[at : at + SKIP] == new[to : to + SKIP]:
        at, to, left = at + SKIP, to + SKIP, left - SKIP
    while left and old[at] == new[to]:
        at, to, left = at + 1, to + 1, left - 1
    return at - start


def _to_next(old: bytes, at: int, new: bytes, to: int) -> tuple[int, int]:
    """How many bytes go and come before both are in step again: the fewest that will do."""
    for size in range(1, FAR):
        for gone, come in ((size, size), (size, 0), (0, size)):
            ahead = old[at + gone : at + gone + SURE]
            if ahead == new[to + come : to + come + SURE]:
                return min(gone, len(old) - at), min(come, len(new) - to)
    return len(old) - at, len(new) - to
