"""The live virtio-mem device and its hooks."""

from __future__ import annotations

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
from virtmig_mem.plugged import plugged_ranges
from virtmig_mem.state import EARLY_MIGRATION, MemState

FEATURES = {0: "ACPI_PXM", 1: "UNPLUGGED_INACCESSIBLE", 2: "PERSISTENT_SUSPEND"}
"""virtio 1.3 section 5.15.3."""
CONFIG_SPACE = {
    "block_size": 8,
    "node_id": 2,
    "padding": 6,
    "addr": 8,
    "region_size": 8,
    "usable_region_size": 8,
    "plugged_size": 8,
    "requested_size": 8,
}
"""virtio 1.3 section 5.15.4."""

PROPERTIES = ("addr", "region_size", "block_size", "node")
"""What the user chose; both sides of a migration must have the same."""


@attrs.define(eq=False, kw_only=True, slots=False)
class LiveMem(VirtioDevice):
    """A device that gives memory to a running guest. It has the names of `MemState`.

    A device that migrates early (from machine type 8.0 on) has None in all but
    usable_region_size and requested_size: the rest is in a section of its own.
    """

    addr: int | None = None
    region_size: int | None = None
    block_size: int | None = None
    node: int | None = None
    usable_region_size: int = 0
    size: int | None = None
    requested_size: int = 0
    bitmap: bytes | None = None

    def check(self, state: MemState) -> None:
        """Refuse the state of a device with other properties (QEMU: the sanity checks)."""
        for name in PROPERTIES:
            theirs, ours = getattr(state, name), getattr(self, name)
            if theirs != ours:
                text = f"{_said(theirs)} in the stream, {_said(ours)} on this device"
                raise DeviceMismatch(text, path=f"device.{name}")


def _said(value: int | None) -> str:
    return "nothing" if value is None else f"{value:#x}"


class VirtioMem:
    """The hooks of `virtio-mem`."""

    @hookimpl
    def describe_driver(self) -> DeviceDriver:
        return DeviceDriver(
            name="virtio-mem",
            device_id=24,
            version=1,
            state=MemState,
            queue_names=("requestq",),
            ring_sizes={"requestq": RingSize(128)},
            features=FEATURES,
            config_space=CONFIG_SPACE,
            facts=(EARLY_MIGRATION,),
            view=mem_view,
        )

    @hookimpl
    def create_device(self, state: VirtioState) -> LiveMem:
        mem: MemState = state.device
        made = LiveMem(**{name: getattr(mem, name) for name in PROPERTIES})
        if mem.bitmap is not None:
            made.size, made.bitmap = 0, bytes(len(mem.bitmap))
        return made

    @hookimpl
    def save_device(self, device: LiveMem) -> MemState:
        return collect(MemState, device)

    @hookimpl
    def load_device(self, device: LiveMem, state: MemState) -> None:
        device.check(state)
        restore(device, state)


def mem_view(state: MemState) -> Mapping[str, Any]:
    """The plugged blocks as ranges, where they are in this section."""
    if state.bitmap is None:
        return {"plugged": "in the section virtio-mem-device-early"}
    return {"plugged": plugged_ranges(state.bitmap)}


plugin = VirtioMem()
