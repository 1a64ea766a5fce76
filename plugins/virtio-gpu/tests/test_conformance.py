"""The laws of the kit for virtio-gpu and virtio-vga."""

from __future__ import annotations

from typing import TypeVar

import attrs

from virtmig.testing import DeviceConformance, Draw, SectionConformance
from virtmig_gpu.live import LiveGpu
from virtmig_gpu.outer import GpuOuter
from virtmig_gpu.state import BlobResource, Blobs, Cursor, Framebuffer, Resource, Scanout

R = TypeVar("R", Resource, BlobResource)
SIDE = 4096
CODES = (0x20020888, 0x20028888, 0x20030888)


def _apart(drawn: tuple[R, ...], taken: tuple[int, ...] = ()) -> tuple[R, ...]:
    """Those of different numbers; drivers use small ones."""
    small = [attrs.evolve(one, resource_id=one.resource_id % 0xFFFF + 1) for one in drawn]
    apart = {one.resource_id: one for one in small if one.resource_id not in taken}
    return tuple(apart.values())


def _screen(draw: Draw, resource_id: int, *, framed: bool) -> Scanout:
    """A screen that shows a resource, or is off and has shown one or none."""
    shows = resource_id != 0
    frame = attrs.evolve(
        draw.record(Framebuffer),
        format=draw.choice(CODES),
        width=draw.integer(1, SIDE),
        height=draw.integer(1, SIDE),
    )
    return Scanout(
        resource_id=resource_id,
        width=draw.integer(1, SIDE) if shows else 0,
        height=draw.integer(1, SIDE) if shows else 0,
        x=draw.integer(0, SIDE),
        y=draw.integer(0, SIDE),
        cursor=draw.record(Cursor),
        fb=frame if framed else None,
    )


class TestGpu(DeviceConformance):
    """The graphics adapter."""

    driver = "virtio-gpu"
    derived = ("hostmem",)
    properties = ("max_outputs",)

    def scramble(self, device: LiveGpu, draw: Draw) -> None:
        """Draw resources, and screens that show one of them or nothing."""
        outer = draw.record(GpuOuter)
        device.enable = outer.enable
        device.resources = _apart(outer.resources)
        ids = tuple(one.resource_id for one in device.resources)
        if device.blobs is not None:
            device.blobs = Blobs(
                resources=_apart(outer.blobs.resources if outer.blobs else (), ids)
            )
        known = next(fact.value for fact in device.facts if fact.name == "framebuffers")
        framed: int = device.max_outputs if known == "all" else 0 if known == "none" else known
        device.scanouts = tuple(
            _screen(draw, draw.choice((0, *ids)), framed=index < framed)
            for index in range(device.max_outputs)
        )


class TestVga(SectionConformance):
    """The VGA side."""

    driver = "virtio-vga"
