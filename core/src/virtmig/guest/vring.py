"""Virtqueue rings in guest memory, as views: nothing is read before it is asked for."""

from __future__ import annotations

from typing import Literal, Protocol, TypeAlias

import attrs

from virtmig.errors import LimitExceeded

ByteOrder: TypeAlias = Literal["little", "big"]
"""Of the rings: little if the guest accepted VERSION_1, else the guest's own."""

LARGEST_RING = 1 << 15
"""Entries; the most that virtio allows."""
DESCRIPTOR_SIZE = 16
PACKED_EVENT_SIZE = 4


class Memory(Protocol):
    """What a ring is read from: `GuestMemory`, or anything that reads by address."""

    def read(self, address: int, size: int, /) -> bytes:
        """`size` bytes at a guest physical address."""
        ...


@attrs.frozen
class Descriptor:
    """A buffer of a split ring."""

    addr: int
    """Guest physical address."""
    len: int
    """Bytes."""
    flags: int
    """1: goes on at `next`; 2: the device writes; 4: a table of descriptors."""
    next: int
    """Index of the descriptor that goes on the chain."""


@attrs.frozen
class PackedDescriptor:
    """A buffer of a packed ring."""

    addr: int
    """Guest physical address."""
    len: int
    """Bytes."""
    id: int
    """Buffer id, valid in the last descriptor of a chain."""
    flags: int
    """As in a split ring, and 0x80: available, 0x8000: used, relative to the wrap counters."""


@attrs.frozen
class RingEvent:
    """When one side of a packed ring wants to be notified."""

    offset: int
    """Ring index, 15 bits."""
    wrap: bool
    """The wrap counter that goes with it."""
    flags: int
    """0: always, 1: never, 2: at that index."""


@attrs.frozen(eq=False)
class SplitRing:
    """A split virtqueue: descriptor table, avail ring (driver's) and used ring (device's)."""

    memory: Memory
    num: int
    """Entries."""
    desc: int
    """Guest physical address of the descriptor table."""
    avail: int
    """Guest physical address of the avail ring."""
    used: int
    """Guest physical address of the used ring."""
    byteorder: ByteOrder = "little"

    def avail_idx(self) -> int:
        """Where the driver puts the next chain, modulo 2^16."""
        return int.from_bytes(self.memory.read(self.avail + 2, 2), self.byteorder)

    def used_idx(self) -> int:
        """Where the device puts the next chain it is done with, modulo 2^16."""
        return int.from_bytes(self.memory.read(self.used + 2, 2), self.byteorder)

    def descriptors(self) -> tuple[Descriptor, ...]:
        """The whole descriptor table, used entries or not."""
        return tuple(
            Descriptor(*_fields(row, (8, 4, 2, 2), self.byteorder))
            for row in _rows(self.memory, self.desc, self.num)
        )


@attrs.frozen(eq=False)
class PackedRing:
    """A packed virtqueue: one descriptor ring, and an event structure of either side."""

    memory: Memory
    num: int
    """Entries."""
    desc: int
    """Guest physical address of the descriptor ring."""
    avail: int
    """Guest physical address of the driver's event structure."""
    used: int
    """Guest physical address of the device's event structure."""
    byteorder: ByteOrder = "little"

    def descriptors(self) -> tuple[PackedDescriptor, ...]:
        """The whole descriptor ring."""
        return tuple(
            PackedDescriptor(*_fields(row, (8, 4, 2, 2), self.byteorder))
            for row in _rows(self.memory, self.desc, self.num)
        )

    def driver_event(self) -> RingEvent:
        """When the driver wants to be notified."""
        return self._event(self.avail)

    def device_event(self) -> RingEvent:
        """When the device wants to be notified."""
        return self._event(self.used)

    def _event(self, address: int) -> RingEvent:
        raw = self.memory.read(address, PACKED_EVENT_SIZE)
        place, flags = _fields(raw, (2, 2), self.byteorder)
        return RingEvent(place & 0x7FFF, bool(place >> 15), flags)


def _rows(memory: Memory, address: int, num: int) -> list[bytes]:
    """The table's entries, 16 bytes each."""
    if not 0 <= num <= LARGEST_RING:
        raise LimitExceeded(f"a ring of {num} entries, more than {LARGEST_RING}")
    raw = memory.read(address, num * DESCRIPTOR_SIZE)
    return [raw[at : at + DESCRIPTOR_SIZE] for at in range(0, len(raw), DESCRIPTOR_SIZE)]


def _fields(raw: bytes, sizes: tuple[int, ...], order: ByteOrder) -> list[int]:
    """Neighbouring unsigned numbers of these sizes in bytes."""
    numbers: list[int] = []
    at = 0
    for size in sizes:
        numbers.append(int.from_bytes(raw[at : at + size], order))
        at += size
    return numbers
