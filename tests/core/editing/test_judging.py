"""Each change is classed for the guest that runs on, with the reason of its field."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import attrs
import pytest

from tests.core.editing.asking import SAMPLES, planned
from tests.core.stream.building import DEVICES, Device, Recipe
from virtmig.editing import trying
from virtmig.editing.devices import Device as Changed
from virtmig.editing.devices import decoded
from virtmig.editing.judging import RESTORED, UNDECLARED, Phase, phase_of, said, softened
from virtmig.editing.plan import EditPlan, plan_edits
from virtmig.editing.requests import Machine, Rename
from virtmig.errors import UnsafeEdit
from virtmig.hooks.registry import Registry
from virtmig.reading import Decoded, read_devices
from virtmig.stream.opening import Stream, open_stream
from virtmig.virtio import risks
from virtmig.virtio.contradictions import contradictions
from virtmig.virtio.features import RING_PACKED
from virtmig.virtio.state import SectionState, VirtioState
from virtmig.wire.meaning import Risk, conditional, safe, unsafe

SAFE, CONDITIONAL, UNSAFE = Risk
MACS = ["33:33:00:00:00:01", "52:54:00:00:00:02", *(f"33:33:00:00:01:0{n}" for n in range(3))]
"""A unicast address behind a multicast one."""


@pytest.mark.parametrize(
    ("text", "risk", "why"),
    [
        ("device.mac=52:54:00:00:00:01", CONDITIONAL, "address that it has read"),
        ("device.promisc=1", CONDITIONAL, "not told what it receives"),
        ("device.vlans+=5", CONDITIONAL, "not told what it receives"),
        ("device.status-=LINK_UP", CONDITIONAL, "looks at the link"),
        ("device.status+=ANNOUNCE", CONDITIONAL, "announces itself"),
        ("device.mergeable_rx_bufs=0", UNSAFE, "receive buffers"),
        ("device.has_ufo=1", UNSAFE, "backend"),
        ("device.tx_waiting=1", SAFE, "looks once"),
        ("device.curr_guest_offloads+=GUEST_TSO4", UNSAFE, "may not take packets"),
        ("virtio-net:common.isr+=CONFIG", SAFE, "nothing to tell"),
        ("virtio-net:common.isr-=QUEUE", SAFE, "does not read it"),
        ("virtio-net:common.status+=NEEDS_RESET", CONDITIONAL, "may reset the device"),
        ("virtio-net:common.status=0", UNSAFE, "acts by it"),
        ("virtio-net:common.guest_features-=CTRL_VQ", UNSAFE, "goes on using it"),
        ("virtio-net:queues[0].last_avail_idx+=1", UNSAFE, "twice or never"),
        ("virtio-net:queues[0].num=128", UNSAFE, "laid the ring out"),
        ("virtio-net:queues[0].desc+=4096", UNSAFE, "laid the ring out"),
        ("virtio-net:queues[0].vector=2", UNSAFE, "waits for the interrupt"),
        ("virtio-net:config.header.device_id=0x1041", UNSAFE, "compares it with the target's"),
        ("virtio-net:config.header.subsystem_id=7", CONDITIONAL, "not told"),
        ("virtio-net:config.header.status=0x2010", CONDITIONAL, "not told"),
        ("virtio-net:config.header.status=0", UNSAFE, "refuses"),
        ("virtio-net:config.header.bar4=0xfeb0000c", UNSAFE, "goes on where it was"),
        ("virtio-net:config.header.bar4=0", UNSAFE, "refuses"),
        ("virtio-net:config.header.interrupt_pin=2", UNSAFE, "another line"),
        (
            "virtio-net:subsections.virtio/extra_state.modern_state.vqs[0].enabled=false",
            UNSAFE,
            "such as vhost",
        ),
        ("virtio-net:config.header.command-=bus-master", UNSAFE, "has switched on"),
        ("virtio-net:config.msix_table[0].data=1", UNSAFE, "waits for the interrupt"),
        ("virtio-net:virtio/started", UNSAFE, "start, or stop"),
        ("virtio-net:virtio/virtqueues", UNSAFE, "laid the ring out"),
        ("virtio-net:virtio/64bit_features", UNSAFE, "lost or made up"),
        ("virtio-net:subsections.virtio/broken.broken=false", SAFE, "not broken either"),
        ("virtio-net:subsections.virtio/broken.broken=true", UNSAFE, "serve"),
        ("virtio-net:subsections.virtio/disabled.disabled=true", UNSAFE, "forbade"),
        ("virtio-net:common.queue_sel=1", CONDITIONAL, "setting up a queue"),
        ("device.mac=ff:ff:ff:ff:ff:ff", UNSAFE, "no unicast"),
        ("device.mac=01:00:5e:00:00:01", UNSAFE, "no unicast"),
        ("device.mac=00:00:00:00:00:00", UNSAFE, "no unicast"),
        ("device.status=0xffff", UNSAFE, "bits 0 and 1"),
        ("virtio-net:common.isr+=0x80", UNSAFE, "BIT_7"),
        ("virtio-net:common.status+=0x10", UNSAFE, "BIT_4 is no bit"),
        ("virtio-net:queues[0].num=100", UNSAFE, "power of two"),
        ("virtio-net:queues[0].num=0", UNSAFE, "is no queue"),
        ("virtio-net:queues[0].num=2048", UNSAFE, "more than 1024"),
        ("virtio-net:common.status-=FEATURES_OK", UNSAFE, "without FEATURES_OK"),
        (f"device.mac_table_macs={json.dumps(MACS * 13)}", UNSAFE, "64 entries"),
        (f"device.mac_table_macs={json.dumps(MACS)}", UNSAFE, "behind the first multicast"),
        (f"device.mac_table_macs={json.dumps(MACS[:2])}", UNSAFE, "behind the first multicast"),
        (f"device.mac_table_macs={json.dumps(MACS[1:])}", CONDITIONAL, "not told what"),
        ("device.vlans=5", CONDITIONAL, "not told what it receives"),
    ],
)
def test_the_class_of_a_change(x86: Stream, registry: Registry, text: str, risk: Risk, why: str):
    plan = planned(x86, registry, text)
    judged = [one for one in plan.changes if not one.consequence]
    assert judged
    assert {one.risk for one in judged} == {risk}
    assert any(why in one.why for one in judged), judged[0].why


def test_an_interrupt_is_lost_only_where_its_status_is_read(registry: Registry):
    """Neither of MSI-X nor of adapter interrupts; of a line it is."""
    for sample in ("s390x", "x86-q35"):
        with open_stream(SAMPLES / f"{sample}.mig") as stream:
            (change,) = planned(stream, registry, "virtio-net:common.isr=0").changes
            assert (change.risk, "does not read it" in change.why) == (SAFE, True)
    with open_stream(SAMPLES / "x86-q35.mig") as stream:
        (net,) = (
            one
            for one in decoded(read_devices(stream, registry))
            if one.section.idstr.endswith("virtio-net")
        )
        assert isinstance(net.found, Decoded)
        proxy = net.state.config
        off = attrs.evolve(proxy, config_rest=bytes(len(proxy.config_rest)))
        reads = net.found.drivers.transport.driver.reads_isr
        assert reads is not None
        assert reads(attrs.evolve(net.state, config=off))
    assert said(risks.interrupts, 3, 2).risk is UNSAFE


def test_what_nobody_declared_counts_as_relied_on(registry: Registry):
    with open_stream(SAMPLES / "s390x.mig") as stream:
        (change,) = planned(stream, registry, "virtio-net:config.revision=1").changes
    assert (change.risk, change.why) == (UNSAFE, UNDECLARED.why)


@pytest.mark.parametrize(
    ("rule", "why"),
    [
        (None, UNDECLARED.why),
        (lambda _, __: 1 // 0, "the rule that is declared for it failed: ZeroDivisionError"),
        (lambda _, __: "safe", UNDECLARED.why),
    ],
    ids=["none", "one that fails", "one that answers something else"],
)
def test_a_rule_that_says_nothing_counts_as_unsafe(rule: Any, why: str):
    verdict = said(rule, 1, 2)
    assert verdict.risk is UNSAFE
    assert why in verdict.why


def test_an_unsafe_plan_is_refused_with_every_reason(x86: Stream, registry: Registry):
    plan = planned(x86, registry, "virtio-net:queues[0].vector=2", "device.mergeable_rx_bufs=0")
    with pytest.raises(UnsafeEdit) as caught:
        plan.permit()
    for word in ("queues[0].vector", "waits for the interrupt", "mergeable_rx_bufs", "--unsafe"):
        assert word in str(caught.value)
    assert caught.value.exit_code == 5
    plan.permit(unsafe=True)
    planned(x86, registry, "device.promisc=1").permit()


def test_what_a_live_device_refuses_is_unsafe(x86: Stream, registry: Registry):
    plan = planned(x86, registry, "virtio-net:common.guest_features+=MQ")
    refused = next(one for one in plan.changes if "live device" in one.text)
    assert refused.risk is UNSAFE
    assert "does not offer: MQ" in refused.why


def state_with(state: VirtioState, status: int, features: int, *, started: bool) -> VirtioState:
    common = attrs.evolve(state.common, status=status, guest_features_lo=features)
    tails = state.subsections
    if not started:
        tails = attrs.evolve(tails, started=None)
    if tails.features_64 is not None:
        tails = attrs.evolve(
            tails, features_64=attrs.evolve(tails.features_64, guest_features=features)
        )
    return attrs.evolve(state, common=common, subsections=tails)


@pytest.mark.parametrize(
    ("status", "features", "started", "phase"),
    [
        (0, 0, False, Phase.IDLE),
        (3, 0, False, Phase.IDLE),
        (3, 0x20, False, Phase.RUNNING),
        (0x0B, 0x20, False, Phase.RUNNING),
        (0x0F, 0x20, True, Phase.RUNNING),
        (0x07, 0, False, Phase.RUNNING),
        (0, 0, True, Phase.RUNNING),
    ],
    ids=["reset", "found", "legacy driver", "features agreed", "running", "legacy", "early kick"],
)
def test_whether_a_driver_relies_on_the_device(
    net: Changed, status: int, features: int, started: bool, phase: Phase
):
    state = net.state
    assert phase_of(state_with(state, status, features, started=started)) is phase


def test_a_section_without_virtio_counts_as_relied_on():
    assert phase_of(SectionState(fields=None)) is Phase.RUNNING


def test_without_a_driver_the_unsafe_is_conditional_unless_it_always_is():
    for verdict in (safe("a"), conditional("b"), unsafe("c", always=True)):
        assert softened(verdict, Phase.IDLE) == verdict
    milder = softened(unsafe("d"), Phase.IDLE)
    assert milder.risk is CONDITIONAL
    assert milder.why.endswith("d")
    assert softened(unsafe("d"), Phase.RUNNING) == unsafe("d")


def renamed(stream: Stream, registry: Registry, *pairs: tuple[str, str]) -> EditPlan:
    return plan_edits(stream, registry, [Rename(old, new) for old, new in pairs])


@pytest.mark.parametrize(
    ("old", "new", "risk", "why"),
    [
        ("virtio-blk", "0000:00:05.0/virtio-blk", CONDITIONAL, "equal device there"),
        ("virtio-blk", "0000:01:01.0/virtio-blk", SAFE, "unless an equal device"),
        ("virtio-blk", "0000:00:02.0/virtio-blk", UNSAFE, "0000:00:02.0/virtio-net is there"),
        ("virtio-blk", "0000:00:99.9/virtio-blk", UNSAFE, "no device of a transport"),
        ("virtio-blk", "0000:00:2f.0/virtio-blk", UNSAFE, "no device of a transport"),
        ("virtio-blk", "zzzz/virtio-blk", UNSAFE, "no device of a transport"),
        ("virtio-blk", "/virtio-blk", UNSAFE, "no device of a transport"),
        ("virtio-blk", "0000:00:01.0/virtio-scsi", UNSAFE, "another kind"),
        ("hpet", "lpet", UNSAFE, "another kind"),
        ("0000:00:1f.2/ich9_ahci", "0000:00:1e.2/ich9_ahci", CONDITIONAL, "does not know"),
    ],
)
def test_the_class_of_a_new_name(x86: Stream, old: str, new: str, risk: Risk, why: str):
    (change,) = renamed(x86, Registry(), (old, new)).changes
    assert (change.risk, change.path) == (risk, "idstr")
    assert why in change.why


def test_what_belongs_to_a_device_is_renamed_with_it(registry: Registry):
    vga = Device("0000:00:01.0/virtio-gpu", b"", section_id=4)
    stream = Stream.from_bytes(Recipe(devices=(vga, DEVICES[4])).build())
    blocked = renamed(stream, registry, (vga.idstr, "0000:00:03.0/virtio-gpu"))
    assert blocked.risk is UNSAFE
    assert "RAM block 0000:00:01.0/vga.vram keeps the old path" in blocked.changes[0].why
    first = Device("0000:00:02.0/pcie-root-port", b"", section_id=5)
    behind = Device("0000:00:02.0:00.0/virtio-blk", b"", section_id=6)
    stream = Stream.from_bytes(Recipe(devices=(first, behind, DEVICES[4])).build())
    alone = renamed(stream, registry, (first.idstr, "0000:00:03.0/pcie-root-port"))
    assert alone.risk is UNSAFE
    assert "rename it too" in alone.changes[0].why
    moved = (behind.idstr, "0000:00:03.0:00.0/virtio-blk")
    both = renamed(stream, registry, (first.idstr, "0000:00:03.0/pcie-root-port"), moved)
    assert both.risk is CONDITIONAL


def test_another_machine_type_is_conditional(x86: Stream, registry: Registry):
    (change,) = plan_edits(x86, registry, [Machine("pc-q35-5.2")]).changes
    assert change.risk is CONDITIONAL
    assert change.place == "machine"


def test_what_is_restored_is_safe():
    assert RESTORED.risk is SAFE


def test_every_rule_of_ours_answers(stream: Stream, registry: Registry):
    for device in ("virtio-net", "virtio-blk"):
        for text in ("common.isr=3", "common.status=0", "common.guest_features=0"):
            plan = planned(stream, registry, f"{device}:{text}")
            assert not [one for one in plan.changes if "failed" in one.why]


def test_guest_memory_is_read_only_if_a_ring_changes(registry: Registry):
    """What is not in the stream is then said; else nobody has to know."""
    with open_stream(SAMPLES / "s390x.mig") as stream:
        for text, said in (
            ("virtio-net:queues[0].vector=1", False),
            ("virtio-net:common.isr+=CONFIG", False),
            ("virtio-net:queues[0].last_avail_idx+=1", True),
        ):
            plan = planned(stream, registry, text)
            assert any("guest memory" in note for note in plan.notes) is said


@attrs.frozen
class Memory:
    """Guest memory whose every ring is at these two indices."""

    flags_and_index: bytes
    available: bool = True
    why_not: str = ""

    def read(self, address: int, size: int) -> bytes:
        return self.flags_and_index[-size:]


@pytest.mark.parametrize(
    ("change", "why"),
    [("-=1", "is more than the ring holds"), ("+=1", "is broken"), ("=300", "is broken")],
)
def test_indices_are_compared_with_guest_memory(
    x86: Stream, registry: Registry, monkeypatch: pytest.MonkeyPatch, change: str, why: str
):
    """The guest's ring stands at 8 on both sides; a device that says so is not refused."""
    monkeypatch.setattr(trying, "guest_memory", lambda _: Memory(b"\0\0\x08\0"))
    plan = planned(x86, registry, f"virtio-blk:queues[0].last_avail_idx{change}")
    refused = [one for one in plan.changes if "live device" in one.text]
    assert [why in one.why for one in refused] == [True]


@pytest.mark.parametrize(
    ("text", "why"),
    [("queues[0].num=1000", "power of two"), ("common.status=0xf", "no ring is set up")],
)
def test_what_contradicts_itself_is_unsafe_without_a_driver_too(
    x86: Stream, registry: Registry, tmp_path: Path, text: str, why: str
):
    rng = "virtio-rng"
    reset = ("common.status=0", "common.guest_features=0", "queues[0].desc=0")
    x86.write(
        tmp_path / "idle",
        planned(x86, registry, *(f"{rng}:{one}" for one in reset), f"{rng}:virtio/started").edits,
    )
    with open_stream(tmp_path / "idle") as idle:
        change = planned(idle, registry, f"{rng}:{text}").changes[0]
        assert change.risk is UNSAFE
        assert why in change.why
        milder = planned(idle, registry, f"{rng}:queues[0].num=512").changes[0]
        assert milder.risk is CONDITIONAL


def test_a_packed_ring_has_any_size(net: Changed):
    state = net.state
    odd = attrs.evolve(state, queues=(attrs.evolve(state.queues[0], num=1000),))
    assert "queues[0].num" in contradictions(odd)
    packed = state_with(odd, 0xF, odd.guest_features | 1 << RING_PACKED, started=True)
    assert contradictions(packed) == {}
    assert contradictions(SectionState(fields=None)) == {}
