"""The live virtio-ccw device and its hooks."""

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
from virtmig_ccw.state import (
    AdapterInfo,
    CcwProxy,
    CcwQueue,
    IndicatorAddress,
    Subchannel,
)

NOT_SET = IndicatorAddress(len=0, addr=0)
NO_VECTOR = 0xFFFF
REVISION_NOT_SET = -1


@attrs.define(eq=False, kw_only=True, slots=False)
class CcwTransport(Transport):
    """A channel device. cssid, ssid and devno are its address and cannot be loaded.

    sch: the subchannel's registers; its number may change, as QEMU moves the device.
    """

    cssid: int
    ssid: int
    devno: int
    sch: Subchannel | None = None
    indicators: IndicatorAddress = NOT_SET
    indicators2: IndicatorAddress = NOT_SET
    summary_indicator: IndicatorAddress = NOT_SET
    config_vector: int = NO_VECTOR
    adapter: AdapterInfo = attrs.field(
        factory=lambda: AdapterInfo(ind_offset=0, summary_offset=None)
    )
    thinint_isc: int = 0
    revision: int = REVISION_NOT_SET

    def check_address(self, found: Subchannel) -> None:
        """Refuse the state of a device with another address."""
        for name in ("cssid", "ssid", "devno"):
            ours, theirs = getattr(self, name), getattr(found, name)
            if ours != theirs:
                text = f"{name} is {theirs:#x} in the stream, {ours:#x} on this device"
                raise DeviceMismatch(text, path=f"config.sch.{name}")


def reads_isr(_: VirtioState) -> bool:
    """Never: the guest reads indicators in its memory (virtio 1.3 section 4.3.2.6)."""
    return False


class VirtioCcw:
    """The hooks of `virtio-ccw`."""

    @hookimpl
    def describe_driver(self) -> TransportDriver:
        return TransportDriver(
            name="virtio-ccw",
            path_pattern=r"/[0-9a-f]{1,2}\.[0-9a-f]\.[0-9a-f]{4}",
            pathless_machines="s390-ccw-virtio",
            config=CcwProxy,
            queue=CcwQueue,
            reads_isr=reads_isr,
        )

    @hookimpl
    def create_transport(self, state: VirtioState) -> CcwTransport:
        sch: Subchannel = state.config.sch
        return CcwTransport(cssid=sch.cssid, ssid=sch.ssid, devno=sch.devno)

    @hookimpl
    def save_config(self, transport: CcwTransport) -> CcwProxy:
        if transport.sch is None:
            raise DeviceMismatch("a device without a subchannel cannot be saved")
        return collect(CcwProxy, transport)

    @hookimpl
    def load_config(self, transport: CcwTransport, state: CcwProxy) -> None:
        transport.check_address(state.sch)
        restore(transport, state)

    @hookimpl
    def save_queue(self, transport: CcwTransport, index: int) -> CcwQueue:
        return CcwQueue(vector=transport.device.queues[index].vector)

    @hookimpl
    def load_queue(self, transport: CcwTransport, index: int, state: CcwQueue) -> None:
        transport.device.queues[index].vector = state.vector


plugin = VirtioCcw()
