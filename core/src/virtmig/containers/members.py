"""Compressed files of several members, one after another: what is in them is one."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import attrs

from virtmig.errors import Truncated
from virtmig.stream.place import CHUNK, Place

SMALL = 1 << 10
"""Bytes that a decoder is given first: a file may have a great many members that are no longer."""
MAGIC_SIZE = 16
"""Bytes that tell what a member is."""


@attrs.define(eq=False)
class Feed:
    """The bytes of a file in order, each read once, taken in pieces of any size."""

    _place: Place
    at: int = attrs.field(init=False)
    """Offset of the first byte that was not taken."""
    end: int = attrs.field(init=False)
    """Offset behind the last member, as soon as that is known; until then that of the end."""
    _chunk: bytes = attrs.field(default=b"", init=False)
    _start: int = attrs.field(default=0, init=False)
    """Offset of the chunk."""

    def __attrs_post_init__(self) -> None:
        self.at, self.end = self._place.at, len(self._place.data)

    @property
    def left(self) -> int:
        """How many bytes were not taken."""
        return len(self._place.data) - self.at

    def peek(self) -> bytes:
        """The first bytes that were not taken."""
        return self._place.moved(self.at).start(MAGIC_SIZE)

    def take(self, size: int) -> bytes:
        """Some bytes, `size` at most; none at the end."""
        if not self._start <= self.at < self._start + len(self._chunk):
            self._start = self.at
            self._chunk = next(iter(self._place.moved(self.at).chunks()), b"")
        start = self.at - self._start
        taken = self._chunk[start : start + size]
        self.at += len(taken)
        return taken

    def give_back(self, data: bytes) -> None:
        """Take these bytes, which were taken last, another time."""
        self.at -= len(data)

    def skip_zeros(self) -> int:
        """Pass over zeros; how many there were."""
        start, size = self.at, SMALL
        while taken := self.take(size):
            size = min(2 * size, CHUNK)
            rest = taken.lstrip(b"\0")
            if rest:
                self.give_back(rest)
                break
        return self.at - start


@attrs.frozen(eq=False)
class Members:
    """How the members of one kind of file are told and read."""

    name: str
    claims: Callable[[bytes], bool]
    """Whether a member begins like this."""
    read: Callable[[Feed], Iterator[bytes]]
    """What is in one member; the feed is behind it then."""
    padding: int = 0
    """Zeros may stand between two members, in multiples of so many bytes; 0: none may."""

    def all(self, feed: Feed) -> Iterator[bytes]:
        """What is in all members; zeros may stand behind the last, and where padding may."""
        while True:
            yield from self.read(feed)
            end = feed.at
            zeros = feed.skip_zeros()
            padded = zeros % self.padding == 0 if self.padding else not zeros
            if not feed.left or not padded or not self.claims(feed.peek()):
                feed.end = end
                break
        if feed.left:
            raise Truncated(f"{feed.left} bytes that are no {self.name} follow its data")
