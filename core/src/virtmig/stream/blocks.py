"""The list of RAM blocks that opens the `ram` section, with the extras of two capabilities."""

from __future__ import annotations

import attrs

from virtmig.errors import BadFooter, LimitExceeded
from virtmig.stream.cursor import Cursor

IGNORE_SHARED = "x-ignore-shared"
MAPPED_RAM = "mapped-ram"

MOST_BLOCKS = 1 << 16
"""Blocks in one list; a guest has a few plus one for every ROM and memory module."""
MAPPED_VERSION = 1


@attrs.frozen
class Mapped:
    """Where the pages of a block of a mapped-ram stream lie."""

    bitmap: int
    """Offset of a bitmap of 64-bit words in the source host's order; bit set: page in the file."""
    pages: int
    """Offset of the block's first page; the others follow in order, absent ones too."""


@attrs.frozen
class Block:
    """A piece of guest memory with a name of its own."""

    name: str
    length: int
    """Bytes in use."""
    address: int | None = None
    """Address inside the containing region; only sent with x-ignore-shared."""
    mapped: Mapped | None = None


def read_blocks(
    cursor: Cursor, total: int, page_size: int, capabilities: tuple[str, ...]
) -> tuple[Block, ...]:
    """The blocks whose lengths add up to `total`; leaves `cursor` behind the list."""
    blocks: dict[str, Block] = {}
    left = total
    while left > 0:
        if len(blocks) == MOST_BLOCKS:
            raise LimitExceeded(f"more than {MOST_BLOCKS} RAM blocks", offset=cursor.at)
        at = cursor.at
        block = _read_block(cursor, page_size, capabilities)
        if block.name in blocks:
            raise BadFooter(f"two RAM blocks are named {block.name!r}", offset=at)
        left -= block.length
        blocks[block.name] = block
    if left < 0:
        raise BadFooter("the RAM blocks are longer than their total", offset=cursor.at)
    return tuple(blocks.values())


def _read_block(cursor: Cursor, page_size: int, capabilities: tuple[str, ...]) -> Block:
    name, length = cursor.text(), cursor.integer(8)
    if not {IGNORE_SHARED, MAPPED_RAM}.intersection(capabilities):
        skip_page_size(cursor)
    address = cursor.integer(8) if IGNORE_SHARED in capabilities else None
    mapped = _read_mapped(cursor, length, page_size) if MAPPED_RAM in capabilities else None
    return Block(name, length, address, mapped)


def skip_page_size(cursor: Cursor) -> None:
    """Pass over the block's page size, sent with postcopy-ram for huge pages.

    What else can follow is a name, whose length byte makes the number larger than any page, or
    an item of RAM, whose low bits are flags.
    """
    ahead = Cursor(cursor.data, cursor.at)
    value = ahead.integer(8)
    if 1 << 12 <= value < 1 << 48 and value & (value - 1) == 0:
        cursor.at = ahead.at


def _read_mapped(cursor: Cursor, length: int, page_size: int) -> Mapped:
    at = cursor.at
    form = (cursor.integer(4), cursor.integer(8))
    mapped = Mapped(cursor.integer(8), cursor.integer(8))
    if form != (MAPPED_VERSION, page_size):
        raise BadFooter("a mapped-ram header of unknown version or page size", offset=at)
    if mapped.bitmap != cursor.at or mapped.pages < cursor.at + -(-length // page_size // 8):
        raise BadFooter("a mapped-ram header whose bitmap or pages overlap it", offset=at)
    cursor.at = mapped.pages
    cursor.skip(length)
    return mapped
