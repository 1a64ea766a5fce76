"""The live virtio-pci proxy and its hooks."""

from __future__ import annotations

import attrs

from virtmig.api import (
    NO_VECTOR,
    DeviceMismatch,
    Transport,
    TransportDriver,
    VirtioState,
    collect,
    hookimpl,
    restore,
)
from virtmig_pci.config import PciHeader, msix_enabled, msix_vectors, summary
from virtmig_pci.interrupts import interrupt, reads_isr
from virtmig_pci.state import (
    CONFIG_SIZE,
    Features128,
    ModernQueue,
    ModernState,
    MsixEntry,
    PciExtra,
    PciProxy,
    PciQueue,
)

VERSION_MAX = 2
FIXED = (
    "vendor_id",
    "device_id",
    "revision_id",
    "prog_if",
    "class_id",
    "header_type",
    "capabilities_pointer",
)
"""Registers that QEMU compares (hw/pci/pci.c, pci_init_cmask): a difference is another device."""


@attrs.define(eq=False, kw_only=True)
class ModernRegisters:
    """The common configuration structure as the guest driver wrote it; see `ModernState`."""

    dfselect: int = 0
    gfselect: int = 0
    guest_features: int = 0
    vqs: tuple[ModernQueue, ...] = ()
    features_128: Features128 | None = None


@attrs.define(eq=False, kw_only=True, slots=False)
class PciTransport(Transport):
    """A proxy device. `identity` holds the registers that a guest cannot change.

    vectors: entries of the MSI-X table, 0 without MSI-X. config_size: 256, or 4096 behind a PCI
    Express port. modern: None for a device without a virtio 1 interface. migrate_extra: whether
    the machine type sends `virtio/extra_state` (from 2.5 on).
    """

    identity: dict[str, int]
    vectors: int
    config_size: int
    modern: ModernRegisters | None = None
    migrate_extra: bool = True
    version_id: int = VERSION_MAX
    header: PciHeader | None = None
    config_rest: bytes = b""
    irq_state: tuple[int, ...] = (0, 0, 0, 0)
    msix_table: tuple[MsixEntry, ...] | None = None
    msix_pba: bytes | None = None
    config_vector: int | None = None

    def check_vector(self, vector: int, path: str) -> None:
        """Refuse a vector that the MSI-X table does not have."""
        if vector != NO_VECTOR and vector >= self.vectors:
            text = f"vector {vector} of {self.vectors} MSI-X vectors"
            raise DeviceMismatch(text, path=path)

    def check_identity(self, state: PciProxy) -> None:
        """Refuse the state of another device."""
        for name, expected in self.identity.items():
            found = getattr(state.header, name)
            if found != expected:
                text = f"{name} is {found:#x} in the stream, {expected:#x} on this device"
                raise DeviceMismatch(text, path=f"config.header.{name}")
        vectors = msix_vectors(state.header, state.config_rest)
        if vectors != self.vectors:
            text = f"{vectors} MSI-X vectors in the stream, {self.vectors} on this device"
            raise DeviceMismatch(text, path="config.msix_table")
        if not 0 <= state.version_id <= VERSION_MAX:
            text = f"version {state.version_id}, QEMU reads 0 to {VERSION_MAX}"
            raise DeviceMismatch(text, path="config.version_id")


class VirtioPci:
    """The hooks of `virtio-pci`."""

    @hookimpl
    def describe_driver(self) -> TransportDriver:
        return TransportDriver(
            name="virtio-pci",
            path_pattern=r"[0-9a-f]{4}:[0-9a-f]{2}(:[0-9a-f]{2}\.[0-7])+",
            config=PciProxy,
            queue=PciQueue,
            extra=PciExtra,
            interrupt=interrupt,
            reads_isr=reads_isr,
            facts=(CONFIG_SIZE,),
            view=view,
        )

    @hookimpl
    def create_transport(self, state: VirtioState) -> PciTransport:
        proxy: PciProxy = state.config
        extra = state.subsections.extra_state
        modern = extra is not None and extra.state.modern_state is not None
        return PciTransport(
            identity={name: getattr(proxy.header, name) for name in FIXED},
            vectors=msix_vectors(proxy.header, proxy.config_rest),
            config_size=64 + len(proxy.config_rest),
            modern=ModernRegisters() if modern else None,
            migrate_extra=extra is not None,
        )

    @hookimpl
    def save_config(self, transport: PciTransport) -> PciProxy:
        if transport.header is None:
            raise DeviceMismatch("a proxy without configuration space cannot be saved")
        return collect(PciProxy, transport)

    @hookimpl
    def load_config(self, transport: PciTransport, state: PciProxy) -> None:
        transport.check_identity(state)
        if state.config_vector is not None:
            transport.check_vector(state.config_vector, "config.config_vector")
        restore(transport, state)

    @hookimpl
    def save_queue(self, transport: PciTransport, index: int) -> PciQueue:
        vector = transport.device.queues[index].vector
        return PciQueue(vector=vector if transport.vectors else None)

    @hookimpl
    def load_queue(self, transport: PciTransport, index: int, state: PciQueue) -> None:
        if state.vector is not None:
            transport.check_vector(state.vector, f"queues[{index}].vector")
            transport.device.queues[index].vector = state.vector

    @hookimpl
    def notify(self, transport: PciTransport) -> None:
        """Without MSI-X the line follows the interrupt status; messages are never repeated."""
        header = transport.header
        if header is None or msix_enabled(header, transport.config_rest):
            return
        levels = list(transport.irq_state)
        if header.interrupt_pin in range(1, 5):
            levels[header.interrupt_pin - 1] = transport.device.isr & 1
        transport.irq_state = tuple(levels)

    @hookimpl
    def has_extra_state(self, transport: PciTransport) -> bool:
        return transport.migrate_extra

    @hookimpl
    def save_extra_state(self, transport: PciTransport) -> PciExtra:
        modern = transport.modern
        return PciExtra(modern_state=None if modern is None else collect(ModernState, modern))

    @hookimpl
    def load_extra_state(self, transport: PciTransport, state: PciExtra) -> None:
        if state.modern_state is None:
            return
        if transport.modern is None:
            path = "subsections.virtio/extra_state.virtio_pci/modern_state"
            text = "the stream's device has a virtio 1 interface, this one has not"
            raise DeviceMismatch(text, path=path)
        restore(transport.modern, state.modern_state)


def view(proxy: PciProxy) -> dict[str, object]:
    """Registers and capabilities for people."""
    return summary(proxy.header, proxy.config_rest)


plugin = VirtioPci()
