"""Requests in flight that are finished: every byte in guest memory, and no other."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import attrs
import pytest

from tests.core.repairing.patients import REGISTRY, golden
from tests.core.stream.building import PAGE, Device, Recipe, page_item, zero_item
from virtmig.errors import GuestMemoryError, Unloadable, UnsafeEdit
from virtmig.guest.memory import guest_memory
from virtmig.reading import Decoded, read_devices
from virtmig.repairing import telling
from virtmig.repairing.treating import Examination, examine
from virtmig.stream.opening import Stream, open_stream
from virtmig.testing.goldens import Golden
from virtmig.virtio.defects import Target
from virtmig.virtio.finishing import Outcome, device_writable
from virtmig.virtio.rings import RingPlace, ring_places
from virtmig.wire.record import evolve

SPLIT = golden("virtio-blk", "x86-11.1-q35-inflight-read-blk4-blk-640e")
PACKED = golden("virtio-blk", "s390x-7.2-ccw-inflight-write-packed-blk-5bc8")
BOTH = pytest.mark.parametrize("one", [SPLIT, PACKED], ids=["split", "packed"])
RAM = 128 << 20


def layout_of(one: Golden) -> Any:
    return REGISTRY.drivers(one.idstr, one.machine).envelope


def state_of(one: Golden) -> Any:
    return layout_of(one).parse(one.payload(), one.version_id)


def statuses(state: Any) -> list[int]:
    """Where the guest looks for the status of each request."""
    ends = (device_writable(request.elem)[-1] for request in state.device.requests)
    return [address + length - 1 for address, length in ends]


def stream_of(
    one: Golden, state: Any | None = None, *, stored: bool = True, used_idx: int = 0
) -> bytes:
    """A stream whose RAM has the pages of rings and statuses, with noise in them."""
    state = state or state_of(one)
    memory: dict[int, bytearray] = {}
    for place in ring_places(state, "big"):
        _page(memory, place.desc)
        page = _page(memory, place.used)
        at = place.used % PAGE + 2
        page[at : at + 2] = used_idx.to_bytes(2, "little")
    for address in statuses(state):
        _page(memory, address)
    name = "s390.ram" if one.machine.startswith("s390") else "pc.ram"
    zero = () if stored else {address // PAGE for address in statuses(state)}
    items = [
        zero_item(name, page) if page in zero else page_item(name, page, bytes(memory[page]))
        for page in sorted(memory)
    ]
    items[0] = attrs.evolve(items[0], named=True)
    payload = layout_of(one).unparse(state, one.version_id)
    device = Device(one.idstr, payload, version=one.version_id)
    return Recipe(
        machine=one.machine, blocks={name: RAM}, items=tuple(items), devices=(device,)
    ).build()


def _page(memory: dict[int, bytearray], address: int) -> bytearray:
    number = address // PAGE
    return memory.setdefault(number, bytearray(random.Random(number).randbytes(PAGE)))  # noqa: S311


def finished(stream: Stream, outcome: Outcome = "error") -> Examination:
    return examine(stream, REGISTRY, Target(), outcome=outcome)


def device_in(stream: Stream) -> Any:
    (found,) = read_devices(stream, REGISTRY)
    assert isinstance(found, Decoded)
    return found.state


@BOTH
@pytest.mark.parametrize(("outcome", "status"), [("error", 1), ("ok", 0)])
def test_the_guest_finds_a_status_and_no_request_is_left(
    one: Golden, outcome: Outcome, status: int, tmp_path: Path
) -> None:
    before = state_of(one)
    stream = Stream.from_bytes(stream_of(one))
    stream.write(tmp_path / "new.mig", finished(stream, outcome).edits)
    with open_stream(tmp_path / "new.mig") as new:
        memory = guest_memory(new)
        assert [memory.read(at, 1)[0] for at in statuses(before)] == [status] * len(
            before.device.requests
        )
        after = device_in(new)
        assert after.device.requests == ()
        assert after.common.isr & 1
        assert after.queues == before.queues


def rings_of(state: Any) -> dict[int, RingPlace]:
    return {place.index: place for place in ring_places(state, "little")}


def test_chains_are_given_back_in_the_used_ring(tmp_path: Path) -> None:
    """Behind what the device had used before, across the end of the ring and of 16 bits."""
    before = state_of(SPLIT)
    old = Stream.from_bytes(stream_of(SPLIT, used_idx=0xFFFF))
    old.write(tmp_path / "new.mig", finished(old).edits)
    with open_stream(tmp_path / "new.mig") as new:
        memory = guest_memory(new)
        for index, ring in rings_of(before).items():
            mine = [r for r in before.device.requests if (r.queue_index or 0) == index]
            assert memory.read(ring.used + 2, 2) == ((0xFFFF + len(mine)) & 0xFFFF).to_bytes(
                2, "little"
            )
            for number, request in enumerate(mine, 0xFFFF):
                place = ring.used + 4 + 8 * (number % ring.num)
                length = sum(size for _, size in device_writable(request.elem))
                expected = request.elem.index.to_bytes(4, "little") + length.to_bytes(4, "little")
                assert memory.read(place, 8) == expected


def test_chains_of_a_packed_ring_are_marked_used(tmp_path: Path) -> None:
    before = state_of(PACKED)
    old = Stream.from_bytes(stream_of(PACKED))
    old.write(tmp_path / "new.mig", finished(old).edits)
    (request,) = before.device.requests
    (ring,) = rings_of(before).values()
    row = before.subsections.packed_virtqueues.vq[0]
    with open_stream(tmp_path / "new.mig") as new:
        entry = guest_memory(new).read(ring.desc + 16 * row.used_idx, 16)
        moved = device_in(new).subsections.packed_virtqueues.vq[0]
    assert entry[:8] == guest_memory(old).read(ring.desc + 16 * row.used_idx, 8)
    assert int.from_bytes(entry[12:14], "little") == request.elem.index
    assert int.from_bytes(entry[14:16], "little") == (0x8080 if row.used_wrap_counter else 0)
    assert moved == evolve(
        row, used_idx=row.used_idx + request.elem.ndescs, inuse=row.inuse - request.elem.ndescs
    )


@BOTH
def test_nothing_else_in_memory_changes(one: Golden) -> None:
    """The new bytes are those of statuses and rings alone."""
    stream = Stream.from_bytes(stream_of(one))
    spans = finished(stream).edits.spans
    requests, rings = len(state_of(one).device.requests), len(rings_of(state_of(one)))
    packed = one is PACKED
    assert sum(map(len, spans)) == requests * (1 + 8) + (0 if packed else 2 * rings)
    assert all(len(place) == len(content) for place, content in spans.items())


def test_the_interrupt_is_pending_for_the_target() -> None:
    """A PCI device with MSI-X: QEMU sends the message of each such vector when it loads it."""
    stream = Stream.from_bytes(stream_of(SPLIT))
    (payload,) = finished(stream).payloads.values()
    after = layout_of(SPLIT).parse(payload, SPLIT.version_id)
    vectors = {
        after.queues[r.queue_index].transport.vector for r in state_of(SPLIT).device.requests
    }
    assert {bit for bit in range(8) if after.config.msix_pba[0] >> bit & 1} == vectors


def test_a_page_that_is_not_stored_as_it_is_stops_it() -> None:
    """A page of zeros has no bytes in the file that could be others."""
    stream = Stream.from_bytes(stream_of(SPLIT, stored=False))
    with pytest.raises(GuestMemoryError, match="not stored as it is"):
        finished(stream)


def test_requests_that_are_to_come_back_in_order_stop_it() -> None:
    state = state_of(SPLIT)
    tails = state.subsections
    features = evolve(tails.features_64, guest_features=tails.features_64.guest_features | 1 << 35)
    ordered = attrs.evolve(state, subsections=evolve(tails, features_64=features))
    with pytest.raises(Unloadable, match="in order"):
        finished(Stream.from_bytes(stream_of(SPLIT, ordered)))


def test_a_request_of_a_ring_that_is_not_there_stops_it() -> None:
    state = state_of(SPLIT)
    queues = tuple(evolve(queue, desc=0, last_avail_idx=0) for queue in state.queues)
    data = stream_of(SPLIT)
    payload = layout_of(SPLIT).unparse(attrs.evolve(state, queues=queues), SPLIT.version_id)
    assert data.count(SPLIT.payload()) == 1
    with pytest.raises(Unloadable, match="not set up"):
        finished(Stream.from_bytes(data.replace(SPLIT.payload(), payload)))


def test_to_say_that_it_was_carried_out_is_unsafe() -> None:
    stream = Stream.from_bytes(stream_of(SPLIT))
    with pytest.raises(UnsafeEdit, match="believes that its data were written"):
        telling.permit(finished(stream, "ok"), unsafe=False)
    telling.permit(finished(stream, "ok"), unsafe=True)
    telling.permit(finished(stream, "error"), unsafe=False)
