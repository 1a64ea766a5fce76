"""The documented order: read from `virtmig.virtio.order`, spelt out once more here, and traced."""

from __future__ import annotations

from typing import Any

import pytest

from tests.core.virtio.boundaries import CORE
from tests.golden import Golden, goldens
from virtmig.hooks.registry import Drivers, Registry
from virtmig.live.blueprint import create
from virtmig.live.device import VirtioDevice
from virtmig.live.observe import HookTrace
from virtmig.live.procedure import virtio_load, virtio_save
from virtmig.reading import target_endian
from virtmig.virtio.order import LOAD, SAVE, Party, label, walk
from virtmig.virtio.state import VirtioState

SAVE_DIAGRAM = [
    ("virtio device", "save"),
    ("virtio transport", "save_config"),
    ("virtio core", "save_common"),
    ("virtio core", "save_virtqueue"),
    ("virtio transport", "save_queue"),
    ("virtio device", "save_device"),
    ("virtio core", "save_subsection"),
    ("virtio device", "save_outer"),  # beside the mission's diagram: virtio-gpu alone has it
]
LOAD_DIAGRAM = [
    ("virtio device", "load"),
    ("virtio transport", "load_config"),
    ("virtio core", "load_common"),
    ("virtio core", "load_virtqueue"),
    ("virtio transport", "load_queue"),
    ("virtio core", "notify"),
    ("virtio device", "load_device"),
    ("virtio core", "load_subsection"),
    ("virtio core", "sanitize_endianness"),
    ("virtio core", "sanitize_features"),
    ("virtio core", "check_indices"),
    ("virtio device", "post_load"),
    ("virtio device", "load_outer"),  # as above
]
OURS = [golden for golden in goldens() if golden.device in ("virtio-net", "virtio-blk")]


def loaded(golden: Golden) -> tuple[HookTrace, Drivers, VirtioState, VirtioDevice, list[str]]:
    """A golden, loaded into a fresh device; hooks and steps are traced."""
    hooks = HookTrace()
    drivers = Registry([hooks]).drivers(golden.idstr, golden.machine)
    state = drivers.envelope.parse(golden.payload, golden.version_id)
    device = create(drivers, state, target_endian(golden.machine, golden.idstr))
    steps: list[str] = []
    virtio_load(device, drivers, state, None, lambda step, key, _: steps.append(label(step, key)))
    return hooks, drivers, state, device, steps


def sent(golden: Golden) -> list[str]:
    """Names of the core subsections in the payload, found as bytes and in their order there."""
    places = {name: golden.payload.find(name.encode()) for name in CORE}
    return sorted((name for name, place in places.items() if place >= 0), key=places.__getitem__)


@pytest.mark.parametrize(("steps", "diagram"), [(SAVE, SAVE_DIAGRAM), (LOAD, LOAD_DIAGRAM)])
def test_the_steps_are_those_of_the_mission_in_its_order(steps: Any, diagram: Any) -> None:
    assert [(step.party.value, step.name) for step in steps] == diagram


@pytest.mark.parametrize("golden", OURS, ids=str)
def test_every_step_is_done_in_the_documented_order_both_ways(golden: Golden) -> None:
    _, drivers, state, device, steps = loaded(golden)
    tails = sent(golden)
    assert steps == [label(step, key) for step, key in walk(LOAD, len(state.queues), tails)]
    steps.clear()
    virtio_save(device, drivers, lambda step, key, _: steps.append(label(step, key)))
    assert steps == [label(step, key) for step, key in walk(SAVE, len(state.queues), tails)]


@pytest.mark.parametrize("golden", OURS, ids=str)
def test_hooks_are_called_where_the_order_says_so(golden: Golden) -> None:
    """The wrappers' view, which the procedure cannot fake."""
    hooks, drivers, state, device, _ = loaded(golden)
    extra = ["load_extra_state"] if state.subsections.extra_state is not None else []
    queues = [f"load_queue[{index}]" for index in range(len(state.queues))]
    notify = ["notify"] if drivers.transport.has("notify") else []
    setup = ["post_load"] if drivers.device.has("post_load") else []
    expected = ["load_config", *queues, *notify, "load_device", *extra, *setup]
    assert hooks.calls == expected
    hooks.clear()
    virtio_save(device, drivers)
    queues = [f"save_queue[{index}]" for index in range(len(state.queues))]
    extra = [name.replace("load", "save") for name in extra]
    assert hooks.calls == ["save_config", *queues, "save_device", *extra]


@pytest.mark.parametrize("golden", OURS, ids=str)
def test_a_golden_goes_through_live_devices_and_comes_out_the_same(golden: Golden) -> None:
    _, drivers, state, device, _ = loaded(golden)
    saved = virtio_save(device, drivers)
    assert drivers.envelope.unparse(saved, golden.version_id) == golden.payload
    assert drivers.envelope.unparse(state, golden.version_id) == golden.payload


def test_hooks_of_the_core_party_do_not_exist() -> None:
    """Only transports and devices have hooks; the core's steps are its own."""
    assert not any(step.hook for step in (*SAVE, *LOAD) if step.party is Party.CORE)
