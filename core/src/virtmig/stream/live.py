"""Bodies of live sections, which have no length: their ends are found by walking their items."""

from __future__ import annotations

from virtmig.errors import BadFooter, UnsupportedContainer
from virtmig.stream.blocks import Block, read_blocks
from virtmig.stream.cursor import Cursor, Forward

RAM = "ram"
RAM_VERSION = 4
STORAGE_ATTRIBUTES = "s390-storage_attributes"

FLAG_MEM_SIZE = 0x004
FLAG_EOS = 0x010
FLAG_MULTIFD_FLUSH = 0x200

_ATTR_EOS, _ATTR_MORE, _ATTR_ERROR, _ATTR_DONE = 1, 2, 4, 8
_ATTR_FLAGS = 0xFFF

END_MARKS = {
    RAM: FLAG_EOS.to_bytes(8, "big"),
    STORAGE_ATTRIBUTES: _ATTR_EOS.to_bytes(8, "big"),
}
"""The last item of each part of a live section, by the section's idstr."""


def read_ram_start(
    cursor: Cursor, version: int, page_size: int, capabilities: tuple[str, ...]
) -> tuple[Block, ...]:
    """The block list of the START section of `ram`; leaves `cursor` behind the section."""
    at = cursor.at
    if version != RAM_VERSION:
        raise UnsupportedContainer(f"RAM of version {version}, not {RAM_VERSION}", offset=at)
    item = cursor.integer(8)
    flags = item & (page_size - 1)
    if flags != FLAG_MEM_SIZE:
        raise BadFooter(f"RAM starts with flags {flags:#x}, not with its blocks", offset=at)
    blocks = read_blocks(cursor, item - flags, page_size, capabilities)
    at = cursor.at
    word = cursor.integer(8)
    if word == FLAG_MULTIFD_FLUSH:
        word = cursor.integer(8)
    if word != FLAG_EOS:
        raise BadFooter("the list of RAM blocks does not end where it should", offset=at)
    return blocks


def skip_attributes(cursor: Forward) -> None:
    """Pass over one part of the storage attributes (the CMMA state of s390x pages)."""
    while True:
        at = cursor.at
        flags = cursor.integer(8) & _ATTR_FLAGS
        if flags == _ATTR_EOS:
            return
        if flags == _ATTR_MORE:
            cursor.skip(cursor.integer(8))
        elif flags == _ATTR_ERROR:
            raise BadFooter("the source could not read the storage attributes", offset=at)
        elif flags != _ATTR_DONE:
            raise BadFooter(f"storage attributes with flags {flags:#x}", offset=at)
