"""Each defect is recognised in sections that real QEMUs wrote, and mended to the byte."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import attrs
import pytest

from tests.core.repairing.patients import golden, look, names, stream_of
from virtmig.errors import BadValue
from virtmig.hooks.registry import Registry
from virtmig.repairing.treating import Examination
from virtmig.testing.goldens import Golden
from virtmig.virtio.defects import release_of
from virtmig.wire.record import evolve

ELEMENT = 49168
"""Bytes of a request without its `ndescs`."""
BLK = golden("virtio-blk", "s390x-7.2-ccw-inflight-write-packed-blk-5bc8")
SERIAL = golden("virtio-serial", "x86-11.1-q35-serial-flood-packed")
POISON = golden("virtio-balloon", "s390x-5.2-ccw-balloon-poison")
RSS = golden("virtio-net", "x86-11.1-q35-net2-rss-net-bd64")
SCREENS = golden("virtio-gpu", "x86-10.0-q35-vga-outputs")
LIVE = golden("virtio-blk", "x86-10.0-q35-net2-blk-41bc")
IDLE = golden("virtio-balloon", "x86-10.0-q35-balloon-all-unstarted")
REGISTRY = Registry()


def new_payload(seen: Examination) -> bytes:
    """That of the one section that was mended."""
    (payload,) = seen.payloads.values()
    return payload


def state_of(one: Golden, payload: bytes | None = None) -> Any:
    """The decoded section."""
    layout = REGISTRY.drivers(one.idstr, one.machine).envelope
    return layout.parse(one.payload() if payload is None else payload, one.version_id)


def rewritten(one: Golden, state: Any) -> bytes:
    """A stream with the section of another state."""
    layout = REGISTRY.drivers(one.idstr, one.machine).envelope
    return stream_of(one, payload=layout.unparse(state, one.version_id))


@pytest.mark.parametrize("one", [BLK, SERIAL], ids=str)
def test_ndescs_moves_behind_the_element(one: Golden) -> None:
    """Four bytes in front of the element stand behind it, and no other byte moves."""
    seen = look(stream_of(one))
    assert names(seen, mended=True) == ["packed-element"]
    old, new = one.payload(), new_payload(seen)
    first = next(n for n, (a, b) in enumerate(zip(old, new, strict=True)) if a != b)
    assert any(
        old[:at] + old[at + 4 : at + 4 + ELEMENT] + old[at : at + 4] + old[at + 4 + ELEMENT :]
        == new
        for at in range(first - 4, first + 1)
    )
    assert not look(stream_of(one, payload=new)).findings


def test_ndescs_of_several_disks_and_requests() -> None:
    """In sections without virtio too, and in each request."""
    disk = golden("virtio-scsi", "x86-11.1-q35-scsi-read-four-packed-scsi-disk")
    controller = golden("virtio-scsi", "x86-11.1-q35-scsi-read-four-packed")
    seen = look(stream_of(disk, controller))
    (finding,) = [one for one in seen.findings if one.concerns]
    assert finding.section.idstr == disk.idstr
    assert finding.diagnosis.found == "`ndescs` in front of the element, in 8 requests"
    assert finding.mended


def test_page_poison_gets_its_name() -> None:
    seen = look(stream_of(POISON))
    assert names(seen, mended=True) == ["balloon-poison-name"]
    wrong, right = b"\x20vitio-balloon-device/", b"\x21virtio-balloon-device/"
    assert new_payload(seen) == POISON.payload().replace(wrong, right)
    again = look(stream_of(POISON, payload=new_payload(seen)))
    assert not any(one.concerns for one in again.findings)


def test_page_poison_is_left_out_for_5_2() -> None:
    """It knows the misspelt name only, and does not find it; the value is not needed."""
    seen = look(stream_of(POISON), "5.2")
    assert names(seen, mended=True) == ["balloon-poison-unreadable"]
    assert state_of(POISON, new_payload(seen)).device.page_poison is None
    assert len(POISON.payload()) - len(new_payload(seen)) == 2 + 32 + 4 + 4


def test_page_poison_that_5_2_would_need_blocks() -> None:
    """A guest that reports free pages relies on their pattern."""
    state = state_of(POISON)
    reporting = evolve(state.subsections.features_64, guest_features=state.guest_features | 1 << 5)
    common = evolve(state.common, guest_features_lo=state.common.guest_features_lo | 1 << 5)
    tails = evolve(state.subsections, features_64=reporting)
    data = rewritten(POISON, attrs.evolve(state, common=common, subsections=tails))
    (blocking,) = look(data, "5.2").blocking
    assert blocking.diagnosis.found == "page poison 0xaaaaaaaa"


def test_page_poison_under_both_names_is_left() -> None:
    """What is meant, nobody can say; it is refused with both values."""
    state = state_of(POISON)
    poison = state_of(POISON, new_payload(look(stream_of(POISON)))).device.page_poison
    both = attrs.evolve(state, device=evolve(state.device, page_poison=poison))
    seen = look(rewritten(POISON, both))
    assert not seen.payloads
    assert [one.diagnosis.why_not for one in seen.blocking] == [
        "under the right name there is one too, 0xaaaaaaaa"
    ]


@pytest.mark.parametrize("target", ["5.2", "7.2", "10.0", "10.2.1"])
def test_rss_is_written_in_the_version_before(target: str) -> None:
    """All but the version and the one field that it added stays; 10.2 knows 128-bit features."""
    seen = look(stream_of(RSS), target)
    assert names(seen, mended=True) == ["newer-state"]
    before, after = state_of(RSS), state_of(RSS, new_payload(seen))
    rss = evolve(before.device.rss, version_id=1, supported_hash_types=None)
    assert after.device == evolve(before.device, rss=rss)
    assert (after.subsections.features_128 is None) is (release_of(target) < (10, 2))


def test_rss_stays_for_a_target_that_knows_it() -> None:
    assert not look(stream_of(RSS), "11.1").findings


def test_hash_types_that_the_target_would_forget_are_named() -> None:
    """Another value than older versions take for granted cannot be left out."""
    state = state_of(RSS)
    rss = evolve(state.device.rss, supported_hash_types=7)
    data = rewritten(RSS, attrs.evolve(state, device=evolve(state.device, rss=rss)))
    (blocking,) = look(data, "10.0").blocking
    assert blocking.diagnosis.path == "device.virtio-net-device/rss"
    assert blocking.diagnosis.why_not == "supported_hash_types = 7 would be lost"


def test_features_above_63_that_a_driver_uses_are_named() -> None:
    state = state_of(RSS)
    high = evolve(state.subsections.features_128, features_hi=6)
    data = rewritten(
        RSS, attrs.evolve(state, subsections=evolve(state.subsections, features_128=high))
    )
    (blocking,) = look(data, "10.0").blocking
    assert blocking.diagnosis.why_not == "features_hi = 6 would be lost"


def test_framebuffers_are_left_out_for_a_qemu_without() -> None:
    seen = look(stream_of(SCREENS), "7.2")
    assert names(seen, mended=True) == ["gpu-framebuffers"]
    before, after = state_of(SCREENS), state_of(SCREENS, new_payload(seen))
    assert sum(one.fb is not None for one in before.outer.scanouts) == 1
    bare = tuple(evolve(one, fb=None) for one in before.outer.scanouts)
    assert after.outer == evolve(before.outer, scanouts=bare)
    assert len(new_payload(seen)) == len(SCREENS.payload()) - 24


def test_a_framebuffer_of_the_only_screen_goes_with_the_machine_type() -> None:
    """QEMU 10.0 reads one for machine types from 9.0 on; with several screens nobody knows."""
    one = golden("virtio-gpu", "s390x-11.1-ccw-gpu")
    seen = look(stream_of(one), "10.0", "s390-ccw-virtio-8.2")
    assert names(seen, mended=True) == ["gpu-framebuffers"]
    assert not look(stream_of(one), "10.0", "s390-ccw-virtio-9.0").findings
    assert not look(stream_of(SCREENS), "10.0", "pc-q35-8.2").payloads


def test_framebuffers_of_several_screens_may_fail_and_do_not_stop() -> None:
    """Chance decides in the target, so it is said and the rest goes on."""
    seen = look(stream_of(SCREENS), "10.0")
    assert names(seen, mended=False) == ["gpu-screens"]
    assert not seen.blocking


def test_rings_that_are_not_set_up_are_shortened() -> None:
    seen = look(stream_of(IDLE), "11.1")
    assert names(seen, mended=True) == ["long-ring"]
    after = state_of(IDLE, new_payload(seen))
    assert [queue.num for queue in after.queues] == [128, 128, 128, 1024, 32]
    assert not look(stream_of(IDLE), "10.0").findings


def test_rings_in_use_are_left_and_block() -> None:
    """Each with the option that makes a target take it."""
    seen = look(stream_of(LIVE), "11.1")
    assert not seen.payloads
    assert [one.diagnosis.path for one in seen.blocking] == ["queues[0].num", "queues[1].num"]
    assert all("queue-size=1024" in one.diagnosis.why_not for one in seen.blocking)


def test_an_idle_ring_beside_one_in_use() -> None:
    """What can be mended is; the other one still blocks."""
    state = state_of(LIVE)
    first, second = state.queues
    idle = evolve(second, desc=0, last_avail_idx=0)
    seen = look(rewritten(LIVE, attrs.evolve(state, queues=(first, idle))), "11.1")
    assert [one.mended for one in seen.findings] == [False, True]
    assert [queue.num for queue in state_of(LIVE, new_payload(seen)).queues] == [1024, 256]


def test_queues_that_no_network_device_has() -> None:
    net = golden("virtio-net", "x86-7.2-q35-rootport-net-3b05")
    state = state_of(net)
    short = attrs.evolve(state, common=evolve(state.common, nq=1), queues=state.queues[:1])
    assert [one.defect.name for one in look(rewritten(net, short)).blocking] == ["net-queue-count"]
    assert not look(stream_of(net)).findings


def test_a_vlan_table_that_an_old_qemu_clears() -> None:
    net = golden("virtio-net", "x86-7.2-q35-rootport-net-3b05")
    state = state_of(net)
    tagged = attrs.evolve(state, device=evolve(state.device, vlans=frozenset({0, 7, 100})))
    (finding,) = look(rewritten(net, tagged), "7.2").findings
    assert finding.diagnosis.found == "VLAN 7, 100"
    assert finding.defect.harm == "lost"
    assert not finding.blocks
    assert not look(rewritten(net, tagged), "10.0").findings


def test_versions_compare_as_numbers() -> None:
    ordered = ["5.2", "7.2", "9.2", "10.0", "10.0.13", "10.2", "11.1"]
    assert all(release_of(one) < release_of(two) for one, two in pairwise(ordered))
    for wrong in ("", "10", "v10.0", "10.0-rc1", "1.2.3.4", "10..0"):
        with pytest.raises(BadValue, match="version of QEMU"):
            release_of(wrong)
