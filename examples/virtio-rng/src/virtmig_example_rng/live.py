"""The live virtio-rng device and its hooks."""

from __future__ import annotations

import attrs
from virtmig.api import DeviceDriver, VirtioDevice, hookimpl

from virtmig_example_rng.state import RngState

VERSION_1 = 32


@attrs.define(eq=False, kw_only=True, slots=False)
class LiveRng(VirtioDevice):
    """An entropy device. modern: whether its guest driver speaks virtio 1."""

    modern: bool = False


class VirtioRng:
    """The hooks of `virtio-rng`."""

    @hookimpl
    def describe_driver(self) -> DeviceDriver:
        return DeviceDriver(
            name="virtio-rng", device_id=4, version=1, state=RngState, queue_names=("requestq",)
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
        """Set up what depends on features from 32 on; `load_device` cannot know them yet."""
        device.modern = device.has_feature(VERSION_1)


plugin = VirtioRng()
