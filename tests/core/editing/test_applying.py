"""What is asked for is what comes out, with what follows from it, or it is refused."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.core.editing.asking import outcome, planned
from virtmig.editing.devices import Device
from virtmig.errors import BadValue, Contradiction, EditError, NoSuchPath
from virtmig.hooks.registry import Registry
from virtmig.stream.opening import Stream, open_stream

OFFLOADS = "virtio-net:common.guest_features"
WORDS = (
    "common.guest_features_lo",
    "subsections.virtio/64bit_features.guest_features",
    "subsections.virtio/extra_state.virtio_pci/modern_state.guest_features",
)


def test_only_what_was_asked_for_changes(x86: Stream, registry: Registry):
    plan = planned(x86, registry, "device.mac=52:54:00:aa:bb:cc")
    assert outcome(plan) == {"device.mac": ("52:54:00:12:34:56", "52:54:00:aa:bb:cc")}
    ((section, payload),) = plan.edits.payloads.items()
    old = x86.payload(section)
    differing = [
        at for at, (one, other) in enumerate(zip(old, payload, strict=True)) if one != other
    ]
    assert differing == list(range(differing[0], differing[0] + 3))


def test_counts_follow_what_they_count(x86: Stream, registry: Registry):
    plan = planned(x86, registry, 'device.mac_table_macs=["52:54:00:00:00:01"]')
    assert outcome(plan)["device.mac_table_in_use"] == (2, 1)
    follows = next(one for one in plan.changes if one.path == "device.mac_table_in_use")
    assert "mac_table_macs" in follows.consequence


def test_a_feature_changes_in_every_word_and_in_what_depends_on_it(
    x86: Stream, registry: Registry, net: Device
):
    plan = planned(x86, registry, "virtio-net:common.guest_features-=CTRL_GUEST_OFFLOADS")
    found = outcome(plan)
    assert set(found) == {*WORDS, "device.curr_guest_offloads"}
    for path in WORDS:
        old, new = found[path]
        assert isinstance(old, int)
        assert new == old & ~(1 << 2)
    assert found["device.curr_guest_offloads"] == (0, None)
    assert plan.devices[0].state.guest_features == net.state.guest_features & ~(1 << 2)


def test_all_features_can_be_given_at_once(x86: Stream, registry: Registry):
    plan = planned(x86, registry, "virtio-blk:common.guest_features=VERSION_1|FLUSH")
    assert plan.devices[0].state.guest_features == 1 << 32 | 1 << 9


def test_a_field_that_is_needed_then_is_asked_for(x86: Stream, tmp_path: Path, registry: Registry):
    x86.write(tmp_path / "without.mig", planned(x86, registry, f"{OFFLOADS}-=4").edits)
    with open_stream(tmp_path / "without.mig") as without:
        with pytest.raises(Contradiction, match="CTRL_GUEST_OFFLOADS accepted") as caught:
            planned(without, registry, f"{OFFLOADS}+=CTRL_GUEST_OFFLOADS")
        assert caught.value.where.path == "device.curr_guest_offloads"
        assert caught.value.hint == "add --set device.curr_guest_offloads=VALUE"
        value = "device.curr_guest_offloads=0"
        both = planned(without, registry, f"{OFFLOADS}+=CTRL_GUEST_OFFLOADS", value)
        (payload,) = both.edits.payloads.values()
    assert payload in [x86.payload(section) for section in x86.sections]


def test_a_field_that_is_not_there_then_takes_no_value(x86: Stream, registry: Registry):
    without = f"{OFFLOADS}-=CTRL_GUEST_OFFLOADS"
    section, payload = next(iter(planned(x86, registry, without).edits.payloads.items()))
    assert len(payload) == section.size - 8
    with pytest.raises(Contradiction, match="there only if") as caught:
        planned(x86, registry, without, "device.curr_guest_offloads=0")
    assert caught.value.where.section == section.idstr


def test_a_subsection_is_made_of_its_fields(x86: Stream, registry: Registry):
    plan = planned(x86, registry, "virtio-blk:subsections.virtio/broken.broken=true")
    assert outcome(plan) == {"subsections.virtio/broken": (None, {"broken": True})}
    with pytest.raises(BadValue, match="not complete") as caught:
        planned(x86, registry, "device.virtio-net-device/rss.enabled=true")
    assert "device.virtio-net-device/rss" in str(caught.value)


def test_a_subsection_is_dropped(x86: Stream, registry: Registry):
    plan = planned(x86, registry, "virtio-blk:virtio/started")
    assert outcome(plan) == {"subsections.virtio/started": ({"started": True}, None)}
    with pytest.raises(NoSuchPath, match="virtio/started"):
        planned(x86, registry, "virtio-blk:virtio/startled")


@pytest.mark.parametrize(
    "texts",
    [
        ("device.mac=52:54:00:00:00:01", "device.mac=52:54:00:00:00:02"),
        ("virtio-blk:common.isr+=QUEUE", "virtio-blk:common.isr-=QUEUE"),
        ("virtio-blk:common.isr=0", "virtio-blk:common.isr+=CONFIG"),
        ("virtio-blk:subsections.virtio/started.started=false", "virtio-blk:virtio/started"),
        ("device.mac_table_in_use=1",),
        ("device.mac_table_in_use=1", "device.mac_table_macs=[]"),
        ("virtio-net:common.nq=2",),
        ("virtio-net:common.config_len=1",),
        ("device.max_queue_pairs=2",),
        ("virtio-blk:common.guest_features+=BIT_70",),
        (
            "virtio-blk:common.guest_features_lo=0",
            "virtio-blk:common.guest_features+=RO",
        ),
        ("virtio-net:queues[0].align=4096",),
    ],
)
def test_contradictions_are_refused(x86: Stream, registry: Registry, texts: tuple[str, ...]):
    with pytest.raises((Contradiction, NoSuchPath)):
        planned(x86, registry, *texts)


@pytest.mark.parametrize(
    "text",
    [
        'device.vlans=["x"]',
        'device.mac_table_macs=["52:54"]',
        "device.mac_table_macs=1",
        "virtio-net:queues=[]]",
        'virtio-net:queues=[{"num": 1}]',
        "virtio-net:queues[0]=1",
        "virtio-net:common={}",
        "device.mac_table_macs[0]=1",
        "device.mac_table_macs[2]=52:54:00:00:00:01",
        "virtio-net:common.status=" + "9" * 5000,
        "device.vlans=" + "[" * 100_000,
        "virtio-net:config.config_rest=00",
    ],
)
def test_what_the_layout_cannot_hold_is_refused(x86: Stream, registry: Registry, text: str):
    with pytest.raises(EditError) as caught:
        planned(x86, registry, text)
    assert len(str(caught.value)) < 600


def test_a_path_has_to_fit_one_device(x86: Stream, registry: Registry):
    with pytest.raises(NoSuchPath, match="several devices have"):
        planned(x86, registry, "common.isr+=CONFIG")
    plan = planned(x86, registry, "common.guest_features-=CTRL_VQ")
    assert {change.section.idstr for change in plan.changes if change.section} == {
        "0000:00:02.0/virtio-net"
    }
    with pytest.raises(NoSuchPath, match=r"nearest: 0000:00:02\.0/virtio-net"):
        planned(x86, registry, "virtio-nett:device.mac=52:54:00:00:00:01")
    with pytest.raises(BadValue, match="nearest: ACKNOWLEDGE"):
        planned(x86, registry, "virtio-net:common.status=ACKNOWLEGDE")


def test_every_device_can_be_named_by_path_name_or_both(x86: Stream, registry: Registry):
    for name in ("0000:00:02.0/virtio-net", "0000:00:02.0", "virtio-net"):
        assert outcome(planned(x86, registry, f"{name}:device.promisc=1"))
