"""Where the pages of one RAM block lie, as runs of pages that follow one another.

A run costs 24 bytes however long it is. Pages may be sent many times and the last one wins, so
runs overlap; who wins is worked out at the first look-up, not while the stream is walked.
"""

from __future__ import annotations

import heapq
from array import array
from bisect import bisect_right
from collections.abc import Iterable, Iterator
from itertools import islice
from operator import add, ge

import attrs


def _numbers() -> array[int]:
    return array("Q")


@attrs.frozen
class Run:
    """Pages that follow one another in the block and, at equal distances, in the file."""

    flags: int
    """The item's flags, which say how each page is stored."""
    page: int
    """Number of the first page in its block."""
    place: int
    """Offset in the file of what follows the first page's header and block name."""
    count: int
    """How many pages."""


@attrs.define(eq=False)
class Runs:
    """The runs of one block, in the order in which they were sent."""

    shift: int
    """log2 of the page size."""
    _words: array[int] = attrs.field(factory=_numbers, init=False)
    _places: array[int] = attrs.field(factory=_numbers, init=False)
    _counts: array[int] = attrs.field(factory=_numbers, init=False)
    _pieces: Pieces | None = attrs.field(default=None, init=False)

    def __len__(self) -> int:
        return len(self._words)

    def __getitem__(self, index: int) -> Run:
        word = self._words[index]
        flags = word & ((1 << self.shift) - 1)
        return Run(flags, word >> self.shift, self._places[index], self._counts[index])

    def all(self) -> Iterator[Run]:
        """Every run, in the order in which they were sent."""
        return map(self.__getitem__, range(len(self)))

    def add(self, word: int, place: int, count: int) -> None:
        """Append one run; `word` is the first item's: address and flags."""
        self._words.append(word)
        self._places.append(place)
        self._counts.append(count)

    def extend(self, words: Iterable[int], places: Iterable[int], counts: Iterable[int]) -> None:
        """Append many runs."""
        self._words.extend(words)
        self._places.extend(places)
        self._counts.extend(counts)

    @property
    def pages(self) -> int:
        """How many pages were sent, each counted as often as it was."""
        return sum(self._counts)

    @property
    def end(self) -> int:
        """Number of the page behind the highest one."""
        return max(map(add, self._pages(), self._counts), default=0)

    def find(self, page: int) -> int | None:
        """Index of the run that holds what the page was last sent as; None if it never was."""
        if self._pieces is None:
            self._pieces = self._settle()
        return self._pieces.find(page)

    def pieces(self) -> Iterator[tuple[int, int, int]]:
        """Parts of runs that do not overlap, by address: first page, the one behind, the run."""
        if self._pieces is None:
            self._pieces = self._settle()
        return zip(self._pieces.starts, self._pieces.ends, self._pieces.owners, strict=True)

    def earlier(self, index: int, page: int) -> int | None:
        """Index of the run before `index` that last held the page."""
        words, counts, shift = self._words, self._counts, self.shift
        for other in range(index - 1, -1, -1):
            if 0 <= page - (words[other] >> shift) < counts[other]:
                return other
        return None

    def _pages(self) -> Iterable[int]:
        return (word >> self.shift for word in self._words)

    def _settle(self) -> Pieces:
        """Sort the runs by address; where they overlap, keep what was sent last."""
        order = array("Q", sorted(range(len(self)), key=self._words.__getitem__))
        starts = array("Q", (self._words[index] >> self.shift for index in order))
        ends = array("Q", map(add, starts, map(self._counts.__getitem__, order)))
        if all(map(ge, islice(starts, 1, None), ends)):
            return Pieces(starts, ends, order)
        return _overlay(starts, ends, order)


@attrs.frozen
class Pieces:
    """Parts of runs that do not overlap, by address; columns of equal length."""

    starts: array[int] = attrs.field(factory=_numbers)
    ends: array[int] = attrs.field(factory=_numbers)
    owners: array[int] = attrs.field(factory=_numbers)
    """Index of the run that each piece belongs to."""

    def find(self, page: int) -> int | None:
        """The owner of the piece that the page lies in."""
        at = bisect_right(self.starts, page) - 1
        return self.owners[at] if at >= 0 and page < self.ends[at] else None

    def append(self, start: int, end: int, owner: int) -> None:
        """Add a piece behind all others."""
        if self.owners and self.owners[-1] == owner and self.ends[-1] == start:
            self.ends[-1] = end
            return
        self.starts.append(start)
        self.ends.append(end)
        self.owners.append(owner)


def _overlay(starts: array[int], ends: array[int], order: array[int]) -> Pieces:
    """Pieces of runs sorted by start: of those at one place the one with the highest index."""
    pieces = Pieces()
    heap: list[tuple[int, int]] = []  # the open runs: minus their index, and their end
    at = 0
    for start, end, index in zip(starts, ends, order, strict=True):
        at = _emit(pieces, heap, at, start)
        heapq.heappush(heap, (-index, end))
    _emit(pieces, heap, at, max(ends, default=0))
    return pieces


def _emit(pieces: Pieces, heap: list[tuple[int, int]], at: int, until: int) -> int:
    """Add what the open runs say of the pages from `at`, but not from `until` on."""
    while heap and at < until:
        index, end = heap[0]
        if end <= at:
            heapq.heappop(heap)
            continue
        pieces.append(at, min(end, until), -index)
        at = min(end, until)
    return until
