"""What vhost-user devices save of their own."""

from __future__ import annotations

from virtmig.api import (
    Scope,
    Seen,
    be16,
    be32,
    be64,
    buffer,
    depends_on,
    keyed,
    record,
    struct,
    subsection,
    wire,
)

CHUNK_MAX = 64 << 20
"""Bytes of a chunk at the most. QEMU writes up to 1 MiB and reads any size; no more is believed."""

REGION_MAX = 64 << 20
"""Bytes of a region of requests in flight at the most; 16 KiB for each queue are usual."""


@record()
class VhostUserState:
    """The device part, empty (QEMU: hw/block/vhost-user-blk.c, hw/virtio/vhost-user-fs.c)."""


@record()
class Chunk:
    """A piece of a back-end's state (QEMU: hw/virtio/vhost.c, vhost_save_backend_state)."""

    size: int = wire(be32.from_(1).upto(CHUNK_MAX), "bytes in `data`")
    data: bytes = wire(buffer("size"), "the back-end's own format")


@record("vhost-user-fs-backend", version=0, minimum=0)
class FsBackend:
    """State of the program that serves the file system (QEMU: vuf_backend_vmstate)."""

    chunks: tuple[Chunk, ...] = wire(keyed(Chunk), "to be joined; cut anywhere")


@record("vhost-user-fs")
class FsOuter:
    """What the vmsd of vhost-user-fs has behind the virtio core (QEMU: vuf_vmstate)."""

    backend: FsBackend | None = wire(subsection(FsBackend), "state of the back-end")


@depends_on(above=("size",))
def _region_size(scope: Scope, _: Seen) -> int:
    """`size` of the region"""
    return int(scope.above["size"])


@record("vhost-inflight-region/buffer", version=0, minimum=0)
class InflightBuffer:
    """The memory of the region; sent if there is any."""

    addr: bytes = wire(
        buffer(_region_size), "descriptors of requests in flight, in the back-end's own format"
    )


@record("vhost-inflight-region", version=0, minimum=0)
class InflightRegion:
    """Memory that QEMU and the back-end share (QEMU: struct vhost_inflight)."""

    size: int = wire(be64.upto(REGION_MAX), "bytes of the region")
    queue_size: int = wire(be16, "entries of each queue that it has room for")
    buffer: InflightBuffer | None = wire(subsection(InflightBuffer), "what is in it")


@record("vhost-user-blk/inflight")
class BlkInflight:
    """Requests in flight; sent by a device with the property inflight-migration (QEMU 11)."""

    inflight: InflightRegion = wire(struct(InflightRegion), "as the back-end has noted them down")


@record("vhost-user-blk")
class BlkOuter:
    """What the vmsd of vhost-user-blk has behind the virtio core."""

    inflight: BlkInflight | None = wire(
        subsection(BlkInflight), "requests that the back-end has not finished"
    )
