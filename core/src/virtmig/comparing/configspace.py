"""The fields of virtio configuration spaces by name; a stream has a space as bytes.

They are those of the virtio specification, version 1.3, section 5: "device configuration layout" of
each device type.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from virtmig.virtio.rings import Endian

# device id: the fields in order; a number for their bytes in front of each name
_LAYOUTS: Mapping[int, str] = {
    1: "6 mac, 2 status, 2 max_virtqueue_pairs, 2 mtu, 4 speed, 1 duplex, 1 rss_max_key_size, "
    "2 rss_max_indirection_table_length, 4 supported_hash_types",
    2: "8 capacity, 4 size_max, 4 seg_max, 2 cylinders, 1 heads, 1 sectors, 4 blk_size, "
    "1 physical_block_exp, 1 alignment_offset, 2 min_io_size, 4 opt_io_size, 1 writeback, "
    "1 unused0, 2 num_queues, 4 max_discard_sectors, 4 max_discard_seg, "
    "4 discard_sector_alignment, 4 max_write_zeroes_sectors, 4 max_write_zeroes_seg, "
    "1 write_zeroes_may_unmap, 3 unused1, 4 max_secure_erase_sectors, 4 max_secure_erase_seg, "
    "4 secure_erase_sector_alignment",
    3: "2 cols, 2 rows, 4 max_nr_ports, 4 emerg_wr",
    5: "4 num_pages, 4 actual, 4 free_page_hint_cmd_id, 4 poison_val",
    8: "4 num_queues, 4 seg_max, 4 max_sectors, 4 cmd_per_lun, 4 event_info_size, 4 sense_size, "
    "4 cdb_size, 2 max_channel, 2 max_target, 4 max_lun",
    16: "4 events_read, 4 events_clear, 4 num_scanouts, 4 num_capsets",
    19: "8 guest_cid",
    23: "8 page_size_mask, 8 input_range.start, 8 input_range.end, 4 domain_range.start, "
    "4 domain_range.end, 4 probe_size, 1 bypass",
    24: "8 block_size, 2 node_id, 6 padding, 8 addr, 8 region_size, 8 usable_region_size, "
    "8 plugged_size, 8 requested_size",
    26: "36 tag, 4 num_request_queues",
}
_NUMBERS = (1, 2, 4, 8)
"""Sizes of numbers; what has another size is bytes."""


def differing_fields(
    device_id: int, one: bytes, other: bytes, endian: Endian
) -> Iterator[tuple[str, int | str | None, int | str | None]]:
    """Each field that differs, with both values; None where the space ends in front of it.

    Bytes that no field is known for come as `[OFFSET]`.
    """
    at = 0
    for name, size in _fields(device_id, max(len(one), len(other))):
        before, after = (_value(space[at : at + size], size, endian) for space in (one, other))
        if before != after:
            yield name, before, after
        at += size


def _fields(device_id: int, length: int) -> Iterator[tuple[str, int]]:
    """The names of so many bytes, with their sizes."""
    at = 0
    for field in filter(None, _LAYOUTS.get(device_id, "").split(", ")):
        size, _, name = field.partition(" ")
        if at < length:
            yield name, int(size)
        at += int(size)
    for byte in range(at, length):
        yield f"[{byte}]", 1


def _value(raw: bytes, size: int, endian: Endian) -> int | str | None:
    if not raw:
        return None
    return int.from_bytes(raw, endian) if size in _NUMBERS and len(raw) == size else raw.hex()
