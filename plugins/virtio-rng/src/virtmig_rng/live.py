"""The live virtio-rng device and its hooks."""

from __future__ import annotations

import attrs

from virtmig.api import DefaultChange, DeviceDriver, RingSize, VirtioDevice, hookimpl
from virtmig_rng.state import RngState

DRIVER_OK = 4
"""Bit of the device status: the driver is set up (virtio 1.3 section 2.1)."""


@attrs.define(eq=False, kw_only=True, slots=False)
class LiveRng(VirtioDevice):
    """An entropy device.

    ready: whether its driver may have asked for entropy, so that the queue is to be looked at when
    the guest runs on; worked out after a load.
    """

    ready: bool = False


class VirtioRng:
    """The hooks of `virtio-rng`."""

    @hookimpl
    def describe_driver(self) -> DeviceDriver:
        return DeviceDriver(
            name="virtio-rng",
            device_id=4,
            version=1,
            state=RngState,
            queue_names=("requestq",),
            ring_sizes={"requestq": RingSize(8)},
            defaults=(
                DefaultChange(
                    option="vectors", since="7.2", before="0", after="2", transport="virtio-pci"
                ),
            ),
        )

    @hookimpl
    def create_device(self) -> LiveRng:
        return LiveRng()

    @hookimpl
    def save_device(self) -> RngState:
        return RngState()

    @hookimpl
    def load_device(self) -> None:
        """Put nothing back: there is nothing."""

    @hookimpl
    def post_load(self, device: LiveRng) -> None:
        device.ready = bool(device.status & DRIVER_OK)


plugin = VirtioRng()
