"""What a virtio-mmio proxy saves, declared field by field."""

from __future__ import annotations

from virtmig.api import (
    QUEUE_MAX,
    FeatureBits,
    be16,
    be32,
    boolean,
    conditional,
    low_high,
    record,
    subsection,
    table,
    unsafe,
    wire,
)

WRITTEN = conditional("these registers count only until the driver has set the queue up")
ACCEPTED = unsafe("the guest driver goes by the features that it wrote here")


@record()
class MmioProxy:
    """The proxy device (QEMU: hw/virtio/virtio-mmio.c, virtio_mmio_save_config)."""

    host_features_sel: int = wire(be32, "DeviceFeaturesSel register: 0 low word, 1 high word")
    guest_features_sel: int = wire(be32, "DriverFeaturesSel register: 0 low word, 1 high word")
    guest_page_shift: int = wire(
        be32, "GuestPageSize register of a legacy device, as a power of two; 0: never written"
    )


@record()
class MmioQueue:
    """What the transport adds to each queue: nothing; the core sends the ring's alignment."""


@record()
class ModernQueue:
    """The registers of one queue as the driver wrote them."""

    num: int = wire(be16, "QueueNum; 0: never written")
    enabled: bool = wire(boolean, "QueueReady")
    desc: int = wire(low_high, "descriptor area, guest physical address")
    avail: int = wire(low_high, "driver area, guest physical address")
    used: int = wire(low_high, "device area, guest physical address")


@record("virtio_mmio/state")
class ModernState:
    """Registers of the virtio 1 interface (QEMU: virtio-mmio.c, vmstate_virtio_mmio_state_sub)."""

    guest_features: int = wire(
        low_high,
        "features 0 to 63 as the driver wrote them, accepted or not",
        edit=ACCEPTED,
        bits=FeatureBits(0),
    )
    vqs: tuple[ModernQueue, ...] = wire(
        table(ModernQueue, QUEUE_MAX), "by queue index", edit=WRITTEN
    )


@record("virtio_mmio")
class MmioExtra:
    """The proxy's own subsections inside `virtio/extra_state`."""

    state: ModernState | None = wire(
        subsection(ModernState), "always sent: a device without it keeps no extra state"
    )
