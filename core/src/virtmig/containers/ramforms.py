"""RAM in its two forms: pages one after another, and mapped-ram, where each page has its place.

Pages are read as they were last sent, whatever their encoding, and written plain. A page of zeros
is an item of nine bytes in the one form, and a hole without a bit in the bitmap in the other.
"""

from __future__ import annotations

from array import array
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from sys import byteorder

import attrs

from virtmig.containers.bitmaps import bitmap_of, set_bits
from virtmig.containers.capability import (
    configuration_record,
    description_record,
    machine_place,
)
from virtmig.errors import UnsupportedContainer
from virtmig.stream.blocks import (
    IGNORE_SHARED,
    MAPPED_RAM,
    MAPPED_VERSION,
    Block,
    skip_page_size,
)
from virtmig.stream.cursor import Cursor
from virtmig.stream.description import Description
from virtmig.stream.framing import Layout
from virtmig.stream.head import read_start
from virtmig.stream.live import RAM
from virtmig.stream.output import AnyPiece, Zeros
from virtmig.stream.place import CHUNK, Place
from virtmig.stream.ram import RamIndex
from virtmig.stream.ramwalk import CONTINUE, EOS, PAGE, ZERO
from virtmig.stream.runs import Run
from virtmig.stream.sections import FOOTER_SIZE, Configuration, Section

ALIGNMENT = 1 << 20
"""Offsets of the first page of each block are multiples of it."""
LARGEST_RAM = 1 << 50
"""Bytes; no guest has so much, and no file system such a file."""
_MAPPED_HEAD = 28
_MAGIC = 8
"""Bytes of the magic and the version."""


@attrs.frozen
class Span:
    """Pages of a block, one after another, that are not zero."""

    first: int
    count: int
    content: Callable[[], Iterator[bytes | range]]
    """Their bytes, in pieces of whole pages; or the offsets in the source where they lie."""


@attrs.frozen(eq=False)
class Reform:
    """A stream whose RAM is to be written in another form; all else stays."""

    place: Place
    layout: Layout
    index: RamIndex
    edits: Mapping[range, bytes] = attrs.field(factory=dict[range, bytes])
    """Other bytes for some places in the source, in rising order."""

    def __attrs_post_init__(self) -> None:
        if self.layout.head.configuration is None:
            self._refuse("a stream of a machine type up to 2.3, which has no mapped-ram")
        if IGNORE_SHARED in self.layout.head.capabilities:
            self._refuse("a stream with x-ignore-shared: its shared RAM is not in it")
        if not {MAPPED_RAM}.issuperset(self.layout.head.capabilities):
            self._refuse("a stream with a capability that is not known")
        if sum(block.length for block in self.index.blocks) > LARGEST_RAM:
            self._refuse(f"more than {LARGEST_RAM} bytes of RAM")
        if not self.index.parts or not self.index.blocks:
            self._refuse("a stream without RAM")
        for block in self.index.blocks:
            if absent := self.index.why_absent(block.name):
                self._refuse(absent)
            if block.length % self.index.page_size:
                self._refuse(f"block {block.name!r} has {block.length} bytes, a part of a page")

    @staticmethod
    def _refuse(why: str) -> None:
        raise UnsupportedContainer(f"RAM cannot be written in another form: {why}")

    def plain(self) -> Iterator[AnyPiece]:
        """The stream with pages one after another."""
        yield from self._start(mapped=False)
        for _, entry in self._entries():
            yield entry
        yield from self._rest(self._items(), mapped=False)

    def mapped(self, base: int) -> Iterator[AnyPiece]:
        """The stream in the form mapped-ram, to be written from offset `base` on."""
        at = base
        for piece in self._start(mapped=True):
            at += len(piece)
            yield piece
        for block, entry in self._entries():
            size = -(-(block.length // self.index.page_size) // 64) * 8
            bitmap_at = at + len(entry) + _MAPPED_HEAD
            pages_at = -(-(bitmap_at + size) // ALIGNMENT) * ALIGNMENT
            yield entry + self._mapped_head(bitmap_at, pages_at)
            yield from self._bitmap(block, size)
            yield Zeros(pages_at - bitmap_at - size)
            yield from self._pages(block)
            at = pages_at + block.length
        yield from self._rest(iter(()), mapped=True)

    # -- what is around the pages

    @property
    def _ram(self) -> Section:
        return next(one for one in self.layout.head.live if one.idstr == RAM)

    def _start(self, *, mapped: bool) -> Iterator[bytes | range]:
        """All in front of the list of blocks; what lies between configuration and RAM stays."""
        data, start = self.place.data, self.layout.head.start
        machine = machine_place(data, self.layout)
        name = self.edits.get(machine, data[machine.start : machine.stop])
        configuration = self.layout.head.configuration or Configuration("")
        record = configuration_record(name, configuration, mapped=mapped)
        yield data[start : start + _MAGIC] + record
        yield from self._edited(read_start(data, start)[1], self._ram.start + 8)

    def _entries(self) -> Iterator[tuple[Block, bytes]]:
        """Each block with its name and length as they stand in the list."""
        cursor = Cursor(self.place.data, self._ram.start + 8)
        for block in self.index.blocks:
            at = cursor.at
            cursor.skip(cursor.integer(1) + 8)
            yield block, self.place.data[at : cursor.at]
            if block.mapped is None:
                skip_page_size(cursor)
            else:
                cursor.at = block.mapped.pages + block.length

    def _rest(self, items: Iterator[AnyPiece], *, mapped: bool) -> Iterator[AnyPiece]:
        """All behind the list of blocks, with `items` as the only part of RAM."""
        data, at = self.place.data, self._ram.after
        yield _EOS + data[self._ram.end : at]
        for part in self.index.parts:
            yield from self._edited(at, part.start)
            at = part.stop
        end = self.index.parts[-1]
        yield data[end.start : end.start + 5]
        yield from items
        yield _EOS + (data[end.stop - FOOTER_SIZE : end.stop] if self.layout.head.footers else b"")
        if self.layout.description is None:
            yield from self._edited(at, len(data))
            return
        yield from self._edited(at, self.layout.description.at)
        yield description_record(self._description(self.layout.description), mapped=mapped)
        yield range(self.layout.description.end, len(data))

    def _description(self, told: Description) -> bytes:
        """The record of the description, as the edits leave it."""
        data, body = self.place.data, range(told.at + 1, told.end)
        return data[told.at : body.start] + self.edits.get(body, data[body.start : body.stop])

    def _edited(self, at: int, stop: int) -> Iterator[bytes | range]:
        """A range of the source, but for what the edits change in it."""
        for where, content in self.edits.items():
            if at <= where.start and where.stop <= stop:
                yield range(at, where.start)
                yield content
                at = where.stop
        yield range(at, stop)

    # -- pages one after another

    def _items(self) -> Iterator[AnyPiece]:
        """Every page of every block. Those of a block continue a first item that names it."""
        for block, entry in self._entries():
            yield ZERO.to_bytes(8, "big") + entry[:-8] + b"\0"
            at = 0
            for span in self._spans(block):
                yield from self._zero_items(at, span.first)
                yield from self._page_items(span)
                at = span.first + span.count
            yield from self._zero_items(at, block.length // self.index.page_size)

    def _words(self, start: int, stop: int, flags: int) -> bytes:
        """The first words of items of these pages."""
        size = self.index.page_size
        words = array("Q", range(start * size | flags, stop * size | flags, size))
        if byteorder == "little":
            words.byteswap()
        return words.tobytes()

    def _zero_items(self, start: int, stop: int) -> Iterator[bytes]:
        for first in range(start, stop, CHUNK >> 4):
            words = self._words(first, min(stop, first + (CHUNK >> 4)), ZERO | CONTINUE)
            items = bytearray(len(words) // 8 * 9)
            for column in range(8):
                items[column::9] = words[column::8]
            yield bytes(items)

    def _page_items(self, span: Span) -> Iterator[bytes]:
        size, at = self.index.page_size, span.first
        for piece in span.content():
            for content in self.place.chunks(piece) if isinstance(piece, range) else [piece]:
                count = len(content) // size
                words = self._words(at, at + count, PAGE | CONTINUE)
                yield b"".join(
                    words[8 * i : 8 * i + 8] + content[size * i : size * i + size]
                    for i in range(count)
                )
                at += count

    # -- mapped-ram

    def _mapped_head(self, bitmap_at: int, pages_at: int) -> bytes:
        numbers = (self.index.page_size, bitmap_at, pages_at)
        return MAPPED_VERSION.to_bytes(4, "big") + b"".join(n.to_bytes(8, "big") for n in numbers)

    def _bitmap(self, block: Block, size: int) -> Iterator[AnyPiece]:
        """A bit for each page that is not zero."""
        spans = ((span.first, span.first + span.count) for span in self._spans(block))
        return bitmap_of(spans, size)

    def _pages(self, block: Block) -> Iterator[AnyPiece]:
        """All pages of a block at their places, and nothing where there are none."""
        at, size = 0, self.index.page_size
        for span in self._spans(block):
            yield Zeros(span.first * size - at)
            yield from span.content()
            at = (span.first + span.count) * size
        yield Zeros(block.length - at)

    # -- pages as the source has them

    def _spans(self, block: Block) -> Iterator[Span]:
        return self._mapped_spans(block) if block.mapped else self._sent_spans(block.name)

    def _mapped_spans(self, block: Block) -> Iterator[Span]:
        size, mapped = self.index.page_size, block.mapped
        if mapped is None:
            return
        for first, stop in set_bits(self.place, mapped.bitmap, block.length // size):
            where = range(mapped.pages + first * size, mapped.pages + stop * size)
            yield Span(first, stop - first, partial(_where, where))

    def _sent_spans(self, name: str) -> Iterator[Span]:
        for first, count, run in self.index.sent(name):
            kind = run.flags & ~CONTINUE
            if kind == PAGE:
                yield Span(first, count, partial(self._stripped, run, first, count))
            elif kind != ZERO or self.place.data[run.place]:
                yield Span(first, count, partial(self._single, name, first, count))

    def _stripped(self, run: Run, first: int, count: int) -> Iterator[bytes]:
        """Plain pages, which have a header of eight bytes in front of each."""
        size = self.index.page_size
        stride, at_once = size + 8, max(1, CHUNK // size)
        for page in range(first, first + count, at_once):
            number = min(at_once, first + count - page)
            start = run.place + (page - run.page) * stride
            raw = b"".join(self.place.chunks(range(start, start + number * stride - 8)))
            yield b"".join(raw[stride * i : stride * i + size] for i in range(number))

    def _single(self, name: str, first: int, count: int) -> Iterator[bytes]:
        """Pages of any encoding, one by one."""
        for page in range(first, first + count):
            yield self.index.page(name, page)


_EOS = EOS.to_bytes(8, "big")


def _where(place: range) -> Iterator[bytes | range]:
    yield place
