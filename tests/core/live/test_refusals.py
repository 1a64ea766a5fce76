"""A state of another device, or one that no device can be in, is refused by name and place."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import attrs
import pytest

from tests.core.live.deep import deep
from tests.core.material import changed, drivers_of, fresh, pick, state_of
from tests.golden import Golden
from virtmig.errors import DeviceMismatch, FeatureRefused, LoadRefused
from virtmig.live.device import VirtioDevice
from virtmig.live.procedure import virtio_load
from virtmig_blk.state import BlkRequest

BLK = pick("virtio-blk", lambda s: s.has_feature(32) and s.subsections.extra_state)
NET = pick("virtio-net", lambda s: s.device.max_queue_pairs is None and s.has_feature(32))
PAIRS = pick("virtio-net", lambda s: s.device.max_queue_pairs is not None and len(s.queues) == 5)
RSS = pick("virtio-net", lambda s: s.device.rss is not None)
CCW = pick("virtio-net", lambda s: s.has_feature(32), arch="s390x")
BARE = pick("virtio-blk", name="novectors")
MULTI = pick("virtio-blk", lambda s: s.device.requests and s.common.nq == 4)


def refusal(golden: Golden, state: Any, change: Callable[[Any], object] = repr) -> LoadRefused:
    """Why a device, changed in one point, does not take the state; it is left as it was."""
    device = fresh(golden)
    change(device)
    before = deep(device)
    with pytest.raises(LoadRefused) as caught:
        virtio_load(device, drivers_of(golden), state)
    assert deep(device) == before
    return caught.value


@pytest.mark.parametrize(
    ("golden", "bit", "name"),
    [
        (NET, 5, "MAC"),
        (NET, 17, "CTRL_VQ"),
        (RSS, 32, "VERSION_1"),
        (BLK, 9, "FLUSH"),
        (BLK, 28, "RING_INDIRECT_DESC"),
        (CCW, 15, "MRG_RXBUF"),
    ],
)
def test_a_feature_that_is_not_offered_is_named(golden: Golden, bit: int, name: str) -> None:
    def without(device: VirtioDevice) -> None:
        device.host_features &= ~(1 << bit)

    assert state_of(golden).has_feature(bit)
    error = refusal(golden, state_of(golden), without)
    assert isinstance(error, FeatureRefused)
    assert error.reason.endswith(f": {name}")
    assert error.where.path


def test_all_refused_features_are_named_at_once() -> None:
    error = refusal(NET, state_of(NET), lambda device: setattr(device, "host_features", 1 << 40))
    for name in ("MAC", "CTRL_VQ", "VERSION_1", "RING_INDIRECT_DESC"):
        assert name in error.reason


def test_a_device_with_only_low_features_does_not_look_at_the_high_ones() -> None:
    """QEMU drops them silently; what the device then runs with is the low word."""
    device = fresh(NET)
    device.host_features &= 0xFFFFFFFF
    virtio_load(device, drivers_of(NET), state_of(NET))
    assert device.guest_features == state_of(NET).guest_features & 0xFFFFFFFF


def test_more_queues_than_the_device_has_are_refused() -> None:
    error = refusal(PAIRS, state_of(PAIRS), lambda device: device.queues.pop())
    assert isinstance(error, DeviceMismatch)
    assert error.where.path == "common.nq"
    assert "5 queues" in error.reason
    assert "4" in error.reason


def test_a_device_may_have_more_queues_than_were_in_use() -> None:
    device = fresh(NET)
    device.add_queues([64])
    virtio_load(device, drivers_of(NET), state_of(NET))
    assert device.queues[-1].num == 64


@pytest.mark.parametrize("number", [0, 1])
def test_a_ring_larger_than_the_devices_is_refused(number: int) -> None:
    def smaller(device: VirtioDevice) -> None:
        queue = device.queues[number]
        queue.num = queue.num_default = queue.num // 2

    error = refusal(NET, state_of(NET), smaller)
    assert isinstance(error, DeviceMismatch)
    assert error.where.path == f"queues[{number}].num"


def test_a_smaller_ring_is_taken_and_the_default_kept() -> None:
    device = fresh(NET)
    for queue in device.queues:
        queue.num_default = 1024
    state = changed(state_of(NET), "subsections.ringsize", None)
    virtio_load(device, drivers_of(NET), state)
    assert [queue.num for queue in device.queues] == [queue.num for queue in state.queues]
    assert {queue.num_default for queue in device.queues} == {1024}


VECTORS = [
    (BLK, "config.config_vector", "config.config_vector"),
    (BLK, "queues.0.transport.vector", "queues[0].vector"),
    (PAIRS, "queues.4.transport.vector", "queues[4].vector"),
]


@pytest.mark.parametrize(("golden", "field", "path"), VECTORS)
def test_a_vector_that_the_table_does_not_have_is_refused(
    golden: Golden, field: str, path: str
) -> None:
    vectors = len(state_of(golden).config.msix_table)
    for vector in (vectors, vectors + 1, 0xFFFE):
        error = refusal(golden, changed(state_of(golden), field, vector))
        assert isinstance(error, DeviceMismatch)
        assert error.where.path == path
        assert f"vector {vector} of {vectors}" in error.reason


@pytest.mark.parametrize(("golden", "field", "path"), VECTORS)
def test_the_last_vector_and_none_are_taken(golden: Golden, field: str, path: str) -> None:
    vectors = len(state_of(golden).config.msix_table)
    for vector in (0, vectors - 1, 0xFFFF):
        device = fresh(golden)
        virtio_load(device, drivers_of(golden), changed(state_of(golden), field, vector))


@pytest.mark.parametrize(
    ("golden", "field", "value", "path"),
    [
        (BLK, "config.header.vendor_id", 0x1234, "config.header.vendor_id"),
        (BLK, "config.header.device_id", 0x1000, "config.header.device_id"),
        (BLK, "config.header.revision_id", 7, "config.header.revision_id"),
        (BLK, "config.header.class_id", 0x200, "config.header.class_id"),
        (BLK, "config.header.prog_if", 9, "config.header.prog_if"),
        (BLK, "config.header.capabilities_pointer", 0x44, "config.header.capabilities_pointer"),
        (BLK, "config.version_id", 3, "config.version_id"),
        (BLK, "config.version_id", -1, "config.version_id"),
        (CCW, "config.sch.cssid", 1, "config.sch.cssid"),
        (CCW, "config.sch.ssid", 3, "config.sch.ssid"),
        (CCW, "config.sch.devno", 0xFFFF, "config.sch.devno"),
    ],
)
def test_a_proxy_of_another_device_is_refused(
    golden: Golden, field: str, value: int, path: str
) -> None:
    error = refusal(golden, changed(state_of(golden), field, value))
    assert isinstance(error, DeviceMismatch)
    assert error.where.path == path


def test_a_subchannel_may_have_another_number() -> None:
    """QEMU moves the device there."""
    state = changed(state_of(CCW), "config.sch.schid", 77)
    device = fresh(CCW)
    virtio_load(device, drivers_of(CCW), state)
    assert device.transport.sch.schid == 77  # type: ignore[attr-defined]


def test_another_number_of_vectors_is_another_device() -> None:
    for vectors in (1, 9):
        error = refusal(
            BLK,
            state_of(BLK),
            lambda device, vectors=vectors: setattr(device.transport, "vectors", vectors),
        )
        assert isinstance(error, DeviceMismatch)
        assert error.where.path == "config.msix_table"
    error = refusal(BARE, state_of(BARE), lambda device: setattr(device.transport, "vectors", 2))
    assert "0 MSI-X vectors in the stream" in error.reason


def test_a_legacy_proxy_has_no_place_for_modern_registers() -> None:
    error = refusal(BLK, state_of(BLK), lambda device: setattr(device.transport, "modern", None))
    assert isinstance(error, DeviceMismatch)
    assert "virtio 1" in error.reason


@pytest.mark.parametrize(
    ("golden", "change", "path"),
    [
        (PAIRS, ("max_queue_pairs", 4), "device.max_queue_pairs"),
        (PAIRS, ("max_queue_pairs", None), "device.max_queue_pairs"),
        (NET, ("max_queue_pairs", 2), "device.max_queue_pairs"),
        (RSS, ("has_vnet_hdr", 0), "device.has_vnet_hdr"),
        (RSS, ("has_ufo", 0), "device.has_ufo"),
    ],
)
def test_a_backend_of_another_kind_is_refused(
    golden: Golden, change: tuple[str, Any], path: str
) -> None:
    assert state_of(RSS).device.has_vnet_hdr
    error = refusal(golden, state_of(golden), lambda device: setattr(device, *change))
    assert isinstance(error, DeviceMismatch)
    assert error.where.path == path


def test_more_pairs_in_use_than_there_are_are_refused() -> None:
    error = refusal(PAIRS, changed(state_of(PAIRS), "device.curr_queue_pairs", 3))
    assert error.where.path == "device.curr_queue_pairs"


@pytest.mark.parametrize("length", [0, 3, 127, 129, 256, 0xFFFF])
def test_an_rss_table_has_a_power_of_two_up_to_128_entries(length: int) -> None:
    rss = attrs.evolve(
        state_of(RSS).device.rss, indirections_len=length, indirections=(0,) * length
    )
    error = refusal(RSS, changed(state_of(RSS), "device.rss", rss))
    assert isinstance(error, DeviceMismatch)
    assert error.where.path.endswith("rss.indirections_len")


@pytest.mark.parametrize("length", [1, 2, 64, 128])
def test_an_rss_table_of_a_good_length_is_taken(length: int) -> None:
    rss = attrs.evolve(
        state_of(RSS).device.rss, indirections_len=length, indirections=(0,) * length
    )
    virtio_load(fresh(RSS), drivers_of(RSS), changed(state_of(RSS), "device.rss", rss))


@pytest.mark.parametrize("queue", [4, 5, 0xFFFFFFFF])
def test_a_request_of_a_queue_that_is_not_there_is_refused(queue: int) -> None:
    last = len(state_of(MULTI).device.requests) - 1
    state = changed(state_of(MULTI), f"device.requests.{last}.queue_index", queue)
    error = refusal(MULTI, state)
    assert isinstance(error, DeviceMismatch)
    assert error.where.path == f"device.requests[{last}].queue_index"


def test_a_request_of_the_last_queue_is_taken() -> None:
    state = changed(state_of(MULTI), "device.requests.0.queue_index", 3)
    device = fresh(MULTI)
    virtio_load(device, drivers_of(MULTI), state)
    request: BlkRequest = device.requests[0]  # type: ignore[attr-defined]
    assert request.queue_index == 3


def test_a_state_that_contradicts_itself_is_refused() -> None:
    """Its number of queues comes from the bytes, but a state can be made by hand."""
    queues = state_of(BLK).queues
    for wrong in (queues * 5, ()):
        error = refusal(BLK, attrs.evolve(state_of(BLK), queues=wrong))
        assert error.where.path in ("common.nq", "queues")
