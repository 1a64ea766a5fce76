"""The live virtio-gpu device and its hooks."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Mapping
from typing import Any

import attrs

from virtmig.api import (
    DeviceDriver,
    DeviceMismatch,
    RingSize,
    VirtioDevice,
    VirtioState,
    collect,
    hookimpl,
    restore,
)
from virtmig_gpu.defects import FRAMEBUFFERS_UNKNOWN, SCREENS_BY_CHANCE
from virtmig_gpu.outer import GpuOuter
from virtmig_gpu.state import FRAMEBUFFERS, Blobs, GpuState, Resource, Scanout

FEATURES = {
    0: "VIRGL",
    1: "EDID",
    2: "RESOURCE_UUID",
    3: "RESOURCE_BLOB",
    4: "CONTEXT_INIT",
    5: "BLOB_ALIGNMENT",
}
"""virtio 1.3 section 5.7.3; 5 is newer."""
CONFIG_SPACE = {
    "events_read": 4,
    "events_clear": 4,
    "num_scanouts": 4,
    "num_capsets": 4,
}
"""virtio 1.3 section 5.7.4."""

FORMATS = {
    1: "B8G8R8A8",
    2: "B8G8R8X8",
    3: "A8R8G8B8",
    4: "X8R8G8B8",
    67: "R8G8B8A8",
    68: "X8B8G8R8",
    121: "A8B8G8R8",
    134: "R8G8B8X8",
}
"""virtio 1.3 section 5.7.6.8."""


@attrs.define(eq=False, kw_only=True, slots=False)
class LiveGpu(VirtioDevice):
    """A graphics adapter. Its state has the names of `GpuOuter`.

    max_outputs, and whether blobs is None (property `blob`), are properties. hostmem: bytes of
    pixels that the host holds, derived after a load.
    """

    resources: tuple[Resource, ...] = ()
    enable: int = 0
    max_outputs: int = 1
    scanouts: tuple[Scanout, ...] = ()
    blobs: Blobs | None = None
    hostmem: int = 0

    def check(self, state: GpuOuter) -> None:
        """Refuse the state of a device with other properties, or one that QEMU refuses."""
        if state.max_outputs != self.max_outputs:
            text = f"{state.max_outputs} scanouts in the stream, {self.max_outputs} on this device"
            raise DeviceMismatch(text, path="outer.max_outputs")
        if state.blobs is not None and self.blobs is None:
            raise DeviceMismatch("this device has no blob resources", path="outer.virtio-gpu/blob")
        blobs = state.blobs.resources if state.blobs else ()
        numbers = [one.resource_id for one in state.resources]
        known = Counter([*numbers, *(one.resource_id for one in blobs)])
        if doubled := [number for number, count in known.items() if count > 1]:
            raise DeviceMismatch(f"resource {doubled[0]} is there twice", path="outer.resources")
        for index, scanout in enumerate(state.scanouts):
            if scanout.resource_id and scanout.resource_id not in known:
                text = f"there is no resource {scanout.resource_id}"
                raise DeviceMismatch(text, path=f"outer.scanouts[{index}].resource_id")


class VirtioGpu:
    """The hooks of `virtio-gpu`."""

    @hookimpl
    def describe_driver(self) -> DeviceDriver:
        return DeviceDriver(
            name="virtio-gpu",
            device_id=16,
            version=1,
            state=GpuState,
            outer=GpuOuter,
            queue_names=("controlq", "cursorq"),
            ring_sizes={"controlq": RingSize(64), "cursorq": RingSize(16)},
            features=FEATURES,
            config_space=CONFIG_SPACE,
            facts=(FRAMEBUFFERS,),
            defects=(FRAMEBUFFERS_UNKNOWN, SCREENS_BY_CHANCE),
            outer_view=gpu_view,
        )

    @hookimpl
    def create_device(self, state: VirtioState) -> LiveGpu:
        outer: GpuOuter = state.outer
        blobs = None if outer.blobs is None else Blobs(resources=())
        return LiveGpu(max_outputs=outer.max_outputs, blobs=blobs)

    @hookimpl
    def save_device(self) -> GpuState:
        return GpuState()

    @hookimpl
    def load_device(self) -> None:
        """Put nothing back: it comes last, in `load_outer`."""

    @hookimpl
    def save_outer(self, device: LiveGpu) -> GpuOuter:
        return collect(GpuOuter, device)

    @hookimpl
    def load_outer(self, device: LiveGpu, state: GpuOuter) -> None:
        device.check(state)
        restore(device, state, "blobs")
        if device.blobs is not None:
            device.blobs = state.blobs or Blobs(resources=())
        device.hostmem = sum(len(resource.pixels) for resource in state.resources)


def gpu_view(state: GpuOuter) -> Mapping[str, Any]:
    """Each resource and each scanout in one line; of pixels the size and a checksum."""
    return {
        "resources": [_resource(one) for one in state.resources],
        "scanouts": [_scanout(one) for one in state.scanouts],
    }


def _resource(one: Resource) -> str:
    form = FORMATS.get(one.format, f"format {one.format}")
    digest = hashlib.sha256(one.pixels).hexdigest()
    size = f"{one.width}x{one.height} {form}, {len(one.pixels)} bytes"
    return f"resource {one.resource_id}: {size}, sha256 {digest}"


def _scanout(one: Scanout) -> str:
    if not one.resource_id:
        return "off: no resource"
    cursor = f", cursor resource {one.cursor.resource_id}" if one.cursor.resource_id else ""
    place = f"{one.width}x{one.height} at {one.x},{one.y}"
    return f"shows resource {one.resource_id}: {place}{cursor}"


plugin = VirtioGpu()
