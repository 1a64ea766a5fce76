"""Where a state's virtqueues lie in guest memory, and in which byte order."""

from __future__ import annotations

from typing import Literal

import attrs

from virtmig.virtio.features import RING_PACKED, VERSION_1
from virtmig.virtio.state import VirtioState
from virtmig.virtio.subsections import BIG_ENDIAN, LITTLE_ENDIAN

LEGACY_ALIGN = 4096
DESC_SIZE = 16
Endian = Literal["little", "big"]


@attrs.frozen
class RingPlace:
    """One virtqueue's areas. Addresses are guest physical; `num` is in descriptors."""

    index: int
    num: int
    desc: int
    avail: int
    used: int
    packed: bool
    endian: Endian


def legacy_ring(num: int, desc: int, align: int | None) -> tuple[int, int]:
    """Addresses of the avail and used ring that a legacy ring implies (virtio 1.2 section 2.7.2).

    align: of the used ring in bytes; None for transports where it is always 4096. Without a size
    or an alignment nothing is set up, and both are 0.
    """
    align = LEGACY_ALIGN if align is None else align
    if num == 0 or align == 0:
        return 0, 0
    avail = desc + DESC_SIZE * num
    return avail, -(-(avail + 4 + 2 * num) // align) * align


def byte_order(state: VirtioState, target: Endian) -> Endian:
    """The byte order of a device's rings and of its configuration space.

    target: byte order of the guest's CPU, which a legacy device has unless the stream says
    otherwise. A virtio 1 device is little endian whatever `device_endian` says.
    """
    if state.has_feature(VERSION_1):
        return "little"
    sent = state.subsections.device_endian
    known: dict[int, Endian] = {LITTLE_ENDIAN: "little", BIG_ENDIAN: "big"}
    return target if sent is None else known.get(sent.device_endian, target)


def ring_places(state: VirtioState, target: Endian) -> list[RingPlace]:
    """All virtqueues that are set up; target: byte order of the guest's CPU."""
    modern = state.has_feature(VERSION_1)
    tails = state.subsections
    endian = byte_order(state, target)
    rows = tails.virtqueues.vq if modern and tails.virtqueues is not None else ()
    places: list[RingPlace] = []
    for index, queue in enumerate(state.queues):
        if not queue.desc:
            continue
        avail, used = legacy_ring(queue.num, queue.desc, queue.align)
        if modern:
            avail, used = (rows[index].avail, rows[index].used) if index < len(rows) else (0, 0)
        packed = state.has_feature(RING_PACKED)
        places.append(RingPlace(index, queue.num, queue.desc, avail, used, packed, endian))
    return places
