"""Each hook by itself: when it is called, what it is given, and what becomes of its answer.

`test_hook_NAME` for each, so that the reference can be held against them.
"""

from __future__ import annotations

import pytest

from tests.core.hooks.lamp import HIGH_FEATURE, Bus, Extra, Lamp, Machine, More, Value, Vector
from virtmig.api import NO_VECTOR, NotYetLoaded, Transport, VirtioDevice
from virtmig.errors import ContractBroken
from virtmig.hooks.registry import Registry
from virtmig.live.blueprint import create


@pytest.fixture
def machine() -> Machine:
    return Machine()


ARGUMENTS = {
    "transport": lambda found, machine: found is machine.device.transport,
    "device": lambda found, machine: found is machine.device,
}


def given(machine: Machine, hook: str, **others: object) -> None:
    """The hook was called once, with the live object of its party and these."""
    (arguments,) = machine.notes.of(hook)
    live = {name: value for name, value in arguments.items() if name in ARGUMENTS}
    assert live
    assert all(ARGUMENTS[name](value, machine) for name, value in live.items())
    assert {name: value for name, value in arguments.items() if name not in live} == others


def not_loaded(machine: Machine, hook: str, **attributes: bool) -> None:
    """What of these can be read while the hook runs: True if it is not loaded yet."""
    found: dict[str, bool] = {}

    def look(device: VirtioDevice) -> None:
        for name in attributes:
            try:
                getattr(device, name)
            except NotYetLoaded:
                found[name] = True
            else:
                found[name] = False

    machine.notes.during[hook] = look
    machine.load()
    assert found == attributes


def test_hook_describe_driver(machine: Machine) -> None:
    assert machine.bound == ["describe_driver", "describe_driver"]
    assert machine.drivers.transport.driver.name == "virtio-bus"
    assert machine.drivers.device.driver.name == "virtio-lamp"
    machine.load()
    assert "describe_driver" not in machine.notes.names
    with pytest.raises(ContractBroken, match="the driver 'virtio-lamp'"):
        Registry().add_device("virtio-candle", Lamp(Bus()))


def test_hook_create_transport(machine: Machine) -> None:
    made, state = Transport(), machine.save()
    machine.notes.answers |= {"create_transport": made, "create_device": VirtioDevice()}
    assert create(machine.drivers, state, "little").transport is made
    assert machine.notes.of("create_transport") == [{"state": state}]
    machine.refuses("create_transport", None, lambda: create(machine.drivers, state, "little"))


def test_hook_create_device(machine: Machine) -> None:
    made, state = VirtioDevice(), machine.save()
    machine.notes.answers |= {"create_transport": Transport(), "create_device": made}
    assert create(machine.drivers, state, "little") is made
    assert len(made.queues) == 2
    assert machine.notes.of("create_device") == [{"state": state}]
    machine.refuses("create_device", None, lambda: create(machine.drivers, state, "little"))


def test_hook_save_config(machine: Machine) -> None:
    assert machine.save().config == Value(number=1)
    assert machine.notes.names[0] == "save_config"
    given(machine, "save_config")
    machine.refuses("save_config", Vector(vector=1), machine.save)


def test_hook_save_queue(machine: Machine) -> None:
    state = machine.save()
    assert [queue.transport.vector for queue in state.queues] == [100, 101]
    calls = machine.notes.of("save_queue")
    assert [one["index"] for one in calls] == [0, 1]
    assert all(one["transport"] is machine.device.transport for one in calls)
    machine.refuses("save_queue", None, machine.save)


def test_hook_save_device(machine: Machine) -> None:
    assert machine.save().device == Value(number=2)
    given(machine, "save_device")
    names = machine.notes.names
    last_queue = max(at for at, name in enumerate(names) if name == "save_queue")
    assert names.index("save_device") == last_queue + 1
    machine.refuses("save_device", None, machine.save)


def test_hook_has_extra_state(machine: Machine) -> None:
    assert machine.save().subsections.extra_state is not None
    given(machine, "has_extra_state")
    machine.notes.answers["has_extra_state"] = False
    machine.notes.calls.clear()
    assert machine.save().subsections.extra_state is None
    assert "save_extra_state" not in machine.notes.names
    machine.refuses("has_extra_state", None, machine.save)


def test_hook_save_extra_state(machine: Machine) -> None:
    tail = machine.save().subsections.extra_state
    assert tail is not None
    assert tail.state == Extra(more=More(number=3))
    given(machine, "save_extra_state")
    names = machine.notes.names
    assert names.index("save_device") < names.index("has_extra_state")
    assert names.index("save_extra_state") == names.index("has_extra_state") + 1
    machine.refuses("save_extra_state", More(number=3), machine.save)


def test_hook_save_outer(machine: Machine) -> None:
    assert machine.save().outer == Value(number=4)
    assert machine.notes.names[-1] == "save_outer"
    given(machine, "save_outer")
    machine.refuses("save_outer", None, machine.save)


def test_hook_load_config(machine: Machine) -> None:
    machine.load()
    assert machine.notes.names[0] == "load_config"
    given(machine, "load_config", state=Value(number=1))
    not_loaded(machine, "load_config", guest_features=True, device_endian=True, started=True)
    machine.refuses("load_config", Value(number=1), machine.load)


def test_hook_load_queue(machine: Machine) -> None:
    state = machine.load()
    calls = machine.notes.of("load_queue")
    assert [(one["index"], one["state"]) for one in calls] == [
        (queue, state.queues[queue].transport) for queue in (0, 1)
    ]
    assert machine.notes.names[:4] == ["load_config", "load_queue", "load_queue", "notify"]
    not_loaded(machine, "load_queue", guest_features=True, device_endian=True, started=True)
    machine.refuses("load_queue", 0, machine.load)


def test_hook_notify(machine: Machine) -> None:
    machine.load()
    given(machine, "notify", vector=NO_VECTOR)
    names = machine.notes.names
    assert names.index("notify") == names.index("load_device") - 1
    machine.refuses("notify", True, machine.load)


def test_hook_load_device(machine: Machine) -> None:
    machine.load()
    given(machine, "load_device", state=Value(number=2))
    names = machine.notes.names
    assert names.index("load_device") < names.index("load_extra_state")
    not_loaded(machine, "load_device", guest_features=True, device_endian=True, broken=True)
    machine.refuses("load_device", Value(number=2), machine.load)


def test_hook_load_extra_state(machine: Machine) -> None:
    machine.load()
    given(machine, "load_extra_state", state=Extra(more=More(number=3)))
    not_loaded(machine, "load_extra_state", guest_features=True, device_endian=True)
    machine.notes.answers["has_extra_state"] = False
    machine.load()
    assert "load_extra_state" not in machine.notes.names
    machine.notes.answers["has_extra_state"] = True
    machine.refuses("load_extra_state", Extra(), machine.load)


def test_hook_post_load(machine: Machine) -> None:
    machine.load()
    given(machine, "post_load")
    assert machine.notes.names[-2:] == ["post_load", "load_outer"]
    not_loaded(machine, "post_load", guest_features=False, device_endian=False, broken=False)
    machine.notes.during["post_load"] = lambda device: device.has_feature(HIGH_FEATURE)
    machine.refuses("post_load", 0, machine.load)


def test_hook_load_outer(machine: Machine) -> None:
    machine.load()
    assert machine.notes.names[-1] == "load_outer"
    given(machine, "load_outer", state=Value(number=4))
    not_loaded(machine, "load_outer", guest_features=False, device_endian=False, broken=False)
    machine.refuses("load_outer", Value(number=4), machine.load)


def test_a_hook_that_is_not_loaded_yet_is_named(machine: Machine) -> None:
    """The reading itself fails, and the load with it."""
    machine.notes.during["load_device"] = lambda device: device.guest_features
    with pytest.raises(NotYetLoaded, match=r"lamp 1\.0: load_device: guest_features"):
        machine.load()
