"""What a live virtio-gpu refuses, and what its summaries say."""

from __future__ import annotations

import hashlib

import attrs
import pytest

from virtmig.api import DeviceMismatch, Scope, decode, encode
from virtmig_gpu.live import LiveGpu, gpu_view, plugin
from virtmig_gpu.outer import GpuOuter
from virtmig_gpu.state import (
    BlobResource,
    Blobs,
    Cursor,
    Entry,
    Framebuffer,
    Resource,
    Scanout,
)
from virtmig_gpu.vga import VgaCommon, VgaEndian, VgaState, vga_view

RESOURCE = Resource(
    resource_id=5,
    width=2,
    height=1,
    format=2,
    iov_cnt=1,
    backing=(Entry(addr=0x1000, length=8),),
    pixels=b"abcdefgh",
)
CURSOR = Cursor(resource_id=0, hot_x=0, hot_y=0, pos_x=0, pos_y=0)
SHOWN = Scanout(resource_id=5, width=2, height=1, x=0, y=0, cursor=CURSOR, fb=None)
STATE = GpuOuter(resources=(RESOURCE,), enable=1, max_outputs=1, scanouts=(SHOWN,), blobs=None)
BLOB = BlobResource(resource_id=6, blob_size=0, iov_cnt=0, backing=())


def test_a_device_takes_what_it_can_show() -> None:
    device = LiveGpu()
    plugin.load_outer(device, STATE)
    assert plugin.save_outer(device) == STATE
    assert device.hostmem == 8


@pytest.mark.parametrize(
    ("change", "path"),
    [
        ({"max_outputs": 2, "scanouts": (SHOWN, SHOWN)}, "outer.max_outputs"),
        ({"blobs": Blobs(resources=())}, "outer.virtio-gpu/blob"),
        ({"resources": (RESOURCE, RESOURCE)}, "outer.resources"),
        ({"resources": ()}, "outer.scanouts[0].resource_id"),
    ],
)
def test_a_device_refuses_what_qemu_refuses(change: dict[str, object], path: str) -> None:
    with pytest.raises(DeviceMismatch) as refused:
        plugin.load_outer(LiveGpu(), attrs.evolve(STATE, **change))
    assert refused.value.where.path == path


def test_a_device_with_blobs_saves_them_even_if_there_are_none() -> None:
    device = LiveGpu(blobs=Blobs(resources=(BLOB,)))
    plugin.load_outer(device, STATE)
    assert plugin.save_outer(device).blobs == Blobs(resources=())


def test_both_versions_of_scanouts_and_blobs_come_back() -> None:
    frame = Framebuffer(format=1, bytes_pp=4, width=2, height=1, stride=8, offset=0)
    blobs = Blobs(resources=(BLOB, attrs.evolve(BLOB, resource_id=7)))
    with_frame = attrs.evolve(STATE, scanouts=(attrs.evolve(SHOWN, fb=frame),), blobs=blobs)
    for framebuffers, state in (("none", STATE), ("all", with_frame)):
        scope = Scope(facts={"framebuffers": framebuffers})
        assert decode(GpuOuter, encode(state, scope), scope) == state


def test_a_summary_has_a_checksum_in_place_of_pixels() -> None:
    off = attrs.evolve(SHOWN, resource_id=0)
    cursor = attrs.evolve(SHOWN, cursor=attrs.evolve(CURSOR, resource_id=5))
    view = gpu_view(attrs.evolve(STATE, scanouts=(SHOWN, off, cursor)))
    digest = hashlib.sha256(b"abcdefgh").hexdigest()
    assert view["resources"] == [f"resource 5: 2x1 B8G8R8X8, 8 bytes, sha256 {digest}"]
    assert view["scanouts"] == [
        "shows resource 5: 2x1 at 0,0",
        "off: no resource",
        "shows resource 5: 2x1 at 0,0, cursor resource 5",
    ]


@pytest.mark.parametrize(
    ("enable", "mode"), [(0, "VGA"), (0x41, "VBE 1024x768, 32 bits per pixel")]
)
def test_the_mode_of_the_vga_side_is_told(enable: int, mode: str) -> None:
    data = bytearray(1133 - 2)
    data[1096] = 1
    registers = (0xB0C5, 1024, 768, 32, enable)
    data[1099:1109] = b"".join(one.to_bytes(2, "big") for one in registers)
    state = decode(VgaState, bytes(data))
    assert vga_view(state) == {"mode": mode}


def test_a_framebuffer_of_the_other_byte_order_is_a_subsection() -> None:
    data = bytearray(1131)
    data[1096] = 1
    state = decode(VgaState, bytes(data))
    vga: VgaCommon = attrs.evolve(state.vga, endian=VgaEndian(big_endian_fb=True))
    longer = VgaState(vga=vga)
    assert encode(longer)[1131:] == b"\5\x0avga.endian\0\0\0\1\1"
    assert decode(VgaState, encode(longer)) == longer
