"""The section `virtio-mem-device-early`: what has to be known before RAM is loaded."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from virtmig.api import SectionDriver, be32, be64, buffer, hookimpl, record, wire
from virtmig_mem.plugged import plugged_ranges
from virtmig_mem.state import bitmap_length


@record()
class EarlyState:
    """A whole section (QEMU: hw/virtio/virtio-mem.c, vmstate_virtio_mem_device_early)."""

    addr: int = wire(be64, "guest physical address of the region")
    region_size: int = wire(be64, "size of the region in bytes")
    block_size: int = wire(be64.from_(1), "bytes that are plugged or unplugged at once")
    node: int = wire(be32, "NUMA node")
    size: int = wire(be64, "bytes that are plugged")
    bitmap: bytes = wire(buffer(bitmap_length), "plugged blocks: bit n % 64 of be64 word n / 64")


def early_view(state: EarlyState) -> Mapping[str, Any]:
    """The plugged blocks as ranges."""
    return {"plugged": plugged_ranges(state.bitmap)}


class VirtioMemEarly:
    """The hook of `virtio-mem-device-early`."""

    @hookimpl
    def describe_driver(self) -> SectionDriver:
        return SectionDriver(
            name="virtio-mem-device-early",
            parent="virtio-mem",
            version=1,
            state=EarlyState,
            view=early_view,
        )


plugin = VirtioMemEarly()
