"""A popped descriptor chain as QEMU freezes it (hw/virtio/virtio.c, VirtQueueElementOld)."""

from __future__ import annotations

from virtmig.virtio.facts import OpenFact
from virtmig.wire.compound import table
from virtmig.wire.record import record, wire
from virtmig.wire.scope import if_fact
from virtmig.wire.types import be32, native32, native64

SEGMENTS = 1024
"""Slots for segments in each direction (QEMU: VIRTQUEUE_MAX_SIZE)."""

ELEMENT_NDESCS = OpenFact(
    "element_ndescs",
    ("absent", "front", "behind"),
    "where a device that offers RING_PACKED keeps `ndescs`: QEMU writes it in front of the "
    "element and reads it behind, so no version loads its own stream with such a request",
)


@record()
class IoVec:
    """A host's scatter-gather entry; only its length means anything in a stream."""

    iov_base: int = wire(native64, "host address, always written as 0")
    iov_len: int = wire(
        native64.upto(0xFFFFFFFF), "length of the segment in bytes; a descriptor has 32 bits for it"
    )


@record()
class VirtQueueElement:
    """A request that the device took from a ring and has not returned: 49,168 bytes on the wire."""

    ndescs: int | None = wire(
        be32,
        "descriptors that the chain takes up in a packed ring, as QEMU writes it",
        when=if_fact(
            "element_ndescs",
            equals="front",
            text="RING_PACKED offered; in front of the element",
        ),
    )
    index: int = wire(native32, "head descriptor index; packed ring: buffer id")
    out_num: int = wire(native32.upto(SEGMENTS), "device-readable segments")
    in_num: int = wire(native32.upto(SEGMENTS), "device-writable segments")
    padding: int = wire(native32.upto(0), "alignment of the source host's structure")
    in_addr: tuple[int, ...] = wire(
        table(native64, SEGMENTS), "guest physical addresses of device-writable segments"
    )
    out_addr: tuple[int, ...] = wire(
        table(native64, SEGMENTS), "guest physical addresses of device-readable segments"
    )
    in_sg: tuple[IoVec, ...] = wire(table(IoVec, SEGMENTS), "lengths of device-writable segments")
    out_sg: tuple[IoVec, ...] = wire(table(IoVec, SEGMENTS), "lengths of device-readable segments")
    ndescs_behind: int | None = wire(
        be32,
        "descriptors that the chain takes up in a packed ring, where QEMU expects it",
        when=if_fact(
            "element_ndescs",
            equals="behind",
            text="RING_PACKED offered; behind the element",
        ),
    )
