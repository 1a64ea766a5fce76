"""A load that fails, at whatever step, leaves the live device exactly as it was."""

from __future__ import annotations

import copy
from typing import Any

import attrs
import pytest

from tests.core.live.deep import deep
from tests.core.material import drivers_of, envelope_of, fresh, loaded, pick, state_of
from tests.golden import Golden
from virtmig.errors import DriverFailed
from virtmig.hooks.hookspecs import hookimpl
from virtmig.hooks.registry import Registry
from virtmig.live.device import VirtioDevice
from virtmig.live.procedure import virtio_load, virtio_save
from virtmig.live.snapshot import Snapshot
from virtmig.virtio.order import LOAD, Step, walk
from virtmig_blk.live import LiveBlk
from virtmig_net.live import VirtioNet
from virtmig_pci.live import VirtioPci

PCI = pick("virtio-net", lambda s: len(s.queues) == 3 and s.has_feature(32), name="q35-net-filters")
CCW = pick("virtio-blk", lambda s: s.has_feature(32), arch="s390x")
UNUSED = pick("virtio-net", lambda s: not s.queues[0].desc and len(s.queues) == 3)


def steps_of(golden: Golden) -> list[str]:
    state = state_of(golden)
    tails = [
        f.name for f in attrs.fields(type(state.subsections)) if getattr(state.subsections, f.name)
    ]
    return [f"{step.name} {key}" for step, key in walk(LOAD, len(state.queues), tails)]


class Stop(Exception):
    """What a tool may raise that watches the steps."""


def used_device(golden: Golden) -> VirtioDevice:
    """A device with a life behind it, and with things in it that only its plugin knows."""
    device = loaded(golden)
    device.status = 0x4F
    device.config = b"\xee" * len(device.config)
    for queue in device.queues:
        queue.last_avail_idx, queue.desc = 77, 0xABC000
        queue.used_idx = queue.inuse = 5
        queue.avail = queue.used = 0xABC
    device.broken = device.started = device.disabled = True
    device.guest_features = 0x123
    vars(device)["backend"] = {"log": ["one"], "open": True}
    vars(device.transport)["lines"] = [1, [2, 3]]
    return device


@pytest.mark.parametrize("golden", [PCI, CCW], ids=["net on pci", "blk on ccw"])
def test_a_load_stopped_behind_any_step_changes_nothing(golden: Golden) -> None:
    count = len(steps_of(golden))
    for stop in range(count):
        device = used_device(golden)
        before = deep(device)
        done: list[str] = []

        def on_step(
            step: Step, key: int | str, note: str, done: list[str] = done, stop: int = stop
        ) -> None:
            done.append(step.name)
            if len(done) > stop:
                raise Stop

        with pytest.raises(Stop):
            virtio_load(device, drivers_of(golden), state_of(golden), None, on_step)
        assert len(done) == stop + 1
        assert deep(device) == before


def test_a_load_that_is_not_stopped_does_change_the_device() -> None:
    """Or the test above would show nothing."""
    for golden in (PCI, CCW):
        device = used_device(golden)
        before = deep(device)
        virtio_load(device, drivers_of(golden), state_of(golden))
        assert deep(device) != before


def meddle(device: Any) -> None:
    """What a plugin may have done to its device before it fails, past all guards."""
    vars(device)["status"] = 0
    vars(device)["new_attribute"] = "left behind"
    vars(device.transport)["new_attribute"] = "left behind"
    device.backend["log"].append("two")
    device.transport.lines[1].append(4)
    del device.backend["open"]
    del device.config
    device.queues.append(device.queues[0])
    vars(device.queues[0])["num"] = 1
    vars(device)["transport"] = copy.copy(device.transport)


def failing(cls: type[Any], hook: str) -> Any:
    """A plugin of class `cls` whose `hook` meddles and raises."""

    def method(self: Any, **given: Any) -> None:
        live = given.get("device") or given["transport"].device
        meddle(live)
        raise RuntimeError("burnt")

    names = {"load_device": "device, state", "post_load": "device", "notify": "transport"}
    names |= {"load_queue": "transport, index, state"}
    arguments = names.get(hook, "transport, state")
    passed = ", ".join(f"{name}={name}" for name in arguments.split(", "))
    namespace: dict[str, Any] = {"method": method}
    exec(f"def {hook}(self, {arguments}): method(self, {passed})", namespace)  # noqa: S102
    return type("Failing", (cls,), {hook: hookimpl(namespace[hook])})()


@pytest.mark.parametrize(
    "hook", ["load_config", "load_queue", "notify", "load_device", "load_extra_state", "post_load"]
)
def test_a_hook_that_fails_half_way_leaves_nothing_behind(hook: str) -> None:
    registry = Registry()
    if hook in ("load_device", "post_load"):
        registry.add_device("virtio-net", failing(VirtioNet, hook))
    else:
        registry.add_transport("virtio-pci", failing(VirtioPci, hook))
    device = used_device(PCI)
    before, transport, queues = deep(device), device.transport, list(device.queues)
    with pytest.raises(DriverFailed, match=f"{hook}: RuntimeError: burnt"):
        virtio_load(device, registry.drivers(PCI.idstr, PCI.machine), state_of(PCI))
    assert deep(device) == before
    assert device.transport is transport
    assert all(one is other for one, other in zip(device.queues, queues, strict=True))


def test_a_device_saved_after_a_failed_load_gives_the_bytes_it_had_before() -> None:
    device = loaded(UNUSED)

    def on_step(step: Step, *_: object) -> None:
        if step.name == "post_load":
            raise Stop

    with pytest.raises(Stop):
        virtio_load(device, drivers_of(UNUSED), state_of(UNUSED), None, on_step)
    state = virtio_save(device, drivers_of(UNUSED))
    assert envelope_of(UNUSED).unparse(state, UNUSED.version_id) == UNUSED.payload


def test_a_device_that_refused_one_state_takes_another() -> None:
    device = fresh(PCI)
    bad = attrs.evolve(state_of(PCI), common=attrs.evolve(state_of(PCI).common, nq=900))
    with pytest.raises(Exception, match="900"):
        virtio_load(device, drivers_of(PCI), bad)
    virtio_load(device, drivers_of(PCI), state_of(PCI))
    state = virtio_save(device, drivers_of(PCI))
    assert envelope_of(PCI).unparse(state, PCI.version_id) == PCI.payload


def test_an_interrupt_leaves_the_device_whole_too() -> None:
    device = used_device(PCI)
    before = deep(device)

    def on_step(*_: object) -> None:
        if len(deep(device)["queues"]) and device.status != 0x4F:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        virtio_load(device, drivers_of(PCI), state_of(PCI), None, on_step)
    assert deep(device) == before


def test_things_that_device_and_transport_share_stay_shared() -> None:
    device = used_device(PCI)
    shared = ["a log"]
    vars(device)["log"] = vars(device.transport)["log"] = vars(device)["same_log"] = shared
    before = Snapshot(device)
    shared.append("more")
    before.restore()
    held = vars(device)["log"]
    assert held == ["a log"]
    assert held is vars(device)["same_log"]
    assert held is vars(device.transport)["log"]


def test_private_slots_of_a_plugins_device_are_restored() -> None:
    class Secretive(LiveBlk):
        __slots__ = ("__secret", "open_one")

        def __init__(self) -> None:
            super().__init__()
            self.__secret = ["before"]
            self.open_one = 1

        def change(self) -> None:
            self.__secret.append("after")
            self.open_one = 2

        def look(self) -> Any:
            return self.__secret, self.open_one

    device = Secretive()
    before = Snapshot(device)
    device.change()
    before.restore()
    assert device.look() == (["before"], 1)


def test_what_cannot_be_copied_is_kept_as_it_is() -> None:
    class Backend:
        def __deepcopy__(self, memo: Any) -> Any:
            raise TypeError("a socket")

    device = fresh(PCI)
    backend = vars(device)["backend"] = Backend()
    before = Snapshot(device)
    vars(device)["backend"] = None
    before.restore()
    assert vars(device)["backend"] is backend


def test_a_device_that_refers_to_itself_is_restored() -> None:
    device = fresh(PCI)
    vars(device)["me"] = device
    vars(device)["ours"] = [device, device.transport, device.queues[0]]
    before = Snapshot(device)
    vars(device)["ours"].clear()
    before.restore()
    assert vars(device)["me"] is device
    assert vars(device)["ours"] == [device, device.transport, device.queues[0]]
