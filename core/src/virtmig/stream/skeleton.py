"""What is kept of a stream that flows past: all but the pages of its RAM, as a stream again."""

from __future__ import annotations

from collections.abc import Generator, Iterable, Sequence
from contextlib import contextmanager

import attrs

from virtmig.errors import BadFooter, GuestMemoryError, StreamError
from virtmig.stream.editing import Edits
from virtmig.stream.framing import check_joined
from virtmig.stream.head import Head
from virtmig.stream.live import END_MARKS
from virtmig.stream.opening import Stream
from virtmig.stream.passing import Opening
from virtmig.stream.ram import RamIndex
from virtmig.stream.records import EOF, footer
from virtmig.stream.search import CUT_DESCRIPTION
from virtmig.stream.sections import Section, SectionKind

STAND_IN = "virtmig-stand-in"
"""The idstr of a section that stands for all those that have not come yet."""


@attrs.define(eq=False)
class Skeleton(Stream):
    """A stream whose live sections have no pages in them."""

    def ram(self) -> RamIndex:
        raise GuestMemoryError("guest memory has flowed past and was not kept")


@attrs.frozen(eq=False)
class Kept:
    """The skeleton of a stream, and where in it the parts lie that came from the stream."""

    stream: Skeleton
    data: bytes
    """The bytes of the skeleton."""
    head: int
    """How many of them came in front of RAM."""
    tail: int
    """Offset of those that came behind RAM."""

    def edited(self, edits: Edits) -> tuple[bytes, bytes]:
        """Head and tail with these edits; refuses what `Stream.write` would refuse."""
        changes = self.stream.replaced(edits)
        return (
            self._part(0, self.head, [one for one in changes if one[0] < self.tail]),
            self._part(self.tail, len(self.data), [one for one in changes if one[0] >= self.tail]),
        )

    def _part(self, start: int, end: int, changes: Iterable[tuple[int, bytes, bytes]]) -> bytes:
        """The bytes from `start` to `end`, with changes that lie there."""
        parts: list[bytes] = []
        for at, old, new in changes:
            parts += (self.data[start:at], new)
            start = at + len(old)
        return b"".join((*parts, self.data[start:end]))


def keep(opening: Opening, tail: bytes, at: int) -> Kept:
    """The skeleton of a stream with this head, and with this `tail`, which came at offset `at`."""
    front = opening.data + b"".join(_end(opening.head, one) for one in opening.head.live)
    data = front + tail
    with _moved(at - len(front), len(front)):
        stream = Skeleton.from_bytes(data)
        if stream.remark == CUT_DESCRIPTION:
            raise BadFooter("the stream ends inside its description", offset=len(data))
    check_joined(data, stream.layout, len(front), at - len(front))
    return Kept(stream, data, len(opening.data), len(front))


def keep_head(opening: Opening, stand_ins: Sequence[str] = (STAND_IN,)) -> Kept:
    """The skeleton of a stream of which only the head is known.

    stand_ins: idstrs of empty sections in the place of those that have not come; at least one.
    """
    used = [one.section_id for one in (*opening.head.live, *opening.head.early)]
    first = max(used, default=0) + 1
    tail = b""
    for section_id, idstr in enumerate(stand_ins, first):
        name = idstr.encode()
        record = bytes([SectionKind.FULL]) + section_id.to_bytes(4, "big")
        tail += record + bytes([len(name)]) + name + bytes(8)
        tail += footer(section_id) if opening.head.footers else b""
    return keep(opening, tail + bytes([EOF]), len(opening.data))


def _end(head: Head, section: Section) -> bytes:
    """An END of a live section with nothing in it but its last item."""
    record = bytes([SectionKind.END]) + section.section_id.to_bytes(4, "big")
    close = footer(section.section_id) if head.footers else b""
    return record + END_MARKS[section.idstr] + close


@contextmanager
def _moved(by: int, tail: int) -> Generator[None, None, None]:
    """Let errors of the file give the offset in the stream that came, not in the skeleton."""
    try:
        yield
    except StreamError as error:
        where = error.where
        if where.offset is not None and where.offset >= tail and not where.section:
            error.where = attrs.evolve(where, offset=where.offset + by)
        raise
