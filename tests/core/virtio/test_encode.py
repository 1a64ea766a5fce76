"""A state that contradicts its own layout is not written, and the error says where it does."""

from __future__ import annotations

from typing import Any

import attrs
import pytest

from tests.core.material import OURS, changed, envelope_of, facts_of, pick, state_of
from tests.golden import Golden
from virtmig.errors import ConditionMismatch, CountMismatch, EncodeError, OutOfRange
from virtmig.virtio.state import VirtioState
from virtmig.virtio.subsections import Broken, ExtraState, RingAddresses, Started, VirtQueues

BLK = pick("virtio-blk", name="7.2-q35")
NET = pick("virtio-net", lambda s: s.device.mac_table_in_use > 1, name="7.2-q35")
PAIRS = pick(
    "virtio-net", lambda s: s.device.max_queue_pairs is not None and s.device.curr_queue_pairs > 1
)
RSS = pick("virtio-net", lambda state: state.device.rss is not None)
BARE = pick("virtio-blk", name="novectors")
CCW = pick("virtio-blk", arch="s390x")
REQUEST = pick("virtio-blk", lambda state: state.device.requests and state.common.nq == 1)
MULTI = pick("virtio-blk", lambda state: state.device.requests and state.common.nq > 1)


def refused(golden: Golden, state: VirtioState) -> EncodeError:
    with pytest.raises(EncodeError) as caught:
        envelope_of(golden).unparse(state, golden.version_id)
    return caught.value


COUNTS = [
    (BLK, "common.config", b"", "common.config"),
    (BLK, "common.config_len", 3, "common.config"),
    (BLK, "common.nq", 0, "queues"),
    (BLK, "common.nq", 7, "queues"),
    (BLK, "queues", (), "queues"),
    (NET, "device.mac_table_in_use", 1, "device.mac_table_macs"),
    (NET, "device.mac_table_macs", (), "device.mac_table_macs"),
    (PAIRS, "device.curr_queue_pairs", 9, "device.tx_waiting_more"),
    (PAIRS, "device.tx_waiting_more", (), "device.tx_waiting_more"),
    (RSS, "device.rss.indirections_len", 64, "device.virtio-net-device/rss.indirections"),
    (BLK, "config.msix_pba", b"", "config.msix_pba"),
    (BLK, "config.msix_table", (), "config.msix_table"),
    (BLK, "config.irq_state", (0, 0, 0), "config.irq_state"),
    (BLK, "config.config_rest", bytes(191), "config.config_rest"),
]


@pytest.mark.parametrize(
    ("golden", "field", "value", "path"), COUNTS, ids=lambda one: str(one)[:40]
)
def test_a_count_that_is_wrong_is_refused(
    golden: Golden, field: str, value: Any, path: str
) -> None:
    error = refused(golden, changed(state_of(golden), field, value))
    assert isinstance(error, CountMismatch)
    assert error.where.path == path


CONDITIONS = [
    (BLK, "config.msix_table", None, "config.msix_table"),
    (BLK, "config.config_vector", None, "config.config_vector"),
    (BARE, "config.config_vector", 0, "config.config_vector"),
    (BARE, "config.msix_pba", b"\0", "config.msix_pba"),
    (BLK, "queues.0.transport.vector", None, "queues[0].vector"),
    (BARE, "queues.0.transport.vector", 0, "queues[0].vector"),
    (BLK, "queues.0.align", 4096, "queues[0].align"),
    (CCW, "queues.0.align", 4096, "queues[0].align"),
    (NET, "device.max_queue_pairs", 1, "device.max_queue_pairs"),
    (NET, "device.tx_waiting_more", (), "device.tx_waiting_more"),
    (PAIRS, "device.max_queue_pairs", None, "device.max_queue_pairs"),
    (PAIRS, "device.curr_queue_pairs", None, "device.curr_queue_pairs"),
    (NET, "device.curr_guest_offloads", None, "device.curr_guest_offloads"),
    (NET, "common.guest_features_lo", 0, "device.curr_guest_offloads"),
    (REQUEST, "device.requests.0.queue_index", 0, "device.requests[0].queue_index"),
    (MULTI, "device.requests.0.queue_index", None, "device.requests[0].queue_index"),
    (REQUEST, "device.requests.0.elem.ndescs_behind", 1, "device.requests[0].elem.ndescs_behind"),
]


@pytest.mark.parametrize(
    ("golden", "field", "value", "path"), CONDITIONS, ids=lambda one: str(one)[:40]
)
def test_a_field_that_is_there_against_its_condition_is_refused(
    golden: Golden, field: str, value: Any, path: str
) -> None:
    error = refused(golden, changed(state_of(golden), field, value))
    assert isinstance(error, ConditionMismatch)
    assert error.where.path == path


RANGES = [
    (BLK, "common.status", 256, "common.status"),
    (BLK, "common.queue_sel", 1024, "common.queue_sel"),
    (BLK, "common.guest_features_lo", 1 << 32, "common.guest_features_lo"),
    (BLK, "common.isr", None, "common.isr"),
    (BLK, "queues.0.num", -1, "queues[0].num"),
    (BLK, "queues.0.desc", 1 << 64, "queues[0].desc"),
    (BLK, "queues.0.transport.vector", 1 << 16, "queues[0].vector"),
    (BLK, "config.header.vendor_id", 1 << 16, "config.header.vendor_id"),
    (BLK, "config.header.reserved", b"", "config.header.reserved"),
    (BLK, "config.irq_state", (0, 2, 0, 0), "config.irq_state[1]"),
    (CCW, "config.sch.thinint_active", 1, "config.sch.thinint_active"),
    (CCW, "config.sch.curr_status.pmcw.chpid", b"1", "config.sch.curr_status.pmcw.chpid"),
    (NET, "device.mac", b"12345", "device.mac"),
    (NET, "device.mac_table_macs.1", b"", "device.mac_table_macs[1]"),
    (NET, "device.vlans", frozenset({4096}), "device.vlans"),
    (RSS, "device.rss.enabled", 1, "device.virtio-net-device/rss.enabled"),
    (RSS, "device.rss.indirections.5", 1 << 16, "device.virtio-net-device/rss.indirections[5]"),
    (
        REQUEST,
        "device.requests.0.elem.in_num",
        1025,
        "device.requests[0].elem.in_num",
    ),
    (
        BLK,
        "subsections.started",
        Started(started=2),  # type: ignore[arg-type]
        "subsections.virtio/started.started",
    ),
    (
        BLK,
        "subsections.virtqueues",
        VirtQueues(vq=(RingAddresses(avail=-1, used=0),)),
        "subsections.virtio/virtqueues.vq[0].avail",
    ),
    (
        BLK,
        "subsections.virtqueues",
        VirtQueues(vq=(RingAddresses(avail=1, used=1),) * 1025),
        "subsections.virtio/virtqueues.vq",
    ),
    (BLK, "subsections.started", Broken(broken=True), "subsections.virtio/started"),
    (CCW, "subsections.extra_state", ExtraState(state=None), "subsections.virtio/extra_state"),
]


@pytest.mark.parametrize(
    ("golden", "field", "value", "path"), RANGES, ids=lambda one: str(one)[:40]
)
def test_a_value_that_its_field_cannot_hold_is_refused(
    golden: Golden, field: str, value: Any, path: str
) -> None:
    error = refused(golden, changed(state_of(golden), field, value))
    assert isinstance(error, OutOfRange)
    assert error.where.path.startswith(path)


@pytest.mark.parametrize("part", ["config", "common", "queues", "device", "subsections"])
@pytest.mark.parametrize("wrong", [None, 5, "text", Started(started=True)], ids=str)
def test_a_part_of_another_kind_is_refused(part: str, wrong: Any) -> None:
    error = refused(BLK, attrs.evolve(state_of(BLK), **{part: wrong}))
    assert error.where.path.split(".")[0] == part


@pytest.mark.parametrize("part", ["config", "device"])
def test_a_part_of_another_plugin_is_refused(part: str) -> None:
    """Or a section with a ccw proxy would be written for a PCI device."""
    other = getattr(state_of(CCW if part == "config" else NET), part)
    error = refused(BLK, attrs.evolve(state_of(BLK), **{part: other}))
    assert isinstance(error, OutOfRange)
    assert error.where.path == part


def test_all_rows_of_a_part_are_checked_and_not_only_the_first() -> None:
    queues = tuple(
        attrs.evolve(queue, transport=attrs.evolve(queue.transport, vector=None))
        for queue in state_of(BLK).queues
    )
    error = refused(BLK, attrs.evolve(state_of(BLK), queues=queues))
    assert isinstance(error, ConditionMismatch)
    assert error.where.path == "queues[0].vector"


@pytest.mark.parametrize("step", [-1, 1])
def test_a_version_that_the_driver_does_not_declare_is_not_written(step: int) -> None:
    with pytest.raises(EncodeError):
        envelope_of(BLK).unparse(state_of(BLK), BLK.version_id + step)


@pytest.mark.parametrize("golden", OURS[::11], ids=str)
def test_a_state_without_its_facts_is_written_if_nothing_depends_on_them(golden: Golden) -> None:
    """The bytes follow from the values; only the host's byte order has to be known."""
    bare = attrs.evolve(state_of(golden), facts=())
    if "host_byteorder" in facts_of(golden):
        bare = attrs.evolve(
            bare, facts=tuple(f for f in state_of(golden).facts if f.name == "host_byteorder")
        )
    assert envelope_of(golden).unparse(bare, golden.version_id) == golden.payload
