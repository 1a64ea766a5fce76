"""Files of the lzop program, which libvirt can be told to compress with.

A header, then blocks: the unpacked size, the packed size, checksums of both by flags of the
header, the packed bytes. A block that does not shrink stands as it is. A size of 0 ends the member;
another one may follow.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import TypeAlias

import attrs

from virtmig.containers.compressed import needed
from virtmig.containers.contract import Container, Inside, Unpacked, Wanted
from virtmig.containers.members import Feed, Members
from virtmig.errors import BadContainer, LimitExceeded, Truncated
from virtmig.stream.cursor import Cursor
from virtmig.stream.output import Packer
from virtmig.stream.place import Place

MAGIC = b"\x89LZO\x00\x0d\x0a\x1a\x0a"
FILTER, EXTRA_FIELD, CRC_OF_HEADER = 0x800, 0x40, 0x1000
LARGEST_BLOCK = 1 << 19
"""Unpacked bytes of a block; lzop writes 256 KiB."""
BLOCK = 1 << 18
_Sum: TypeAlias = Callable[[bytes], int]
_SUMS = ((0x001, zlib.adler32), (0x100, zlib.crc32)), ((0x002, zlib.adler32), (0x200, zlib.crc32))
"""Flags of the header, and the sum each stands for: of the unpacked bytes, of the packed bytes."""
_METHODS = (1, 2, 3)
"""Ways to compress that are unpacked alike."""


@attrs.frozen(eq=False)
class Lzop(Container):
    """A file that lzop compressed."""

    name: str = "lzop"
    doc: str = "a file that lzop compressed"
    suffixes: tuple[str, ...] = (".lzo",)

    def claims(self, start: bytes) -> bool:
        return start.startswith(MAGIC)

    def open(self, outer: Place, wanted: Wanted) -> Inside:  # noqa: ARG002  of the interface
        feed, lzo = Feed(outer), needed(("lzallright",), "lzo", "lzop -dc")
        members = Members(self.name, self.claims, partial(_blocks, outer, lzo))
        return Unpacked(members.all(feed), packed=outer.size, end=lambda: feed.end)

    def packer(self) -> Packer | None:
        lzo = needed(("lzallright",), "lzo", "lzop -dc")
        return _Packer(lzo.LZOCompressor().compress)


def _blocks(place: Place, lzo: object, feed: Feed) -> Iterator[bytes]:
    """What is in one member; the feed is behind it then."""
    cursor = Cursor(place.data, feed.at + len(MAGIC))
    try:
        flags = _skip_header(cursor)
        while size := cursor.integer(4):
            yield _block(cursor, size, flags, lzo)
    except Truncated as error:
        raise Truncated("the lzop data ends early", offset=error.where.offset) from error
    feed.at = cursor.at


def _skip_header(cursor: Cursor) -> int:
    """Pass over the header, whose checksum has to be right; the flags in it."""
    at = cursor.at
    cursor.skip(6)  # of the program, of its library, and the oldest program that can read it
    method, _level, flags = cursor.integer(1), cursor.integer(1), cursor.integer(4)
    if method not in _METHODS or flags & FILTER:
        raise BadContainer(f"lzop's method {method} with flags {flags:#x} is not known", offset=at)
    cursor.skip(12)  # mode and time of the file
    cursor.skip(cursor.integer(1))
    header = cursor.data[at : cursor.at]
    if cursor.integer(4) != (zlib.crc32 if flags & CRC_OF_HEADER else zlib.adler32)(header):
        raise BadContainer("the checksum of lzop's header is wrong", offset=at)
    if flags & EXTRA_FIELD:
        cursor.skip(cursor.integer(4))
        cursor.skip(4)
    return flags


def _block(cursor: Cursor, size: int, flags: int, lzo: object) -> bytes:
    at = cursor.at - 4
    packed_size = cursor.integer(4)
    if size > LARGEST_BLOCK or not 0 < packed_size <= size:
        reason = f"a block of lzop of {size} bytes, {packed_size} packed"
        raise LimitExceeded(reason, offset=at)
    sums = [(sum_of, cursor.integer(4)) for flag, sum_of in _SUMS[0] if flags & flag]
    packed_sums = [
        (sum_of, cursor.integer(4))
        for flag, sum_of in _SUMS[1]
        if flags & flag and packed_size < size
    ]
    packed = cursor.take(packed_size)
    _check(packed, packed_sums, at)
    block = packed if packed_size == size else _decompressed(packed, size, at, lzo)
    _check(block, sums, at)
    return block


def _decompressed(packed: bytes, size: int, at: int, lzo: object) -> bytes:
    try:
        block = bytes(lzo.LZOCompressor.decompress(packed, size))  # type: ignore[attr-defined]
    except Exception as error:
        raise BadContainer(f"a block of lzop is damaged: {error}", offset=at) from error
    if len(block) != size:
        reason = f"a block of lzop unpacks to {len(block)} bytes, not {size}"
        raise BadContainer(reason, offset=at)
    return block


def _check(content: bytes, sums: Sequence[tuple[_Sum, int]], at: int) -> None:
    if any(sum_of(content) != told for sum_of, told in sums):
        raise BadContainer("a checksum of a block of lzop is wrong", offset=at)


@attrs.define
class _Packer:
    """Collects blocks and writes each as lzop does."""

    _compress: Callable[[bytes], bytes]
    _held: bytearray = attrs.field(factory=bytearray)
    _header: bytes = attrs.field(factory=lambda: _header())  # noqa: PLW0108  made below

    def compress(self, data: bytes, /) -> bytes:
        self._held += data
        done = bytearray(self._header)
        self._header = b""
        while len(self._held) >= BLOCK:
            done += self._block(bytes(self._held[:BLOCK]))
            del self._held[:BLOCK]
        return bytes(done)

    def flush(self) -> bytes:
        rest = self._block(bytes(self._held)) if self._held else b""
        return self._header + rest + bytes(4)

    def _block(self, block: bytes) -> bytes:
        packed = self._compress(block)
        packed = packed if len(packed) < len(block) else block
        numbers = (len(block), len(packed), zlib.adler32(block))
        return b"".join(number.to_bytes(4, "big") for number in numbers) + packed


def _header() -> bytes:
    """As lzop 1.04 writes it for a pipe: LZO1X-1, the sum of the unpacked bytes, no name."""
    fields = bytes.fromhex("1040 20a0 0940 01 05 03000001") + bytes(13)
    return MAGIC + fields + zlib.adler32(fields).to_bytes(4, "big")


LZOP = Lzop()
