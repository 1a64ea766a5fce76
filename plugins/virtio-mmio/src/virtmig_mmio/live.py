"""The live virtio-mmio proxy and its hooks."""

from __future__ import annotations

import attrs

from virtmig.api import (
    DeviceMismatch,
    Transport,
    TransportDriver,
    VirtioState,
    collect,
    hookimpl,
    restore,
)
from virtmig_mmio.state import MmioExtra, MmioProxy, MmioQueue, ModernState

UNTOUCHED = ModernState(guest_features=0, vqs=())


@attrs.define(eq=False, kw_only=True, slots=False)
class MmioTransport(Transport):
    """A proxy device. legacy: it has no virtio 1 interface (QEMU: force-legacy=on, the default).

    modern: registers of that interface; None if the stream that was loaded did not send any.
    irq_level: of the interrupt line, which is never saved: it follows the interrupt status.
    """

    legacy: bool = True
    modern: ModernState | None = UNTOUCHED
    host_features_sel: int = 0
    guest_features_sel: int = 0
    guest_page_shift: int = 0
    irq_level: bool = False


class VirtioMmio:
    """The hooks of `virtio-mmio`."""

    @hookimpl
    def describe_driver(self) -> TransportDriver:
        return TransportDriver(
            name="virtio-mmio",
            path_pattern=r"virtio-mmio@[0-9a-f]{16}",
            pathless_machines=r"virt-2\.6$",
            config=MmioProxy,
            queue=MmioQueue,
            extra=MmioExtra,
            vring_align=True,
        )

    @hookimpl
    def create_transport(self, state: VirtioState) -> MmioTransport:
        return MmioTransport(legacy=state.subsections.extra_state is None)

    @hookimpl
    def save_config(self, transport: MmioTransport) -> MmioProxy:
        return collect(MmioProxy, transport)

    @hookimpl
    def load_config(self, transport: MmioTransport, state: MmioProxy) -> None:
        restore(transport, state)

    @hookimpl
    def save_queue(self) -> MmioQueue:
        return MmioQueue()

    @hookimpl
    def load_queue(self) -> None:
        """Nothing: the alignment is a common field of the queue."""

    @hookimpl
    def notify(self, transport: MmioTransport) -> None:
        """The line follows the interrupt status, whatever the vector is."""
        transport.irq_level = transport.device.isr != 0

    @hookimpl
    def has_extra_state(self, transport: MmioTransport) -> bool:
        return not transport.legacy

    @hookimpl
    def save_extra_state(self, transport: MmioTransport) -> MmioExtra:
        return MmioExtra(state=transport.modern)

    @hookimpl
    def load_extra_state(self, transport: MmioTransport, state: MmioExtra) -> None:
        if transport.legacy:
            text = "the stream's device has a virtio 1 interface, this one has not"
            raise DeviceMismatch(text, path="subsections.virtio/extra_state.virtio_mmio")
        transport.modern = state.state


plugin = VirtioMmio()
