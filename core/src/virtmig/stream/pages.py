"""How single pages are stored: plain, filled with one byte, deflated, or as a difference."""

from __future__ import annotations

import zlib

from virtmig.errors import BadFooter
from virtmig.stream.cursor import Cursor


def inflate(cursor: Cursor, page_size: int) -> bytes:
    """A page of the `compress` capability (QEMU up to 9.0): a zlib stream with its length."""
    at = cursor.at
    unpack = zlib.decompressobj()
    try:
        page = unpack.decompress(cursor.take(cursor.integer(4)), page_size)
    except zlib.error as error:
        raise BadFooter(f"a compressed page is damaged: {error}", offset=at) from error
    if len(page) != page_size:
        raise BadFooter(f"a compressed page of {len(page)} bytes", offset=at)
    return page


def apply_difference(cursor: Cursor, before: bytes) -> bytes:
    """A page of the `xbzrle` capability: what changed since it was last sent as `before`."""
    at = cursor.at
    cursor.skip(1)
    end = cursor.integer(2)
    end += cursor.at
    page = bytearray(before)
    place = 0
    while cursor.at < end:
        place += _leb128(cursor)
        changed = cursor.take(_leb128(cursor))
        page[place : place + len(changed)] = changed
        place += len(changed)
    if cursor.at != end or len(page) != len(before):
        raise BadFooter("an XBZRLE page is damaged: it changes bytes beyond the page", offset=at)
    return bytes(page)


def _leb128(cursor: Cursor) -> int:
    """A number in one or two bytes, seven bits each, low ones first."""
    low = cursor.integer(1)
    return low if low < 0x80 else low & 0x7F | cursor.integer(1) << 7
