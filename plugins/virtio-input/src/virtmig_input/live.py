"""The live virtio-input device and its hooks."""

from __future__ import annotations

import attrs

from virtmig.api import DeviceDriver, RingSize, VirtioDevice, hookimpl
from virtmig_input.state import InputState

DRIVER_OK = 4
"""Bit of the device status: the driver is set up (virtio 1.3 section 2.1)."""


@attrs.define(eq=False, kw_only=True, slots=False)
class LiveInput(VirtioDevice):
    """A keyboard, mouse, tablet or touch screen.

    active: whether events are passed on to the driver; worked out after a load.
    """

    active: bool = False


class VirtioInput:
    """The hooks of `virtio-input`."""

    @hookimpl
    def describe_driver(self) -> DeviceDriver:
        return DeviceDriver(
            name="virtio-input",
            device_id=18,
            version=1,
            state=InputState,
            queue_names=("eventq", "statusq"),
            ring_sizes={"eventq": RingSize(64), "statusq": RingSize(64)},
        )

    @hookimpl
    def create_device(self) -> LiveInput:
        return LiveInput()

    @hookimpl
    def save_device(self) -> InputState:
        return InputState()

    @hookimpl
    def load_device(self) -> None:
        """Put nothing back: there is nothing."""

    @hookimpl
    def post_load(self, device: LiveInput) -> None:
        device.active = bool(device.status & DRIVER_OK)


plugin = VirtioInput()
