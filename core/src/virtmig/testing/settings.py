"""Drawn states that a device of the core could be in: the setting of each example."""

from __future__ import annotations

from typing import Any

from virtmig.live.device import Transport, VirtioDevice, VirtQueue
from virtmig.live.procedure import virtio_save
from virtmig.testing.draw import Draw
from virtmig.testing.stubs import kit_drivers
from virtmig.virtio.envelope import SectionLayout
from virtmig.virtio.facts import Fact, Source, Trial
from virtmig.virtio.features import RING_PACKED, RING_RESET, VERSION_1
from virtmig.virtio.rings import legacy_ring
from virtmig.virtio.state import VirtioState
from virtmig.wire.scope import Scope

SIZES = (64, 128, 256)
COMMON_BITS = (28, 29, VERSION_1, 33, RING_PACKED, RING_RESET, 64)
HIGHEST_VECTOR = 3
FEATURE_BITS = 128


def draw_facts(draw: Draw, layout: SectionLayout[Any]) -> dict[str, Any]:
    """An answer to each open fact."""
    return {name: draw.choice(fact.candidates) for name, fact in layout.open_facts.items()}


def known_bits(driver: Any) -> tuple[int, ...]:
    """The features of a driver; a number that is no bit is for the law `features` to tell."""
    bits: tuple[Any, ...] = tuple(driver.features)
    return tuple(bit for bit in bits if isinstance(bit, int) and 0 <= bit < FEATURE_BITS)


def draw_features(draw: Draw, known: tuple[int, ...]) -> int:
    """Features that a guest driver accepted: some of the device's own, some of all devices'."""
    return sum(1 << bit for bit in dict.fromkeys((*known, *COMMON_BITS)) if draw.boolean())


def draw_core(draw: Draw, features: int, queues: int) -> VirtioState:
    """A state whose core parts fit each other, of a device that has nothing of its own."""
    device = VirtioDevice(name="virtio-kit", host_features=features | 1 << VERSION_1)
    device.add_queues([draw.choice(SIZES) for _ in range(queues)])
    device.plug(Transport())
    device.guest_features = features
    device.guest_features_lo = features & 0xFFFFFFFF
    device.status = draw.integer(0, 15)
    device.isr = draw.integer(0, 3)
    device.queue_sel = draw.integer(0, max(0, queues - 1))
    device.config = draw.binary(draw.integer(0, 12))
    device.device_endian = draw.integer(1, 2)
    for name in ("broken", "started", "disabled"):
        setattr(device, name, draw.integer(0, 3) == 0)
    for queue in device.queues:
        _draw_queue(draw, queue, modern=bool(features >> VERSION_1 & 1))
    return virtio_save(device, kit_drivers())


def _draw_queue(draw: Draw, queue: VirtQueue, *, modern: bool) -> None:
    """A queue that is set up or not; where the rings of an old one lie, its size tells."""
    queue.vector = draw.integer(0, HIGHEST_VECTOR)
    if not draw.boolean():
        return
    queue.desc = draw.integer(1, 1 << 20) << 12
    places = queue.desc + 4096, queue.desc + 8192
    queue.avail, queue.used = places if modern else legacy_ring(queue.num, queue.desc, None)
    queue.last_avail_idx = draw.integer(0, 0xFFFF)


def scope_of(layout: SectionLayout[Any], state: VirtioState, version: int) -> Scope:
    """What conditions and counts of the device part may look at, in such a state."""
    trial = Trial(layout.open_facts, layout.given({f.name: f.value for f in state.facts}))
    scope = layout.scope(trial, version)
    scope.parts = {"config": state.config, "common": state.common, "queues": state.queues}
    scope.features_lo = state.common.guest_features_lo
    return scope


def given_facts(facts: dict[str, Any]) -> tuple[Fact, ...]:
    """Facts as a state carries them."""
    return tuple(Fact(name, value, Source.GIVEN) for name, value in facts.items())
