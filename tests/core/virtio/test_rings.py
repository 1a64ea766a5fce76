"""Where rings lie, in which byte order, and what bits are called."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.core.material import OURS, changed, pick, state_of
from tests.core.virtio.boundaries import header
from tests.golden import Golden
from virtmig.reading import target_endian
from virtmig.virtio.features import ISR, STATUS, bits, feature_names, names
from virtmig.virtio.rings import legacy_ring, ring_places
from virtmig.virtio.subsections import DeviceEndian

MODERN = pick("virtio-blk", lambda s: s.has_feature(32) and not s.has_feature(34))
LEGACY = pick("virtio-blk", lambda s: s.queues[0].desc and not s.has_feature(32))
PACKED = pick("virtio-blk", lambda s: s.has_feature(34))
CCW = pick("virtio-blk", lambda s: s.has_feature(32), arch="s390x")
CCW_LEGACY = pick("virtio-blk", lambda s: s.queues[0].desc and not s.has_feature(32), arch="s390x")


def has_modern_proxy(golden: Golden) -> bool:
    """Whether the guest driver used the virtio 1 interface of a PCI proxy."""
    state = state_of(golden)
    extra = state.subsections.extra_state
    return extra is not None and extra.state.modern_state is not None and state.has_feature(32)


@pytest.mark.parametrize(
    ("num", "desc", "align", "expected"),
    [
        (256, 0x10000, 4096, (0x11000, 0x12000)),
        (256, 0x10000, None, (0x11000, 0x12000)),
        (128, 0x1000, 4096, (0x1800, 0x2000)),
        (128, 0x1000, 64, (0x1800, 0x1940)),
        (1, 0x1000, 4096, (0x1010, 0x2000)),
        (0, 0x1000, 4096, (0, 0)),
        (256, 0x1000, 0, (0, 0)),
    ],
)
def test_a_legacy_ring_follows_from_its_size_and_address(
    num: int, desc: int, align: int | None, expected: tuple[int, int]
) -> None:
    assert legacy_ring(num, desc, align) == expected


@given(num=st.integers(1, 1 << 15), page=st.integers(1, 1 << 20))
def test_the_areas_of_a_legacy_ring_never_overlap(num: int, page: int) -> None:
    desc = page * 4096
    avail, used = legacy_ring(num, desc, None)
    assert desc + 16 * num <= avail
    assert avail + 4 + 2 * num <= used
    assert used % 4096 == 0
    assert used - (avail + 4 + 2 * num) < 4096


@pytest.mark.parametrize("golden", OURS, ids=str)
def test_every_queue_that_is_set_up_has_a_place(golden: Golden) -> None:
    state = state_of(golden)
    places = ring_places(state, target_endian(golden.machine, golden.idstr))
    assert [place.index for place in places] == [
        index for index, queue in enumerate(state.queues) if queue.desc
    ]
    for place in places:
        assert place.num == state.queues[place.index].num
        assert place.desc == state.queues[place.index].desc
        assert place.avail > 0
        assert place.used > 0


@pytest.mark.parametrize("golden", [one for one in OURS if has_modern_proxy(one)], ids=str)
def test_places_agree_with_the_registers_of_the_transport(golden: Golden) -> None:
    """A modern PCI proxy keeps the addresses too, as the guest driver wrote them."""
    state = state_of(golden)
    extra = state.subsections.extra_state
    assert extra is not None
    checked = 0
    for place in ring_places(state, "little"):
        row = extra.state.modern_state.vqs[place.index]
        if row.enabled:
            assert (place.desc, place.avail, place.used) == (row.desc, row.avail, row.used)
            checked += 1
    assert checked or not state.common.status & 4


def test_a_modern_ring_is_little_endian_whatever_the_section_says() -> None:
    """Every modern device on s390x says that it is big endian."""
    assert header("virtio/device_endian") + b"\2" in CCW.payload
    assert {place.endian for place in ring_places(state_of(CCW), "big")} == {"little"}


@pytest.mark.parametrize(
    ("golden", "target", "sent", "expected"),
    [
        (LEGACY, "little", None, "little"),
        (LEGACY, "little", 2, "big"),
        (LEGACY, "big", None, "big"),
        (CCW_LEGACY, "big", None, "big"),
        (CCW_LEGACY, "big", 1, "little"),
        (CCW_LEGACY, "big", 0, "big"),
        (CCW_LEGACY, "big", 9, "big"),
        (MODERN, "little", 2, "little"),
    ],
)
def test_a_legacy_ring_has_the_order_that_was_sent_or_the_machines(
    golden: Golden, target: str, sent: int | None, expected: str
) -> None:
    tail = None if sent is None else DeviceEndian(device_endian=sent)
    state = changed(state_of(golden), "subsections.device_endian", tail)
    places = ring_places(state, target)  # type: ignore[arg-type]
    assert {place.endian for place in places} == {expected}


def test_a_packed_ring_is_said_to_be_packed() -> None:
    assert all(place.packed for place in ring_places(state_of(PACKED), "little"))
    assert not any(place.packed for place in ring_places(state_of(MODERN), "little"))


def test_a_modern_device_without_ring_addresses_has_none() -> None:
    state = changed(state_of(MODERN), "subsections.virtqueues", None)
    assert {(place.avail, place.used) for place in ring_places(state, "little")} == {(0, 0)}


def test_bits_have_the_names_of_the_specification() -> None:
    assert names(0x0F, STATUS) == ["ACKNOWLEDGE", "DRIVER", "DRIVER_OK", "FEATURES_OK"]
    assert names(0xC0, STATUS) == ["NEEDS_RESET", "FAILED"]
    assert names(3, ISR) == ["QUEUE", "CONFIG"]
    assert feature_names(1 << 32 | 1 << 34 | 1 << 28, {}) == [
        "RING_INDIRECT_DESC",
        "VERSION_1",
        "RING_PACKED",
    ]
    assert feature_names(1 << 5 | 1, {0: "CSUM", 5: "MAC"}) == ["CSUM", "MAC"]


def test_a_bit_without_a_name_has_its_number() -> None:
    assert feature_names(1 << 120 | 1 << 23, {}) == ["BIT_23", "BIT_120"]


@given(numbers=st.frozensets(st.integers(0, 130)))
def test_bits_come_in_rising_order(numbers: frozenset[int]) -> None:
    assert list(bits(sum(1 << number for number in numbers))) == sorted(numbers)
