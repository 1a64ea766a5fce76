"""virtio-ccw with a made-up new state: a transport, extended through `virtio/extra_state`."""

from __future__ import annotations

import attrs
from virtmig.api import TransportDriver, VirtioState, hookimpl, record, subsection, u8, wire

from virtmig_ccw.live import CcwTransport, VirtioCcw
from virtmig_ccw.state import CcwProxy


@record("virtio_ccw/reset")
class Reset:
    """Sent when the device was reset and its guest has not been told."""

    cause: int = wire(u8, "why it was reset; never 0")


@record("virtio_ccw")
class CcwExtra:
    """The container: no fields, only subsections, so that it can grow again."""

    reset: Reset | None = wire(subsection(Reset), "a reset that is to be told")


@attrs.define(eq=False, kw_only=True, slots=False)
class ExtendedTransport(CcwTransport):
    """migrate_reset: set by the machine type. reset_cause: 0 if there is nothing to tell."""

    migrate_reset: bool = True
    reset_cause: int = 0


class ExtendedCcw(VirtioCcw):
    """The hooks of virtio-ccw, and the three of the extra state."""

    @hookimpl
    def describe_driver(self) -> TransportDriver:
        return attrs.evolve(super().describe_driver(), extra=CcwExtra)

    @hookimpl
    def create_transport(self, state: VirtioState) -> ExtendedTransport:
        plain = super().create_transport(state)
        return ExtendedTransport(cssid=plain.cssid, ssid=plain.ssid, devno=plain.devno)

    @hookimpl
    def load_config(self, transport: ExtendedTransport, state: CcwProxy) -> None:
        super().load_config(transport, state)
        transport.reset_cause = 0  # what holds if no extra state follows

    @hookimpl
    def has_extra_state(self, transport: ExtendedTransport) -> bool:
        return transport.migrate_reset and transport.reset_cause != 0

    @hookimpl
    def save_extra_state(self, transport: ExtendedTransport) -> CcwExtra:
        return CcwExtra(reset=Reset(cause=transport.reset_cause))

    @hookimpl
    def load_extra_state(self, transport: ExtendedTransport, state: CcwExtra) -> None:
        if state.reset is not None:
            transport.reset_cause = state.reset.cause


plugin = ExtendedCcw()
