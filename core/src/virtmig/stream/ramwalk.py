"""The walk over the items of RAM: every header is read, no page is.

Most of a stream is long runs of pages, so three methods share the work, fastest first: one regular
expression passes over a run of up to 8 MiB of consecutive pages; where runs are short, another
one collects many headers at once; and whatever else there is, is read item by item.

Page data is the guest's and may look like anything. So an address is never inferred: the upper
five bytes of all headers in a run are equal (a back reference says so), and the two below are
compared, one strided slice for each, with those of consecutive pages.
"""

from __future__ import annotations

import mmap
import re
import sys
from array import array
from functools import lru_cache
from itertools import accumulate, pairwise
from operator import sub

import attrs

from virtmig.errors import BadFooter, UnsupportedContainer
from virtmig.stream.cursor import Cursor, Data, Forward
from virtmig.stream.runs import Runs

ZERO, MEM_SIZE, PAGE, EOS, CONTINUE = 0x002, 0x004, 0x008, 0x010, 0x020
XBZRLE, HOOK, COMPRESSED, MULTIFD_FLUSH = 0x040, 0x080, 0x100, 0x200

REGION = 1 << 24
"""Bytes of guest memory whose addresses differ in three bytes only: no run leaves them."""
LONGEST_RUN = 8 << 20
"""Bytes of guest memory; so much of the stream may be mapped at a time, and KEPT_MAPPED more."""
SHORT_RUN = 8
"""Pages; after a shorter run, the items that follow are collected one by one."""
FRAGMENT = range(1 << 13, 1 << 20)
"""Bytes of stream that are collected at a time: twice as many each time while runs stay short."""
KEPT_MAPPED = 8 << 20
"""Bytes of stream behind the walk that stay mapped: they count as memory of the process."""


@attrs.frozen
class Patterns:
    """What the headers of consecutive pages look like, for one page size."""

    page_size: int
    pages: re.Pattern[bytes]
    zeros: re.Pattern[bytes]
    items: re.Pattern[bytes]
    """One page or zero page; group 1 is its header. What is neither is swallowed to the end."""
    byte5: bytes
    """The sixth byte of the headers of all pages of a region."""
    byte6: bytes

    def consecutive(self, data: Data, at: int, end: int, stride: int) -> bool:
        """Whether the headers from `at` on, `stride` bytes apart, are of consecutive pages.

        Asked only if their first five bytes are known to be equal.
        """
        first = int.from_bytes(data[at + 5 : at + 7], "big") * 256 // self.page_size
        count = (end - at) // stride
        return (
            data[at + 6 : end : stride] == self.byte6[first : first + count]
            and data[at + 5 : end : stride] == self.byte5[first : first + count]
        )


@lru_cache
def patterns(page_size: int) -> Patterns:
    """The patterns for a page size, a power of two from 1 KiB to 64 KiB."""
    addresses = range(0, REGION, page_size)
    byte6 = bytes(address >> 8 & 0xFF for address in addresses)
    any6 = b"[" + b"".join(b"\\x%02x" % value for value in sorted(set(byte6))) + b"]"
    page = any6 + rb"\x28.{%d}" % page_size
    zero = any6 + rb"\x22\x00"
    run = rb"(.{5}).%s(?:\1.%s){0,%d}+"
    longest = LONGEST_RUN // page_size - 1
    item = rb"(.{6}%s[\x28\x22])(?:(?<=\x28).{%d}|(?<=\x22)\x00)|.+" % (any6, page_size)
    return Patterns(
        page_size=page_size,
        pages=re.compile(run % (page, page, longest), re.DOTALL),
        zeros=re.compile(run % (zero, zero, longest), re.DOTALL),
        items=re.compile(item, re.DOTALL),
        byte5=bytes(address >> 16 & 0xFF for address in addresses),
        byte6=byte6,
    )


@attrs.define(eq=False)
class RamWalk:
    """Fills the runs of each block; one object walks all sections of `ram` in order."""

    data: Data
    page_size: int
    runs: dict[str, Runs]
    """The runs of every block, by its name."""
    _current: Runs | None = attrs.field(default=None, init=False)
    """Of the block that an item without a name is about."""
    _window: int = attrs.field(default=FRAGMENT.start, init=False)
    """How much to collect the next time."""
    flushed: bool = attrs.field(default=False, init=False)
    """Whether the source waited for other channels: multifd sends pages through them."""
    _unmapped: int = attrs.field(default=0, init=False)
    """Everything before this offset was handed back to the kernel."""

    def section(self, at: int) -> int:
        """Walk the items of one section from `at` on; the offset behind its end mark."""
        cursor = Cursor(self.data, at)
        while True:
            if self._current is not None:
                cursor.at = self._bulk(self._current, cursor.at)
            word = cursor.integer(8)
            flags = word & (self.page_size - 1)
            if flags == EOS:
                return cursor.at
            if flags == MULTIFD_FLUSH:
                self.flushed = True
            else:
                self._item(cursor, word, flags)

    def _item(self, cursor: Cursor, word: int, flags: int) -> None:
        """One page in any encoding; `cursor` is behind the item's first word."""
        at = cursor.at - 8
        runs = self._current if flags & CONTINUE else self._named(cursor)
        if runs is None:
            raise BadFooter("a page continues a RAM block, but none came before", offset=at)
        place = cursor.at
        skip_content(cursor, flags, self.page_size, at)
        runs.add(word, place, 1)
        self._current = runs

    def _named(self, cursor: Cursor) -> Runs:
        at = cursor.at
        name = cursor.text()
        if name not in self.runs:
            raise BadFooter(f"a page of the unknown RAM block {name!r}", offset=at)
        return self.runs[name]

    def _bulk(self, runs: Runs, at: int) -> int:
        """Pass over plain and zero pages of the current block; the offset of another item."""
        known = patterns(self.page_size)
        while True:
            self._unmap(at)
            match = known.pages.match(self.data, at) or known.zeros.match(self.data, at)
            if match is None:
                return at
            end = match.end()
            stride = self._sizes[self.data[at + 7]]
            count = (end - at) // stride
            if count < SHORT_RUN or not known.consecutive(self.data, at, end, stride):
                at = self._fragment(runs, at, max(end, at + self._window))
                self._window = min(self._window * 2, FRAGMENT.stop)
                continue
            self._window = FRAGMENT.start
            runs.add(int.from_bytes(self.data[at : at + 8], "big"), at + 8, count)
            at = end

    def _fragment(self, runs: Runs, at: int, limit: int) -> int:
        """Collect plain and zero pages one by one from `at`, up to `limit` at most."""
        headers = patterns(self.page_size).items.findall(self.data, at, limit)
        raw = b"".join(headers)  # what was swallowed at the end has no group and adds nothing
        words = array("Q", raw)
        if sys.byteorder == "little":
            words.byteswap()
        sizes = map(self._sizes.__getitem__, raw[7::8])
        places = list(accumulate(sizes, initial=at + 8))
        step = self.page_size  # flags are equal too if two words differ by just this
        breaks = [i for i, (a, b) in enumerate(pairwise(words), 1) if b - a != step]
        firsts = [0, *breaks]
        counts = map(sub, [*breaks, len(words)], firsts)
        runs.extend(map(words.__getitem__, firsts), map(places.__getitem__, firsts), counts)
        return places[-1] - 8

    @property
    def _sizes(self) -> dict[int, int]:
        """Bytes of an item without a name, by the last byte of its first word."""
        return {PAGE | CONTINUE: self.page_size + 8, ZERO | CONTINUE: 9}

    def _unmap(self, at: int) -> None:
        """Let the kernel take back pages of the file that were walked."""
        if at - self._unmapped < KEPT_MAPPED or not isinstance(self.data, mmap.mmap):
            return
        start, end = (offset - offset % mmap.PAGESIZE for offset in (self._unmapped, at))
        self.data.madvise(mmap.MADV_DONTNEED, start, end - start)
        self._unmapped = end


def skip_content(cursor: Forward, flags: int, page_size: int, at: int) -> None:
    """Pass over what follows the first word, and the block's name, of the item at `at`.

    `flags` are those of the word; not those of the end mark and MULTIFD_FLUSH, which stand alone.
    """
    kind = flags & ~CONTINUE
    if kind == PAGE:
        cursor.skip(page_size)
    elif kind == ZERO:
        cursor.skip(1)
    elif kind == XBZRLE:
        cursor.skip(1)
        cursor.skip(cursor.integer(2))
    elif kind == COMPRESSED:
        cursor.skip(cursor.integer(4))
    elif flags & HOOK:
        raise UnsupportedContainer("RAM was sent by RDMA and is not in the file", offset=at)
    else:
        reason = f"an item of RAM with flags {flags:#x}: not RAM, or damaged"
        raise BadFooter(reason, offset=at)
