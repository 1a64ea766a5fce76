"""Rings as the guest laid them out in its memory, in both byte orders."""

from __future__ import annotations

import attrs
import pytest

from virtmig.errors import GuestMemoryError, LimitExceeded
from virtmig.guest.vring import (
    ByteOrder,
    Descriptor,
    PackedDescriptor,
    PackedRing,
    RingEvent,
    SplitRing,
)

BASE = 0x1000
ORDERS: list[ByteOrder] = ["little", "big"]


@attrs.frozen
class Bytes:
    """Memory that begins at BASE."""

    content: bytes

    def read(self, address: int, size: int, /) -> bytes:
        if not 0 <= address - BASE <= len(self.content) - size:
            raise GuestMemoryError("outside")
        return self.content[address - BASE : address - BASE + size]


def packed(order: ByteOrder, *fields: tuple[int, int]) -> bytes:
    return b"".join(value.to_bytes(size, order) for value, size in fields)


@pytest.mark.parametrize("order", ORDERS)
def test_the_indices_of_a_split_ring_are_at_offset_two(order: ByteOrder):
    content = packed(order, (1, 2), (0x1234, 2), (0, 2), (0xFFFE, 2))
    ring = SplitRing(Bytes(content), 4, 0, BASE, BASE + 4, order)
    assert (ring.avail_idx(), ring.used_idx()) == (0x1234, 0xFFFE)


@pytest.mark.parametrize("order", ORDERS)
def test_descriptors_of_a_split_ring_are_read_in_table_order(order: ByteOrder):
    first = packed(order, (0x1_0000_2000, 8), (512, 4), (3, 2), (1, 2))
    second = packed(order, (0x3000, 8), (1, 4), (2, 2), (0, 2))
    ring = SplitRing(Bytes(first + second), 2, BASE, 0, 0, order)
    assert ring.descriptors() == (Descriptor(0x1_0000_2000, 512, 3, 1), Descriptor(0x3000, 1, 2, 0))


@pytest.mark.parametrize("order", ORDERS)
def test_descriptors_of_a_packed_ring_carry_a_buffer_id(order: ByteOrder):
    row = packed(order, (0x2000, 8), (16, 4), (7, 2), (0x8080, 2))
    ring = PackedRing(Bytes(row), 1, BASE, 0, 0, order)
    assert ring.descriptors() == (PackedDescriptor(0x2000, 16, 7, 0x8080),)


@pytest.mark.parametrize("order", ORDERS)
def test_events_of_a_packed_ring_are_split_into_index_and_wrap(order: ByteOrder):
    content = packed(order, (0x8005, 2), (2, 2), (9, 2), (1, 2))
    ring = PackedRing(Bytes(content), 1, 0, BASE, BASE + 4, order)
    assert ring.driver_event() == RingEvent(offset=5, wrap=True, flags=2)
    assert ring.device_event() == RingEvent(offset=9, wrap=False, flags=1)


def test_an_empty_table_is_no_descriptors():
    assert SplitRing(Bytes(b""), 0, BASE, 0, 0).descriptors() == ()


@pytest.mark.parametrize("num", [-1, 32769, 1 << 32])
def test_a_ring_longer_than_virtio_allows_is_not_read(num: int):
    with pytest.raises(LimitExceeded):
        SplitRing(Bytes(b""), num, BASE, 0, 0).descriptors()
    with pytest.raises(LimitExceeded):
        PackedRing(Bytes(b""), num, BASE, 0, 0).descriptors()


def test_a_ring_outside_memory_is_not_read():
    ring = SplitRing(Bytes(bytes(15)), 1, BASE, BASE + 14, 0)
    for read in (ring.descriptors, ring.avail_idx, ring.used_idx):
        with pytest.raises(GuestMemoryError):
            read()
