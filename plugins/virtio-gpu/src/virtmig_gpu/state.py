"""What virtio-gpu saves of its own: resources with their pixels, and what the screens show.

All of it lies behind the virtio core, in the device's own vmsd, for historical reasons.
"""

from __future__ import annotations

from virtmig.api import (
    OpenFact,
    Scope,
    Seen,
    array,
    be32,
    be64,
    buffer,
    depends_on,
    if_fact,
    keyed,
    record,
    sbe32,
    struct,
    wire,
)

PIXEL = 4
"""Bytes of a pixel in every format that virtio-gpu has (virtio 1.3 section 5.7.6.8)."""

MAX_SCANOUTS = 16
"""QEMU: VIRTIO_GPU_MAX_SCANOUTS."""

FRAMEBUFFERS = OpenFact(
    "framebuffers",
    ("all", "none", *range(1, MAX_SCANOUTS)),
    "how many scanouts come with the framebuffer that they show: none up to machine type 8.2, all "
    "from 9.0 on; with more than one scanout QEMU 10.0 and 11.1 leave it to chance",
    exclusive=True,
)
FRAMEBUFFER = "framebuffer"
"""Whether the scanout at hand has one; see `scanouts`."""


@depends_on("width", "height")
def _pixels(_: Scope, seen: Seen) -> int:
    """4 * width * height"""
    return PIXEL * int(seen["width"]) * int(seen["height"])


@record()
class Entry:
    """A piece of guest memory behind a resource."""

    addr: int = wire(be64, "guest physical address")
    length: int = wire(be32, "bytes")


@record()
class Resource:
    """A two-dimensional resource (QEMU: hw/display/virtio-gpu.c, virtio_gpu_save)."""

    resource_id: int = wire(be32.from_(1), "number that the driver gave it")
    width: int = wire(be32, "in pixels")
    height: int = wire(be32, "in pixels")
    format: int = wire(be32, "pixel format as in virtio 1.3 section 5.7.6.8")
    iov_cnt: int = wire(be32, "entries in `backing`")
    backing: tuple[Entry, ...] = wire(array(Entry, "iov_cnt"), "guest memory that it is drawn in")
    pixels: bytes = wire(
        buffer(_pixels), "the host's copy, as of the last transfer; rows from the top"
    )


@record()
class Cursor:
    """The cursor of a scanout (QEMU: struct virtio_gpu_update_cursor)."""

    resource_id: int = wire(be32, "resource with its image; 0: none")
    hot_x: int = wire(be32, "hot spot, in pixels from the left")
    hot_y: int = wire(be32, "hot spot, in pixels from the top")
    pos_x: int = wire(be32, "position in the scanout, in pixels")
    pos_y: int = wire(be32, "position in the scanout, in pixels")


@record()
class Framebuffer:
    """What a scanout shows of its resource (QEMU: struct virtio_gpu_framebuffer)."""

    format: int = wire(be32, "pixel format as a pixman code; 0: nothing is shown")
    bytes_pp: int = wire(be32, "bytes of a pixel; 0 in QEMU 10.0 and newer, which do not use it")
    width: int = wire(be32, "in pixels")
    height: int = wire(be32, "in pixels")
    stride: int = wire(be32, "bytes from row to row")
    offset: int = wire(be32, "where it starts in the resource, in bytes")


HAS_FRAMEBUFFER = if_fact(FRAMEBUFFER, text="as `framebuffers` and what lies there tell")


@record()
class Scanout:
    """A screen (QEMU: vmstate_virtio_gpu_scanout)."""

    resource_id: int = wire(be32, "resource that it shows; 0: none")
    width: int = wire(be32, "in pixels")
    height: int = wire(be32, "in pixels")
    x: int = wire(sbe32, "left edge of the part that is shown, in pixels")
    y: int = wire(sbe32, "top edge of the part that is shown, in pixels")
    cursor: Cursor = wire(struct(Cursor), "what is drawn over it where the pointer is")
    fb: Framebuffer | None = wire(struct(Framebuffer), "what is shown of it", when=HAS_FRAMEBUFFER)


@record()
class BlobResource:
    """A resource that lies in guest memory alone (QEMU: virtio_gpu_blob_save)."""

    resource_id: int = wire(be32.from_(1), "number that the driver gave it")
    blob_size: int = wire(be32, "bytes")
    iov_cnt: int = wire(be32, "entries in `backing`")
    backing: tuple[Entry, ...] = wire(array(Entry, "iov_cnt"), "guest memory that it consists of")


@record("virtio-gpu/blob", releases={1: "8.1"})
class Blobs:
    """Resources without pixels of their own; sent if the device has the property `blob`."""

    resources: tuple[BlobResource, ...] = wire(keyed(BlobResource), "in order of creation")


@record()
class GpuState:
    """The device part of virtio-gpu, empty: it has all its state in `outer`."""
