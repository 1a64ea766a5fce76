"""What a virtio-pci proxy saves, declared field by field."""

from __future__ import annotations

from virtmig.api import (
    Condition,
    FeatureBits,
    OpenFact,
    Scope,
    Seen,
    array,
    be16,
    be32,
    boolean,
    buffer,
    conditional,
    depends_on,
    le32,
    low_high,
    record,
    sbe32,
    struct,
    subsection,
    table,
    u8,
    unsafe,
    wire,
)
from virtmig_pci.config import ANOTHER_DEVICE, PciHeader, msix_vectors

QUEUE_MAX = 1024
VECTOR = unsafe("the guest driver waits for the interrupt of the vector that it chose")
WRITTEN = conditional("these registers count only until the driver has set the queue up")
SERVED = unsafe("a back-end such as vhost serves the queues that are enabled, and no others")
ACCEPTED = unsafe("the guest driver goes by the features that it wrote here")

CONFIG_SIZE = OpenFact(
    "pci_config_size",
    (256, 4096),
    "bytes of PCI configuration space: 4096 for a device behind a PCI Express port, else 256",
    exclusive=True,
)


def _config_rest(scope: Scope, _: Seen) -> int:
    """pci_config_size - 64"""
    return int(scope.facts[CONFIG_SIZE.name]) - 64


@depends_on("header", "config_rest")
def _vectors(_: Scope, seen: Seen) -> int:
    """MSI-X vectors, by the table size in the MSI-X capability"""
    return msix_vectors(seen["header"], seen["config_rest"])


@depends_on("header", "config_rest")
def _pending_bytes(scope: Scope, seen: Seen) -> int:
    """one bit a vector, in whole bytes"""
    return -(-_vectors(scope, seen) // 8)


def _queue_has_vector(scope: Scope, _: Seen) -> bool:
    proxy: PciProxy = scope.parts["config"]
    return proxy.config_vector is not None


HAS_MSIX = Condition(
    "there is an MSI-X capability",
    lambda scope, seen: _vectors(scope, seen) > 0,
    ("header", "config_rest"),
)


@record()
class MsixEntry:
    """One entry of the MSI-X table, in device memory order (PCI 3.0 section 6.8.2)."""

    address_lo: int = wire(le32, "message address, low word")
    address_hi: int = wire(le32, "message address, high word")
    data: int = wire(le32, "message data")
    control: int = wire(le32, "vector control; bit 0: masked")


@record()
class PciProxy:
    """The proxy device (QEMU: hw/pci/pci.c, vmstate_pci_device; hw/pci/msix.c, msix_save)."""

    version_id: int = wire(sbe32, "version of the PCI device state; QEMU writes 2, reads 0 to 2")
    header: PciHeader = wire(
        struct(PciHeader), "first 64 bytes of configuration space", edit=ANOTHER_DEVICE
    )
    config_rest: bytes = wire(
        buffer(_config_rest),
        "rest of configuration space, with the capability list",
        edit=ANOTHER_DEVICE,
    )
    irq_state: tuple[int, ...] = wire(array(be32.upto(1), 4), "levels of INTA to INTD")
    msix_table: tuple[MsixEntry, ...] | None = wire(
        array(MsixEntry, _vectors),
        "vectors as the guest programmed them",
        when=HAS_MSIX,
        edit=VECTOR,
    )
    msix_pba: bytes | None = wire(
        buffer(_pending_bytes), "pending bits, vector 0 in bit 0", when=HAS_MSIX
    )
    config_vector: int | None = wire(
        be16, "vector of configuration changes; 0xffff: none", when=HAS_MSIX, edit=VECTOR
    )


@record()
class PciQueue:
    """What the proxy adds to each queue (QEMU: hw/virtio/virtio-pci.c, virtio_pci_save_queue)."""

    vector: int | None = wire(
        be16,
        "MSI-X vector; 0xffff: none",
        when=Condition("the device has MSI-X", _queue_has_vector),
        edit=VECTOR,
    )


@record()
class ModernQueue:
    """One queue as the driver wrote it to the common configuration structure."""

    num: int = wire(be16, "size last written by the driver; 0 if it never wrote one")
    unused: int = wire(u8, "always 0")
    enabled: bool = wire(boolean, "queue_enable", edit=SERVED)
    desc: int = wire(low_high, "descriptor area, guest physical address")
    avail: int = wire(low_high, "driver area, guest physical address")
    used: int = wire(low_high, "device area, guest physical address")


@record("virtio_pci/modern_state/features128", releases={1: "10.2"})
class Features128:
    """Sent when the driver wrote any feature above bit 63 (QEMU 11)."""

    guest_features_2: int = wire(
        be32, "features 64 to 95 as the driver wrote them", edit=ACCEPTED, bits=FeatureBits(64)
    )
    guest_features_3: int = wire(
        be32, "features 96 to 127 as the driver wrote them", edit=ACCEPTED, bits=FeatureBits(96)
    )


@record("virtio_pci/modern_state")
class ModernState:
    """Registers of the virtio 1 interface (QEMU: virtio-pci.c, vmstate_virtio_pci_modern_state)."""

    dfselect: int = wire(be32, "device_feature_select register")
    gfselect: int = wire(be32, "driver_feature_select register")
    guest_features: int = wire(
        low_high,
        "features 0 to 63 as the driver wrote them, accepted or not",
        edit=ACCEPTED,
        bits=FeatureBits(0),
    )
    vqs: tuple[ModernQueue, ...] = wire(
        table(ModernQueue, QUEUE_MAX), "by queue index", edit=WRITTEN
    )
    features_128: Features128 | None = wire(subsection(Features128), "features 64 to 127")


@record("virtio_pci")
class PciExtra:
    """The proxy's own subsections inside `virtio/extra_state`."""

    modern_state: ModernState | None = wire(
        subsection(ModernState), "of devices with a virtio 1 interface"
    )
