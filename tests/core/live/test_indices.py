"""The index check: a queue's own position against what the rings in guest memory say."""

from __future__ import annotations

from typing import Any

import pytest

from tests.core.live.deep import deep
from tests.core.material import changed, drivers_of, fresh, pick, state_of
from tests.golden import Golden
from virtmig.errors import GuestMemoryError, IndexMismatch
from virtmig.live.device import VirtioDevice
from virtmig.live.procedure import virtio_load
from virtmig.reading import target_endian
from virtmig.virtio.order import Step
from virtmig.virtio.rings import RingPlace, ring_places

MODERN = pick("virtio-blk", lambda s: s.has_feature(32) and not s.has_feature(34))
LEGACY = pick("virtio-blk", lambda s: s.queues[0].desc and not s.has_feature(32))
CCW = pick("virtio-blk", lambda s: s.has_feature(32), arch="s390x")
CCW_LEGACY = pick("virtio-blk", lambda s: s.queues[0].desc and not s.has_feature(32), arch="s390x")
PACKED = pick("virtio-blk", lambda s: s.has_feature(34))
NET = pick("virtio-net", lambda s: len(s.queues) == 3 and all(q.desc for q in s.queues))
NEEDS_RESET = 0x40


class Rings:
    """Guest memory that holds nothing but the indices of some rings."""

    def __init__(self) -> None:
        self.words: dict[int, bytes] = {}
        self.asked: list[tuple[int, int]] = []

    def put(self, place: RingPlace, avail: int, used: int) -> None:
        for area, value in ((place.avail, avail), (place.used, used)):
            self.words[area + 2] = (value & 0xFFFF).to_bytes(2, place.endian)

    def read(self, address: int, size: int, /) -> bytes:
        self.asked.append((address, size))
        if size != 2 or address not in self.words:
            raise GuestMemoryError(f"{size} bytes at {address:#x} are not all in guest RAM")
        return self.words[address]


def rings(golden: Golden, state: Any, avail: int, used: int) -> Rings:
    """Memory where every ring is so far from `last_avail_idx`, in front and behind."""
    memory = Rings()
    for place in ring_places(state, target_endian(golden.machine, golden.idstr)):
        last = state.queues[place.index].last_avail_idx
        memory.put(place, last + avail, last - used)
    return memory


def load(golden: Golden, memory: Any, state: Any = None) -> tuple[VirtioDevice, dict[str, str]]:
    """A loaded device, and what was said of each step."""
    device = fresh(golden)
    notes: dict[str, str] = {}

    def on_step(step: Step, key: int | str, note: str) -> None:
        notes[step.name] = note

    virtio_load(device, drivers_of(golden), state or state_of(golden), memory, on_step)
    return device, notes


def at(golden: Golden, last: int) -> Any:
    """The golden's state with all queues at this index."""
    state = state_of(golden)
    for index, queue in enumerate(state.queues):
        if queue.desc:
            state = changed(state, f"queues.{index}.last_avail_idx", last)
    return state


splits = pytest.mark.parametrize(
    "golden", [MODERN, LEGACY, CCW, CCW_LEGACY], ids=["pci", "legacy pci", "ccw", "legacy ccw"]
)


@splits
@pytest.mark.parametrize("last", [0, 5, 0xFFFF])
@pytest.mark.parametrize("waiting", [0, 3, "all"])
@pytest.mark.parametrize("taken", [0, 2, "all"])
def test_a_split_ring_is_completed_from_memory(
    golden: Golden, last: int, waiting: Any, taken: Any
) -> None:
    """Indices run modulo 2^16, so a queue may stand on either side of the end."""
    state = at(golden, last)
    num = state.queues[0].num
    ahead, behind = (num if one == "all" else one for one in (waiting, taken))
    device, _ = load(golden, rings(golden, state, ahead, behind), state)
    queue = device.queues[0]
    assert queue.last_avail_idx == last
    assert queue.shadow_avail_idx == (last + ahead) & 0xFFFF
    assert queue.used_idx == (last - behind) & 0xFFFF
    assert queue.inuse == behind
    assert not device.broken
    assert not device.status & NEEDS_RESET


@splits
@pytest.mark.parametrize("more", [1, 2, 1000])
def test_more_requests_taken_than_the_ring_holds_are_refused(golden: Golden, more: int) -> None:
    device = fresh(golden)
    before = deep(device)
    state = state_of(golden)
    memory = rings(golden, state, 0, state.queues[0].num + more)
    with pytest.raises(IndexMismatch) as caught:
        virtio_load(device, drivers_of(golden), state, memory)
    assert caught.value.where.path == "queues[0].last_avail_idx"
    assert "queue 0" in caught.value.reason
    assert deep(device) == before


@splits
@pytest.mark.parametrize("more", [1, 0x7000])
def test_a_guest_index_out_of_reach_breaks_the_device_and_the_load_goes_on(
    golden: Golden, more: int
) -> None:
    """As QEMU does since 6.1; only a virtio 1 driver can be told, by its status register."""
    state = state_of(golden)
    device, notes = load(golden, rings(golden, state, state.queues[0].num + more, 0))
    assert device.broken
    assert bool(device.status & NEEDS_RESET) is state.has_feature(32)
    queue = device.queues[0]
    assert (queue.used_idx, queue.shadow_avail_idx, queue.inuse) == (0, 0, 0)
    assert "broken" in notes["check_indices"]
    assert "post_load" in notes


def test_a_queue_out_of_reach_forgets_what_it_was() -> None:
    state = state_of(MODERN)
    device = fresh(MODERN)
    queue = device.queues[0]
    queue.used_idx = queue.shadow_avail_idx = queue.inuse = 9
    memory = rings(MODERN, state, queue.num + 1, 0)
    virtio_load(device, drivers_of(MODERN), state, memory)
    assert (queue.used_idx, queue.shadow_avail_idx, queue.inuse) == (0, 0, 0)


def test_only_the_queue_at_fault_is_reset() -> None:
    state = at(NET, 10)
    memory = rings(NET, state, 1, 1)
    bad = ring_places(state, "little")[1]
    memory.put(bad, 5000, 10)
    device, notes = load(NET, memory, state)
    assert [queue.inuse for queue in device.queues[:3]] == [1, 0, 1]
    assert [queue.shadow_avail_idx for queue in device.queues[:3]] == [11, 0, 11]
    assert "queue 1: device is broken" in notes["check_indices"]


def test_an_error_in_one_queue_names_that_queue() -> None:
    state = at(NET, 10)
    memory = rings(NET, state, 1, 1)
    memory.put(ring_places(state, "little")[2], 10, 11)
    with pytest.raises(IndexMismatch) as caught:
        load(NET, memory, state)
    assert caught.value.where.path == "queues[2].last_avail_idx"


def test_the_same_bytes_mean_another_index_in_a_big_endian_ring() -> None:
    """So the test above would fail if the order were mistaken."""
    state = at(CCW_LEGACY, 0x0102)
    memory = rings(CCW_LEGACY, state, 0, 0)
    assert set(memory.words.values()) == {b"\x01\x02"}
    assert load(CCW_LEGACY, memory, state)[0].queues[0].used_idx == 0x0102
    state = at(CCW, 0x0102)
    memory = rings(CCW, state, 0, 0)
    assert set(memory.words.values()) == {b"\x02\x01"}
    assert load(CCW, memory, state)[0].queues[0].used_idx == 0x0102


def test_the_areas_of_a_legacy_ring_are_computed() -> None:
    device, _ = load(LEGACY, rings(LEGACY, state_of(LEGACY), 0, 0))
    place = ring_places(state_of(LEGACY), "little")[0]
    assert (device.queues[0].avail, device.queues[0].used) == (place.avail, place.used)
    assert place.avail == place.desc + 16 * place.num


def test_a_packed_ring_is_taken_as_it_was_sent() -> None:
    """Its whole position is in the section, and QEMU checks none of it."""
    memory = Rings()
    device, notes = load(PACKED, memory)
    rows = state_of(PACKED).subsections.packed_virtqueues.vq  # type: ignore[union-attr]
    active = [queue for queue in device.queues if queue.desc]
    assert active
    for queue, row in zip(active, rows, strict=False):
        assert queue.shadow_avail_idx == queue.last_avail_idx == row.last_avail_idx
        assert queue.shadow_avail_wrap_counter == row.last_avail_wrap_counter
        assert (queue.used_idx, queue.used_wrap_counter) == (row.used_idx, row.used_wrap_counter)
        assert queue.inuse == row.inuse
    assert memory.asked == []
    assert "packed" in notes["check_indices"]


@splits
def test_without_memory_the_check_is_left_out_and_said_so(golden: Golden) -> None:
    device, notes = load(golden, None)
    assert "not checked" in notes["check_indices"]
    assert device.queues[0].inuse == 0
    assert not device.broken


@splits
def test_a_ring_outside_guest_memory_is_not_checked_and_said_so(golden: Golden) -> None:
    """QEMU does not notice such a ring either."""
    device, notes = load(golden, Rings())
    assert "not all in guest RAM" in notes["check_indices"]
    assert not device.broken


def test_a_queue_that_is_not_set_up_is_not_looked_for() -> None:
    golden = pick("virtio-net", lambda s: not any(queue.desc for queue in s.queues))
    memory = Rings()
    _, notes = load(golden, memory)
    assert memory.asked == []
    assert notes["check_indices"] == "no queue is set up"


@pytest.mark.parametrize("golden", [MODERN, CCW_LEGACY], ids=["pci", "ccw"])
def test_an_index_in_a_queue_without_a_ring_is_refused(golden: Golden) -> None:
    state = changed(changed(state_of(golden), "queues.0.desc", 0), "queues.0.last_avail_idx", 5)
    device = fresh(golden)
    before = deep(device)
    with pytest.raises(IndexMismatch) as caught:
        virtio_load(device, drivers_of(golden), state)
    assert caught.value.where.path.startswith("queues[0].")
    assert deep(device) == before


def test_two_bytes_of_each_index_are_all_that_is_read() -> None:
    memory = rings(NET, state_of(NET), 0, 0)
    load(NET, memory)
    places = ring_places(state_of(NET), "little")
    expected = [(area + 2, 2) for place in places for area in (place.avail, place.used)]
    assert memory.asked == expected
