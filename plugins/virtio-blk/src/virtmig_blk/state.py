"""What virtio-blk saves of its own: requests that it has taken and not finished."""

from __future__ import annotations

from virtmig.api import Condition, VirtQueueElement, be32, marked, record, struct, unsafe, wire

MULTI_QUEUE = Condition(
    "the device has more than one queue", lambda scope, _: scope.parts["common"].nq > 1
)


@record()
class BlkRequest:
    """A request in flight (QEMU: hw/block/virtio-blk.c, virtio_blk_save_device)."""

    queue_index: int | None = wire(be32, "queue that it came from", when=MULTI_QUEUE)
    elem: VirtQueueElement = wire(struct(VirtQueueElement), "its descriptor chain")


@record()
class BlkState:
    """The device part of virtio-blk; its config is in the core's common fields."""

    requests: tuple[BlkRequest, ...] = wire(
        marked(BlkRequest),
        "in flight; stopped on an I/O error or held across a stop",
        edit=unsafe("the guest driver waits for the answer to just these requests"),
    )
