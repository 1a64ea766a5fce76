"""The core's subsections, in the order in which QEMU writes them (hw/virtio/virtio.c)."""

from __future__ import annotations

from typing import Any

from virtmig.virtio import risks
from virtmig.virtio.common import QUEUE_MAX
from virtmig.wire.compound import slot, subsection, table
from virtmig.wire.layout import layout_of
from virtmig.wire.meaning import FeatureBits
from virtmig.wire.record import record, wire
from virtmig.wire.types import be16, be32, be64, boolean, u8

LITTLE_ENDIAN = 1
BIG_ENDIAN = 2


@record("virtio/device_endian")
class DeviceEndian:
    """Byte order of legacy accesses; sent when it is not the default."""

    device_endian: int = wire(
        u8, "1 little, 2 big endian; a modern ring is little whatever it says"
    )


@record("virtio/128bit_features", releases={1: "10.2"})
class Features128:
    """Sent when the device offers any feature above bit 63 (QEMU 10.2 and later)."""

    features_hi: int = wire(
        be64, "accepted features 64 to 127", edit=risks.accepted, bits=FeatureBits(64)
    )


@record("virtio/64bit_features")
class Features64:
    """Sent when the device offers any feature above bit 31, even if none was accepted."""

    guest_features: int = wire(
        be64,
        "accepted features 0 to 63; replaces the low word",
        edit=risks.accepted,
        bits=FeatureBits(0),
    )


@record()
class RingAddresses:
    """Where the rings of one virtio 1 queue lie."""

    avail: int = wire(be64, "guest physical address of the avail ring (driver area)")
    used: int = wire(be64, "guest physical address of the used ring (device area)")


@record("virtio/virtqueues")
class VirtQueues:
    """Ring addresses; sent when the device offers VERSION_1."""

    vq: tuple[RingAddresses, ...] = wire(table(RingAddresses, QUEUE_MAX), "by queue index")


@record("virtio/ringsize")
class RingSize:
    """Default sizes; sent when the driver changed the size of any ring."""

    num_default: tuple[int, ...] = wire(
        table(be32, QUEUE_MAX), "ring size after a reset, in descriptors, by queue index"
    )


@record("virtio/broken")
class Broken:
    """Sent when the device gave up after a guest driver's error."""

    broken: bool = wire(boolean, "the device ignores its queues until it is reset")


@record("virtio/extra_state")
class ExtraState:
    """A container that the core keeps open for the transport; it has no fields of its own."""

    state: Any = wire(slot("extra"), "the transport's own subsections")


@record("virtio/started")
class Started:
    """Sent when the device is started (machine types from 4.1 on)."""

    started: bool = wire(boolean, "the device was started by DRIVER_OK or by an early kick")


@record()
class PackedQueue:
    """Position in one packed ring."""

    last_avail_idx: int = wire(be16, "next descriptor that the device takes")
    last_avail_wrap_counter: bool = wire(boolean, "wrap counter that goes with it")
    used_idx: int = wire(be16, "next descriptor that the device marks as used")
    used_wrap_counter: bool = wire(boolean, "wrap counter that goes with it")
    inuse: int = wire(be32, "elements taken and not yet returned")


@record("virtio/packed_virtqueues")
class PackedVirtQueues:
    """Packed ring positions; sent when the device offers RING_PACKED."""

    vq: tuple[PackedQueue, ...] = wire(table(PackedQueue, QUEUE_MAX), "by queue index")


@record("virtio/disabled")
class Disabled:
    """Sent when the guest switched bus mastering off (machine types from 5.0 on)."""

    disabled: bool = wire(boolean, "the device does no DMA, so it ignores its queues")


@record("virtio")
class Subsections:
    """All core subsections; each is None where the stream does not have it."""

    device_endian: DeviceEndian | None = wire(
        subsection(DeviceEndian), "legacy byte order", edit=risks.BYTE_ORDER
    )
    features_128: Features128 | None = wire(
        subsection(Features128), "features 64 to 127", edit=risks.accepted
    )
    features_64: Features64 | None = wire(
        subsection(Features64), "features 0 to 63", edit=risks.accepted
    )
    virtqueues: VirtQueues | None = wire(
        subsection(VirtQueues), "virtio 1 ring addresses", edit=risks.RING
    )
    ringsize: RingSize | None = wire(
        subsection(RingSize), "default ring sizes", edit=risks.DEFAULT_SIZE
    )
    broken: Broken | None = wire(subsection(Broken), "device error state", edit=risks.broken)
    extra_state: ExtraState | None = wire(subsection(ExtraState), "the transport's own state")
    started: Started | None = wire(subsection(Started), "started flag", edit=risks.started)
    packed_virtqueues: PackedVirtQueues | None = wire(
        subsection(PackedVirtQueues), "packed ring positions", edit=risks.POSITION
    )
    disabled: Disabled | None = wire(
        subsection(Disabled), "bus mastering is off", edit=risks.disabled
    )


TAILS = layout_of(Subsections).tails
"""The fields of `Subsections` by vmsd name, in the order in which they are written."""
