"""What a live device holds after a load, and what it says when it is saved again."""

from __future__ import annotations

from typing import Any

import attrs
import pytest

from tests.core.live.deep import deep
from tests.core.material import (
    OURS,
    changed,
    drivers_of,
    envelope_of,
    fresh,
    loaded,
    pick,
    state_of,
)
from tests.golden import Golden
from virtmig.live.device import VirtioDevice
from virtmig.live.procedure import virtio_load, virtio_save
from virtmig.virtio.subsections import Broken, DeviceEndian, Disabled, Features128

goldens = pytest.mark.parametrize("golden", OURS, ids=str)
TOLD = [golden for golden in OURS if "status" in golden.truth]
BLK = pick("virtio-blk", lambda s: s.has_feature(32) and s.subsections.started)
NET2 = pick("virtio-net", lambda s: len(s.queues) == 5 and all(q.desc for q in s.queues))
NET2_UNSTARTED = pick(
    "virtio-net", lambda s: len(s.queues) == 5 and not any(q.desc for q in s.queues)
)


def saved(device: VirtioDevice, golden: Golden) -> bytes:
    return envelope_of(golden).unparse(virtio_save(device, drivers_of(golden)), golden.version_id)


@goldens
def test_saving_changes_nothing_and_can_be_done_again(golden: Golden) -> None:
    device = loaded(golden)
    before = deep(device)
    assert saved(device, golden) == saved(device, golden) == golden.payload
    assert deep(device) == before


@goldens
def test_a_device_as_just_plugged_in_holds_none_of_the_state(golden: Golden) -> None:
    """The blueprint gives properties only, or the tests of loading would show nothing."""
    device = fresh(golden)
    assert (device.status, device.isr, device.queue_sel, device.guest_features) == (0, 0, 0, 0)
    assert not any(device.config)
    assert (device.started, device.broken, device.disabled) == (False, False, False)
    for queue in device.queues:
        assert (queue.desc, queue.avail, queue.used, queue.last_avail_idx) == (0, 0, 0, 0)
    assert not getattr(device, "requests", ())
    assert not any(getattr(device, "mac", b""))


@goldens
def test_a_load_makes_the_same_device_every_time(golden: Golden) -> None:
    device = loaded(golden)
    once = deep(device)
    virtio_load(device, drivers_of(golden), state_of(golden))
    assert deep(device) == once


@pytest.mark.parametrize("golden", TOLD, ids=str)
def test_a_live_device_agrees_with_what_the_monitor_said_of_it(golden: Golden) -> None:
    truth, device = golden.truth, loaded(golden)
    assert device.status == truth["status"]
    assert device.isr == truth["isr"]
    assert device.queue_sel == truth["queue_sel"]
    assert device.guest_features == truth["guest_features"]
    assert device.started is truth["started"]
    assert device.broken is truth["broken"]
    assert device.disabled is truth["disabled"]
    assert {1: "little", 2: "big"}[device.device_endian] == truth["endian"]
    assert len(device.active_queues) == truth["num_queues"]
    for queue, told in zip(device.queues, truth["queues"], strict=False):
        for name in ("num", "num_default", "desc", "last_avail_idx"):
            assert getattr(queue, name) == told[name], (queue.index, name)
        if told["desc"]:
            assert (queue.avail, queue.used) == (told["avail"], told["used"])
        if device.has_feature(34):
            assert queue.inuse == told["inuse"]


@pytest.mark.parametrize(
    "golden",
    [one for one in OURS if one.device == "virtio-net" and "rx_filter" in one.truth],
    ids=str,
)
def test_a_live_network_device_has_the_filter_that_the_monitor_showed(golden: Golden) -> None:
    told, device = golden.truth["rx_filter"], loaded(golden)
    live: Any = device
    assert live.mac.hex(":") == told["main_mac"]
    assert bool(live.promisc) is told["promiscuous"]
    macs = [mac.hex(":") for mac in live.mac_table_macs]
    assert sorted(macs[: live.first_multi]) == sorted(told["unicast_table"])
    assert sorted(macs[live.first_multi :]) == sorted(told["multicast_table"])
    assert bool(live.mac_table_multi_overflow) is told["multicast_overflow"]
    assert bool(live.mac_table_uni_overflow) is told["unicast_overflow"]


def test_a_table_that_is_shorter_clears_what_it_does_not_hold() -> None:
    """The bytes hold 1,024 rows; those of the zero tail are loaded too, as zeros."""
    device = loaded(NET2)
    assert all(queue.avail for queue in device.queues)
    device.host_features = fresh(NET2_UNSTARTED).host_features | fresh(NET2).host_features
    virtio_load(device, drivers_of(NET2_UNSTARTED), state_of(NET2_UNSTARTED))
    assert [queue.avail for queue in device.queues] == [0] * len(device.queues)
    assert [queue.used for queue in device.queues] == [0] * len(device.queues)


def test_the_local_configuration_space_keeps_its_length() -> None:
    """Longer input is dropped, and of shorter input the tail stays: the stream's is a cache."""
    device = fresh(BLK)
    device.config = b"\xaa" * 10
    virtio_load(device, drivers_of(BLK), state_of(BLK))
    assert device.config == state_of(BLK).common.config[:10]
    device = fresh(BLK)
    device.config = b"\xaa" * 100
    virtio_load(device, drivers_of(BLK), state_of(BLK))
    length = state_of(BLK).common.config_len
    assert device.config == state_of(BLK).common.config + b"\xaa" * (100 - length)


@pytest.mark.parametrize(
    ("target", "sent", "expected"),
    [
        ("little", None, 1),
        ("big", None, 2),
        ("little", 2, 2),
        ("big", 1, 1),
        ("little", 0, 1),
        ("big", 0, 2),
        ("little", 9, 9),
    ],
)
def test_endianness_is_what_was_sent_or_the_machines(
    target: Any, sent: int | None, expected: int
) -> None:
    device = fresh(BLK)
    device.target_endian = target
    tail = None if sent is None else DeviceEndian(device_endian=sent)
    state = changed(state_of(BLK), "subsections.device_endian", tail)
    virtio_load(device, drivers_of(BLK), state)
    assert device.device_endian == expected


def test_an_endianness_of_an_earlier_life_is_forgotten() -> None:
    device = loaded(BLK)
    device.device_endian = 2
    state = changed(state_of(BLK), "subsections.device_endian", None)
    virtio_load(device, drivers_of(BLK), state)
    assert device.device_endian == 1


@pytest.mark.parametrize("started", [True, False])
def test_a_modern_device_is_not_started_by_a_kick(started: bool) -> None:
    tail = state_of(BLK).subsections.started if started else None
    device = fresh(BLK)
    virtio_load(device, drivers_of(BLK), changed(state_of(BLK), "subsections.started", tail))
    assert device.started is started
    assert not device.start_on_kick


def test_a_legacy_device_that_is_not_started_is_started_by_a_kick() -> None:
    golden = pick("virtio-blk", lambda s: s.queues[0].desc and not s.has_feature(32))
    for tail in (state_of(BLK).subsections.started, None):
        device = fresh(golden)
        state = changed(state_of(golden), "subsections.started", tail)
        virtio_load(device, drivers_of(golden), state)
        assert device.start_on_kick is (tail is None)


def test_signals_and_notifications_are_as_after_a_load() -> None:
    device = fresh(NET2)
    for queue in device.queues:
        queue.signalled_used_valid, queue.notification = True, False
    virtio_load(device, drivers_of(NET2), state_of(NET2))
    assert {(queue.signalled_used_valid, queue.notification) for queue in device.queues} == {
        (False, True)
    }


def test_128_features_go_through_a_live_device() -> None:
    state = changed(state_of(BLK), "subsections.features_128", Features128(features_hi=1 << 5 | 1))
    device = fresh(BLK)
    device.host_features |= 1 << 69 | 1 << 64
    virtio_load(device, drivers_of(BLK), state)
    assert device.has_feature(64)
    assert device.has_feature(69)
    assert not device.has_feature(68)
    assert virtio_save(device, drivers_of(BLK)).subsections == state.subsections


@pytest.mark.parametrize(
    "tail", [Broken(broken=True), Disabled(disabled=True)], ids=["broken", "disabled"]
)
def test_a_device_that_gave_up_says_so_when_it_is_saved(tail: Any) -> None:
    name = attrs.fields(type(tail))[0].name
    state = changed(state_of(BLK), f"subsections.{name}", tail)
    device = fresh(BLK)
    virtio_load(device, drivers_of(BLK), state)
    assert virtio_save(device, drivers_of(BLK)).subsections == state.subsections


def test_a_change_of_the_live_device_is_in_what_is_saved() -> None:
    device: Any = loaded(NET2)
    device.mac = b"\x02\x00\x00\x00\x00\x01"
    device.queues[1].last_avail_idx = 4242
    device.status |= 0x40
    found = envelope_of(NET2).parse(saved(device, NET2), NET2.version_id)
    assert found.device.mac == b"\x02\x00\x00\x00\x00\x01"
    assert found.queues[1].last_avail_idx == 4242
    assert found.common.status == state_of(NET2).common.status | 0x40
    assert attrs.evolve(found.device, mac=state_of(NET2).device.mac) == state_of(NET2).device
