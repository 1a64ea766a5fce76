"""A plugin is checked against the records and live objects that its hooks trade."""

from __future__ import annotations

from typing import assert_type

from virtmig.api import (
    DeviceDriver,
    Transport,
    VirtioDevice,
    VirtioState,
    VirtQueue,
    hookimpl,
    record,
)


@record()
class State:
    """A device part."""


class Plugin:
    """A device's hooks, typed through the decorator."""

    @hookimpl
    def save_device(self, device: VirtioDevice) -> State:
        """Give the state, and keep the signature."""
        assert_type(device.queues, list[VirtQueue])
        assert_type(device.transport, Transport)
        return State()

    @hookimpl
    def create_device(self, state: VirtioState) -> VirtioDevice:
        """Make a device."""
        assert_type(state.guest_features, int)
        return VirtioDevice()


def hookimpl_keeps_the_signature(device: VirtioDevice) -> None:
    """The marker is invisible to type checkers."""
    assert_type(Plugin().save_device(device), State)


def late_fields_are_plain_values(device: VirtioDevice, queue: VirtQueue) -> None:
    """State that is loaded late has the type of its value."""
    assert_type(device.guest_features, int)
    assert_type(device.started, bool)
    assert_type(queue.last_avail_wrap_counter, bool)
    assert_type(queue.used_idx, int)
    device.started = True
    device.guest_features = "none"  # type: ignore[assignment]


def a_driver_is_complete_or_refused() -> None:
    """A driver without its record or id is not accepted."""
    DeviceDriver(name="virtio-x", device_id=99, version=1, state=State)
    DeviceDriver(name="virtio-x", version=1, state=State)  # type: ignore[call-arg]
    DeviceDriver(name="virtio-x", device_id="99", version=1, state=State)  # type: ignore[arg-type]
