"""The live vhost-vsock device and its hooks."""

from __future__ import annotations

import attrs

from virtmig.api import DeviceDriver, VirtioDevice, hookimpl
from virtmig_vhost_vsock.state import VsockState

FEATURES = {0: "STREAM", 1: "SEQPACKET", 2: "NO_IMPLIED_STREAM"}
"""virtio 1.3 section 5.10.3."""
CONFIG_SPACE = {
    "guest_cid": 8,
}
"""virtio 1.3 section 5.10.4."""
EVENT = 2
"""Index of the event queue."""


@attrs.define(eq=False, kw_only=True, slots=False)
class LiveVsock(VirtioDevice):
    """Sockets between the guest and its host.

    transport_reset: the guest is to be told that its connections are gone; set by a load of a
    device with an event queue that is set up (virtio 1.3 section 5.10.6.7).
    """

    transport_reset: bool = False


class VhostVsock:
    """The hooks of `virtio-vhost_vsock`."""

    @hookimpl
    def describe_driver(self) -> DeviceDriver:
        return DeviceDriver(
            name="virtio-vhost_vsock",
            device_id=19,
            version=0,
            state=VsockState,
            queue_names=("rx", "tx", "event"),
            features=FEATURES,
            config_space=CONFIG_SPACE,
        )

    @hookimpl
    def create_device(self) -> LiveVsock:
        return LiveVsock()

    @hookimpl
    def save_device(self) -> VsockState:
        return VsockState()

    @hookimpl
    def load_device(self) -> None:
        """Put nothing back: there is nothing."""

    @hookimpl
    def post_load(self, device: LiveVsock) -> None:
        event = device.queues[EVENT] if len(device.queues) > EVENT else None
        device.transport_reset = event is not None and event.desc != 0


plugin = VhostVsock()
