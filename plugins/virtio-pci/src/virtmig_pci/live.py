"""The live virtio-pci proxy and its hooks."""

from __future__ import annotations

import attrs

from virtmig.api import (
    NO_VECTOR,
    DeviceMismatch,
    Transport,
    TransportDriver,
    VirtioState,
    hookimpl,
)
from virtmig_pci.config import PciHeader, msix_enabled, msix_vectors, summary
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
FIXED = ("vendor_id", "device_id", "revision_id", "class_id", "header_type", "subsystem_id")
"""Registers that a guest cannot change, so that a difference means another device."""


@attrs.define(eq=False, kw_only=True)
class ModernRegisters:
    """The common configuration structure as the guest driver wrote it."""

    dfselect: int = 0
    gfselect: int = 0
    guest_features: int = 0
    vqs: tuple[ModernQueue, ...] = ()
    guest_features_high: tuple[int, int] = (0, 0)


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
    irq_state: list[int] = attrs.field(factory=lambda: [0, 0, 0, 0])
    msix_table: tuple[MsixEntry, ...] = ()
    msix_pba: bytes = b""
    config_vector: int = NO_VECTOR

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
        msix = transport.vectors > 0
        return PciProxy(
            version_id=transport.version_id,
            header=transport.header,
            config_rest=transport.config_rest,
            irq_state=tuple(transport.irq_state),
            msix_table=transport.msix_table if msix else None,
            msix_pba=transport.msix_pba if msix else None,
            config_vector=transport.config_vector if msix else None,
        )

    @hookimpl
    def load_config(self, transport: PciTransport, state: PciProxy) -> None:
        transport.check_identity(state)
        transport.version_id = state.version_id
        transport.header = state.header
        transport.config_rest = state.config_rest
        transport.irq_state = list(state.irq_state)
        transport.msix_table = state.msix_table or ()
        transport.msix_pba = state.msix_pba or b""
        if state.config_vector is not None:
            transport.check_vector(state.config_vector, "config.config_vector")
            transport.config_vector = state.config_vector

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
        if header.interrupt_pin in range(1, 5):
            transport.irq_state[header.interrupt_pin - 1] = transport.device.isr & 1

    @hookimpl
    def has_extra_state(self, transport: PciTransport) -> bool:
        return transport.migrate_extra

    @hookimpl
    def save_extra_state(self, transport: PciTransport) -> PciExtra:
        modern = transport.modern
        if modern is None:
            return PciExtra(modern_state=None)
        high = None
        if any(modern.guest_features_high):
            low_word, high_word = modern.guest_features_high
            high = Features128(guest_features_2=low_word, guest_features_3=high_word)
        return PciExtra(
            modern_state=ModernState(
                dfselect=modern.dfselect,
                gfselect=modern.gfselect,
                guest_features=modern.guest_features,
                vqs=modern.vqs,
                features_128=high,
            )
        )

    @hookimpl
    def load_extra_state(self, transport: PciTransport, state: PciExtra) -> None:
        if state.modern_state is None:
            return
        if transport.modern is None:
            raise DeviceMismatch("the stream's device has a virtio 1 interface, this one has not")
        found = state.modern_state
        high = found.features_128
        transport.modern = ModernRegisters(
            dfselect=found.dfselect,
            gfselect=found.gfselect,
            guest_features=found.guest_features,
            vqs=found.vqs,
            guest_features_high=(high.guest_features_2, high.guest_features_3) if high else (0, 0),
        )


def view(proxy: PciProxy) -> dict[str, object]:
    """Registers and capabilities for people."""
    return summary(proxy.header, proxy.config_rest)


plugin = VirtioPci()
