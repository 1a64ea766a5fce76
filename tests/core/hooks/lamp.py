"""A lamp on its bus: a device and a transport as small as can be, that have every hook.

They note each call, and give the answers that a test wants.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from virtmig.api import (
    DeviceDriver,
    Transport,
    TransportDriver,
    VirtioDevice,
    VirtioState,
    be16,
    hookimpl,
    record,
    subsection,
    wire,
)
from virtmig.errors import ContractBroken
from virtmig.hooks.registry import Drivers, Registry
from virtmig.live.procedure import virtio_load, virtio_save

HIGH_FEATURE = 33


@record()
class Value:
    """A record for every part; its number tells which."""

    number: int = wire(be16, "a number")


@record()
class Vector:
    """What the bus adds to a queue."""

    vector: int = wire(be16, "a number")


@record("bus/more")
class More:
    """A subsection of the bus."""

    number: int = wire(be16, "a number")


@record("bus")
class Extra:
    """The container of the bus."""

    more: More | None = wire(subsection(More), "a number")


class Notes:
    """The calls so far, each with its arguments; `during` is done in each call."""

    def __init__(self) -> None:
        self.calls: list[tuple[str, dict[str, Any]]] = []
        self.answers: dict[str, Any] = {}
        self.during: dict[str, Callable[[Any], object]] = {}

    def take(self, hook: str, **arguments: Any) -> Any:
        self.calls.append((hook, arguments))
        live = arguments.get("device") or getattr(arguments.get("transport"), "device", None)
        self.during.get(hook, lambda _: None)(live)
        return self.answers.get(hook)

    @property
    def names(self) -> list[str]:
        return [name for name, _ in self.calls]

    def of(self, hook: str) -> list[dict[str, Any]]:
        """The arguments of each call of one hook."""
        return [arguments for name, arguments in self.calls if name == hook]


class Bus(Notes):
    """A transport that has every hook."""

    __hash__ = object.__hash__

    @hookimpl
    def describe_driver(self):
        self.take("describe_driver")
        return TransportDriver(
            name="virtio-bus", path_pattern="bus", config=Value, queue=Vector, extra=Extra
        )

    @hookimpl
    def create_transport(self, state):
        return self.take("create_transport", state=state)

    @hookimpl
    def save_config(self, transport):
        return self.take("save_config", transport=transport)

    @hookimpl
    def save_queue(self, transport, index):
        self.take("save_queue", transport=transport, index=index)
        return self.answers.get("save_queue", Vector(vector=100 + index))

    @hookimpl
    def has_extra_state(self, transport):
        return self.take("has_extra_state", transport=transport)

    @hookimpl
    def save_extra_state(self, transport):
        return self.take("save_extra_state", transport=transport)

    @hookimpl
    def load_config(self, transport, state):
        return self.take("load_config", transport=transport, state=state)

    @hookimpl
    def load_queue(self, transport, index, state):
        return self.take("load_queue", transport=transport, index=index, state=state)

    @hookimpl
    def notify(self, transport, vector):
        return self.take("notify", transport=transport, vector=vector)

    @hookimpl
    def load_extra_state(self, transport, state):
        return self.take("load_extra_state", transport=transport, state=state)


class Lamp(Notes):
    """A device type that has every hook; its notes are those of its bus."""

    __hash__ = object.__hash__

    def __init__(self, bus: Bus) -> None:
        self.calls, self.answers, self.during = bus.calls, bus.answers, bus.during

    @hookimpl
    def describe_driver(self):
        self.take("describe_driver")
        return DeviceDriver(name="virtio-lamp", device_id=99, version=1, state=Value, outer=Value)

    @hookimpl
    def create_device(self, state):
        return self.take("create_device", state=state)

    @hookimpl
    def save_device(self, device):
        return self.take("save_device", device=device)

    @hookimpl
    def load_device(self, device, state):
        return self.take("load_device", device=device, state=state)

    @hookimpl
    def post_load(self, device):
        return self.take("post_load", device=device)

    @hookimpl
    def save_outer(self, device):
        return self.take("save_outer", device=device)

    @hookimpl
    def load_outer(self, device, state):
        return self.take("load_outer", device=device, state=state)


class Machine:
    """A lamp with two queues on its bus."""

    def __init__(self) -> None:
        self.notes = Bus()
        self.notes.answers |= {
            "save_config": Value(number=1),
            "save_device": Value(number=2),
            "has_extra_state": True,
            "save_extra_state": Extra(more=More(number=3)),
            "save_outer": Value(number=4),
        }
        registry = Registry()
        registry.add_transport("virtio-bus", self.notes, "bus 1.0")
        registry.add_device("virtio-lamp", Lamp(self.notes), "lamp 1.0")
        self.drivers: Drivers = registry.drivers("bus/virtio-lamp", "")
        self.device = VirtioDevice(host_features=1 << HIGH_FEATURE)
        self.device.add_queues([8, 8])
        self.device.guest_features = 1 << HIGH_FEATURE
        self.device.plug(Transport())
        self.bound = list(self.notes.names)
        self.notes.calls.clear()

    def save(self) -> VirtioState:
        return virtio_save(self.device, self.drivers)

    def load(self) -> VirtioState:
        """Save, and load that; only the calls of the load stay noted."""
        state = self.save()
        self.notes.calls.clear()
        virtio_load(self.device, self.drivers, state)
        return state

    def refuses(self, hook: str, answer: object, run: Callable[[], object]) -> None:
        """An answer of another type is nobody's state."""
        self.notes.answers[hook] = answer
        with pytest.raises(ContractBroken, match=f"{hook} returned"):
            run()
