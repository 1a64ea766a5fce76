"""Values that no virtio device can have, whoever is to go on with them."""

from __future__ import annotations

from typing import Any

from virtmig.virtio.features import RING_PACKED, STATUS, VERSION_1, names
from virtmig.virtio.risks import mask
from virtmig.virtio.state import VirtioState

LARGEST_RING = 1024
"""Entries of the largest virtqueue that QEMU makes (VIRTQUEUE_MAX_SIZE)."""
DRIVER_OK, FEATURES_OK = 1 << 2, 1 << 3


def contradictions(state: Any) -> dict[str, str]:
    """Values of a state that no device with this state can have, by path, and why."""
    if not isinstance(state, VirtioState):
        return {}
    sizes = {
        f"queues[{index}].num": _ring_size(queue.num, packed=state.has_feature(RING_PACKED))
        for index, queue in enumerate(state.queues)
    }
    found = {path: why for path, why in sizes.items() if why}
    why = _status(state)
    return {**found, "common.status": why} if why else found


def _ring_size(num: int, *, packed: bool) -> str:
    """What is wrong with a ring size (virtio 1.3 sections 2.7 and 2.8.10.1); empty: nothing."""
    if num == 0:
        return "a ring of size 0 is no queue, and the stream says that there is one"
    if num > LARGEST_RING:
        return f"QEMU makes no ring of more than {LARGEST_RING} entries"
    if num & num - 1 and not packed:
        return "the size of a split ring is a power of two"
    return ""


def _status(state: VirtioState) -> str:
    """What is wrong with a device status (virtio 1.3 section 3.1.1); empty: nothing."""
    status = state.common.status
    if status & DRIVER_OK and not any(queue.desc for queue in state.queues):
        return "DRIVER_OK says that a driver has set the device up, and no ring is set up"
    if status & DRIVER_OK and state.has_feature(VERSION_1) and not status & FEATURES_OK:
        return "DRIVER_OK without FEATURES_OK: a virtio 1 driver agrees on the features first"
    undefined = names(status & ~mask(STATUS), STATUS)
    return f"{' and '.join(undefined)} is no bit of a device status" if undefined else ""
