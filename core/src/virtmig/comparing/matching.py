"""Which section of one stream is which of another: by name, or else by what fits."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence

import attrs

from virtmig.stream.sections import Section

MOST_TRIED = 32
"""Sections of one kind without a namesake; if there are more, none is compared with all others."""

Payload = Callable[[Section], bytes]
Key = Callable[[Section], Hashable]


@attrs.frozen
class Pair:
    """A section of one stream and the one that it is in the other."""

    one: Section
    other: Section

    @property
    def moved(self) -> bool:
        """Whether it has another name there."""
        return _name(self.one) != _name(self.other)


@attrs.define(eq=False)
class Matching:
    """Pairs, and what of both streams has no partner yet."""

    pairs: list[Pair]
    ours: list[Section]
    theirs: list[Section]

    def pair(self, key: Key, other: Key) -> None:
        """Pair the sections of equal keys, in the order in which they come."""
        waiting: dict[Hashable, list[Section]] = {}
        for section in self.theirs:
            waiting.setdefault(other(section), []).append(section)
        for section in list(self.ours):
            if fits := waiting.get(key(section)):
                self._add(section, fits.pop(0))

    def pair_nearest(self, payload: Payload, other: Payload) -> None:
        """Pair sections of one kind, those first that have the fewest bytes of another value."""
        for kind in dict.fromkeys(map(kind_of, self.ours)):
            both = self.ours, self.theirs
            sides = [[one for one in side if kind_of(one) == kind] for side in both]
            if max(map(len, sides)) > MOST_TRIED:
                continue
            ways = [
                (_distance(payload(one), other(two)), at, to)
                for at, one in enumerate(sides[0])
                for to, two in enumerate(sides[1])
            ]
            for _, at, to in sorted(ways):
                if sides[0][at] in self.ours and sides[1][to] in self.theirs:
                    self._add(sides[0][at], sides[1][to])

    def _add(self, one: Section, other: Section) -> None:
        self.pairs.append(Pair(one, other))
        self.ours.remove(one)
        self.theirs.remove(other)


def match(
    ours: Sequence[Section],
    theirs: Sequence[Section],
    payload: Payload,
    other: Payload,
    *,
    nearest: bool,
) -> Matching:
    """Pair sections by idstr and instance, then those of one kind that say the same.

    payload, other: the bytes of a section of either stream. nearest: then those of one kind that
    say much the same.
    """
    found = Matching([], list(ours), list(theirs))
    found.pair(_name, _name)
    found.pair(lambda one: (kind_of(one), payload(one)), lambda one: (kind_of(one), other(one)))
    if nearest:
        found.pair_nearest(payload, other)
    found.pairs.sort(key=lambda pair: pair.one.header)
    return found


def kind_of(section: Section) -> str:
    """The vmsd name: what a section is, without where."""
    return section.idstr.rpartition("/")[2]


def _name(section: Section) -> tuple[str, int]:
    return section.idstr, section.instance_id


def _distance(one: bytes, other: bytes) -> int:
    """How many bytes are another."""
    return sum(a != b for a, b in zip(one, other, strict=False)) + abs(len(one) - len(other))
