"""What the virtio core saves itself: common device fields and common virtqueue fields."""

from __future__ import annotations

from typing import Any

from virtmig.virtio import risks
from virtmig.virtio.features import ISR, STATUS
from virtmig.wire.compound import buffer, slot
from virtmig.wire.meaning import FeatureBits
from virtmig.wire.record import record, wire
from virtmig.wire.scope import if_fact
from virtmig.wire.types import be16, be32, be64, u8

QUEUE_MAX = 1024
"""Queue slots of every virtio device object, used or not (QEMU: VIRTIO_QUEUE_MAX)."""

NO_VECTOR = 0xFFFF
"""No interrupt vector (QEMU: VIRTIO_NO_VECTOR)."""


@record()
class CommonState:
    """Common device fields (QEMU: hw/virtio/virtio.c, virtio_save)."""

    status: int = wire(
        u8,
        "device status register, bits as in virtio 1.2 section 2.1",
        edit=risks.status,
        bits=STATUS,
    )
    isr: int = wire(
        u8,
        "interrupt status: bit 0 used buffer, bit 1 configuration change",
        edit=risks.interrupts,
        bits=ISR,
    )
    queue_sel: int = wire(
        be16.upto(QUEUE_MAX - 1),
        "queue that the guest driver selected last",
        edit=risks.SETUP_REGISTER,
    )
    guest_features_lo: int = wire(
        be32,
        "bits 0 to 31 of the features that the driver accepted",
        edit=risks.accepted,
        bits=FeatureBits(0),
    )
    config_len: int = wire(be32, "bytes in `config`", edit=risks.CONFIG_CACHE)
    config: bytes = wire(
        buffer("config_len"),
        "config space as last cached; all zero until the guest reads it, so never authoritative",
        edit=risks.CONFIG_CACHE,
    )
    nq: int = wire(
        be32.upto(QUEUE_MAX),
        "queues that follow: slots before the first of size 0",
        edit=risks.QUEUE_COUNT,
    )


@record()
class QueueState:
    """One virtqueue's common fields (QEMU: hw/virtio/virtio.c, virtio_save)."""

    num: int = wire(be32, "ring size in use, in descriptors", edit=risks.RING)
    align: int | None = wire(
        be32,
        "alignment of the used ring, in bytes",
        when=if_fact("vring_align", text="the transport has a variable ring alignment (mmio)"),
        edit=risks.RING,
    )
    desc: int = wire(
        be64, "guest physical address of the descriptor area; 0: not set up", edit=risks.RING
    )
    last_avail_idx: int = wire(
        be16, "next entry of the avail ring that the device takes", edit=risks.POSITION
    )
    transport: Any = wire(slot("queue"), "what the transport adds to each queue")
