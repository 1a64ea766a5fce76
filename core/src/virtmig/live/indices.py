"""The virtqueue index sanity check (QEMU: hw/virtio/virtio.c, end of virtio_load)."""

from __future__ import annotations

from virtmig.errors import GuestMemoryError, IndexMismatch
from virtmig.guest.vring import Memory, SplitRing
from virtmig.live.device import VirtioDevice, VirtQueue
from virtmig.virtio.features import RING_PACKED, VERSION_1
from virtmig.virtio.rings import legacy_ring

NEEDS_RESET = 0x40
NO_MEMORY = "guest memory is not at hand, so indices are not checked"


def check_queue(device: VirtioDevice, queue: VirtQueue, memory: Memory | None) -> str:
    """Complete one set-up queue from guest memory; says in words what could not be checked.

    Raises `IndexMismatch` where QEMU fails the load. Where QEMU goes on with a broken device
    (the guest's avail index is out of reach), so do we, and the text says so.
    """
    if not device.has_feature(VERSION_1):
        queue.avail, queue.used = legacy_ring(queue.num, queue.desc, queue.align)
    if device.has_feature(RING_PACKED):
        queue.shadow_avail_idx = queue.last_avail_idx
        queue.shadow_avail_wrap_counter = queue.last_avail_wrap_counter
        return "packed ring: position taken as sent"
    if memory is None:
        return NO_MEMORY
    places = (queue.num, queue.desc, queue.avail, queue.used)
    ring = SplitRing(memory, *places, device.ring_endian)
    try:
        avail_idx, used_idx = ring.avail_idx(), ring.used_idx()
    except GuestMemoryError as error:
        return f"not checked: {error.reason}"
    return _compare(device, queue, avail_idx, used_idx)


def _compare(device: VirtioDevice, queue: VirtQueue, avail_idx: int, used_idx: int) -> str:
    heads = (avail_idx - queue.last_avail_idx) & 0xFFFF
    if heads > queue.num:
        device.broken = True
        if device.has_feature(VERSION_1):
            device.status |= NEEDS_RESET
        queue.used_idx = queue.shadow_avail_idx = queue.inuse = 0
        return (
            f"device is broken: size {queue.num:#x}, guest index {avail_idx:#x} is inconsistent "
            f"with host index {queue.last_avail_idx:#x}, delta {heads:#x}"
        )
    queue.used_idx = used_idx
    queue.shadow_avail_idx = avail_idx
    queue.inuse = (queue.last_avail_idx - used_idx) & 0xFFFF
    if queue.inuse > queue.num:
        text = (
            f"queue {queue.index} of size {queue.num:#x}: last_avail_idx "
            f"{queue.last_avail_idx:#x} - used_idx {used_idx:#x} is more than the ring holds"
        )
        raise IndexMismatch(text, path=f"queues[{queue.index}].last_avail_idx")
    return f"avail.idx {avail_idx}, used.idx {used_idx}, inuse {queue.inuse}"
