"""A fresh live device with the properties that a state implies, for streams without a machine.

A stream does not carry the properties of the source's device. What it must have had to write
this state is derived here; it gives properties only, never state.
"""

from __future__ import annotations

from virtmig.hooks.registry import Drivers
from virtmig.live.device import VirtioDevice
from virtmig.virtio.features import RING_PACKED, RING_RESET, VERSION_1
from virtmig.virtio.rings import Endian
from virtmig.virtio.state import VirtioState
from virtmig.virtio.subsections import Subsections

ANY_HIGH_FEATURE = 1 << 64


def implied_host_features(state: VirtioState) -> int:
    """The fewest features that the source's device offered.

    Some subsections tell that a group of features is offered but not which; then the commonest
    one stands for it: RING_RESET above bit 31, bit 64 above bit 63.
    """
    features = state.guest_features
    tails = state.subsections
    if tails.virtqueues is not None:
        features |= 1 << VERSION_1
    if tails.packed_virtqueues is not None:
        features |= 1 << RING_PACKED
    if tails.features_64 is not None and not features >> 32:
        features |= 1 << RING_RESET
    if tails.features_128 is not None and not features >> 64:
        features |= ANY_HIGH_FEATURE
    return features


def implied_queue_sizes(state: VirtioState) -> list[int]:
    """Default ring size of each queue slot that the state says anything of."""
    tails: Subsections = state.subsections
    defaults = tails.ringsize.num_default if tails.ringsize is not None else ()
    rows = [tail.vq for tail in (tails.virtqueues, tails.packed_virtqueues) if tail is not None]
    count = max(len(state.queues), len(defaults), *map(len, rows), 0)
    sizes = [queue.num for queue in state.queues]
    sizes += [0] * (count - len(sizes))
    return [
        max(size, default) for size, default in zip(sizes, _padded(defaults, count), strict=True)
    ]


def _padded(values: tuple[int, ...], count: int) -> list[int]:
    return [*values, *[0] * (count - len(values))]


def create(drivers: Drivers, state: VirtioState, endian: Endian) -> VirtioDevice:
    """A device as just plugged in, onto which `state` can be loaded."""
    device = drivers.device.create_device(state)
    device.name = drivers.device.driver.name
    device.target_endian = endian
    device.facts = state.facts
    device.host_features = implied_host_features(state)
    device.config = bytes(len(state.common.config))
    device.add_queues(implied_queue_sizes(state))
    device.plug(drivers.transport.create_transport(state))
    return device
