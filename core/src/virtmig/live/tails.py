"""Core subsections ⇄ live device: when each is sent, and what it restores."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, TypeVar

from virtmig.hooks.registry import Drivers
from virtmig.live.device import VirtioDevice, VirtQueue
from virtmig.live.transfer import collect, restore
from virtmig.virtio import subsections as sub
from virtmig.virtio.features import RING_PACKED, VERSION_1

R = TypeVar("R")

LOW_64 = (1 << 64) - 1
ZERO_ADDRESSES = sub.RingAddresses(avail=0, used=0)
ZERO_POSITION = sub.PackedQueue(
    last_avail_idx=0, last_avail_wrap_counter=False, used_idx=0, used_wrap_counter=False, inuse=0
)


def _device_endian(device: VirtioDevice, _: Drivers) -> sub.DeviceEndian | None:
    expected = sub.LITTLE_ENDIAN if device.has_feature(VERSION_1) else device.default_endian
    if device.device_endian == expected:
        return None
    return sub.DeviceEndian(device_endian=device.device_endian)


def _features_128(device: VirtioDevice, _: Drivers) -> sub.Features128 | None:
    if not device.host_features >> 64:
        return None
    return sub.Features128(features_hi=device.guest_features >> 64)


def _features_64(device: VirtioDevice, _: Drivers) -> sub.Features64 | None:
    if not device.host_features >> 32:
        return None
    return sub.Features64(guest_features=device.guest_features & LOW_64)


def _virtqueues(device: VirtioDevice, _: Drivers) -> sub.VirtQueues | None:
    if not device.host_features >> VERSION_1 & 1:
        return None
    return sub.VirtQueues(
        vq=tuple(sub.RingAddresses(avail=q.avail, used=q.used) for q in device.queues)
    )


def _ringsize(device: VirtioDevice, _: Drivers) -> sub.RingSize | None:
    if all(queue.num == queue.num_default for queue in device.queues):
        return None
    return sub.RingSize(num_default=tuple(queue.num_default for queue in device.queues))


def _extra_state(device: VirtioDevice, drivers: Drivers) -> sub.ExtraState | None:
    if not drivers.transport.has_extra_state(device.transport):
        return None
    return sub.ExtraState(state=drivers.transport.save_extra_state(device.transport))


def _packed_virtqueues(device: VirtioDevice, _: Drivers) -> sub.PackedVirtQueues | None:
    if not device.host_features >> RING_PACKED & 1:
        return None
    return sub.PackedVirtQueues(
        vq=tuple(collect(sub.PackedQueue, queue) for queue in device.queues)
    )


def _broken(device: VirtioDevice, _: Drivers) -> sub.Broken | None:
    return sub.Broken(broken=True) if device.broken else None


def _started(device: VirtioDevice, _: Drivers) -> sub.Started | None:
    return sub.Started(started=True) if device.started else None


def _disabled(device: VirtioDevice, _: Drivers) -> sub.Disabled | None:
    return sub.Disabled(disabled=True) if device.disabled else None


_SAVE: dict[str, Callable[[VirtioDevice, Drivers], Any]] = {
    "device_endian": _device_endian,
    "features_128": _features_128,
    "features_64": _features_64,
    "virtqueues": _virtqueues,
    "ringsize": _ringsize,
    "broken": _broken,
    "extra_state": _extra_state,
    "started": _started,
    "packed_virtqueues": _packed_virtqueues,
    "disabled": _disabled,
}


def save_tail(device: VirtioDevice, drivers: Drivers, field: str) -> Any:
    """The subsection that this device's state calls for, or None."""
    return _SAVE[field](device, drivers)


def load_tail(device: VirtioDevice, drivers: Drivers, tail: Any) -> None:
    """Put one subsection back."""
    match tail:
        case sub.DeviceEndian():
            device.device_endian = tail.device_endian
        case sub.Features128() | sub.Features64():
            pass  # sanitize_features takes them out of the state, once they are all there
        case sub.ExtraState():
            drivers.transport.load_extra_state(device.transport, tail.state)
        case sub.Broken():
            device.broken = tail.broken
        case sub.Started():
            device.started = tail.started
        case sub.Disabled():
            device.disabled = tail.disabled
        case _:
            _load_rows(device, tail)


def _load_rows(device: VirtioDevice, tail: Any) -> None:
    """A table with a row for each queue; queues behind its last one have a row of zeros."""
    match tail:
        case sub.VirtQueues(vq=addresses):
            for queue, address in _by_queue(device, addresses, ZERO_ADDRESSES):
                queue.avail, queue.used = address.avail, address.used
        case sub.RingSize(num_default=sizes):
            for queue, size in _by_queue(device, sizes, 0):
                queue.num_default = size
        case sub.PackedVirtQueues(vq=positions):
            for queue, position in _by_queue(device, positions, ZERO_POSITION):
                restore(queue, position)
        case _:
            raise TypeError(type(tail).__name__)


def _by_queue(device: VirtioDevice, rows: tuple[R, ...], zero: R) -> Iterator[tuple[VirtQueue, R]]:
    for queue in device.queues:
        yield queue, rows[queue.index] if queue.index < len(rows) else zero
