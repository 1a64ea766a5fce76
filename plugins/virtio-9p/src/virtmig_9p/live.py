"""The hooks of the virtio-9p device; it has nothing live beside the core's."""

from __future__ import annotations

from virtmig.api import DeviceDriver, RingSize, VirtioDevice, hookimpl
from virtmig_9p.state import NinePState

FEATURES = {0: "MOUNT_TAG"}
"""QEMU: include/standard-headers/linux/virtio_9p.h; the virtio standard has no section on it."""


class LiveNineP(VirtioDevice):
    """A file system that is not mounted: it has nothing but queues and features."""


class Virtio9P:
    """The hooks of `virtio-9p`."""

    @hookimpl
    def describe_driver(self) -> DeviceDriver:
        return DeviceDriver(
            name="virtio-9p",
            device_id=9,
            version=1,
            state=NinePState,
            queue_names=("requestq",),
            ring_sizes={"requestq": RingSize(128)},
            features=FEATURES,
        )

    @hookimpl
    def create_device(self) -> LiveNineP:
        return LiveNineP()

    @hookimpl
    def save_device(self) -> NinePState:
        return NinePState()

    @hookimpl
    def load_device(self) -> None:
        """Put nothing back: there is nothing."""


plugin = Virtio9P()
