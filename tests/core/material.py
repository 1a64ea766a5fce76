"""What tests of the core work on: real sections, their drivers, and live devices made of them."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import attrs

from tests.golden import Golden, goldens
from virtmig.hooks.registry import Drivers, Registry
from virtmig.live.blueprint import create
from virtmig.live.device import VirtioDevice
from virtmig.live.procedure import OnStep, virtio_load
from virtmig.reading import target_endian
from virtmig.virtio.envelope import Envelope
from virtmig.virtio.state import VirtioState

REGISTRY = Registry()
"""Shared, as binding a driver takes longer than most tests."""

OURS = tuple(one for one in goldens() if one.device in ("virtio-net", "virtio-blk"))
"""The goldens of devices that have a plugin here."""


@functools.cache
def drivers(idstr: str, machine: str) -> Drivers:
    """Both drivers of a section."""
    return REGISTRY.drivers(idstr, machine)


def drivers_of(golden: Golden) -> Drivers:
    """Both drivers of a golden."""
    return drivers(golden.idstr, golden.machine)


def envelope_of(golden: Golden) -> Envelope:
    """The layout of a golden."""
    return drivers_of(golden).envelope


@functools.cache
def _parsed(index: int) -> VirtioState:
    golden = OURS[index]
    return envelope_of(golden).parse(golden.payload, golden.version_id)


def state_of(golden: Golden) -> VirtioState:
    """The decoded state of a golden; decoded once."""
    return _parsed(OURS.index(golden))


def facts_of(golden: Golden) -> dict[str, object]:
    """The facts that the golden's layout depends on, as they were found."""
    return {fact.name: fact.value for fact in state_of(golden).facts}


def is_pci(golden: Golden) -> bool:
    """Whether the golden's device is a PCI device, by its path."""
    return golden.arch == "x86"


def pick(
    device: str,
    where: Callable[[VirtioState], object] = lambda _: True,
    arch: str = "x86",
    name: str = "",
) -> Golden:
    """The first golden of that kind whose state answers `where`."""
    for golden in OURS:
        if (golden.device, golden.arch) != (device, arch) or name not in golden.name:
            continue
        if where(state_of(golden)):
            return golden
    raise LookupError(f"no golden of a {device} on {arch} like that")


def layout_kinds() -> list[Golden]:
    """One golden for each set of facts, subsections and optional fields that there is."""
    found: dict[object, Golden] = {}
    for golden in sorted(OURS, key=lambda one: len(one.payload)):
        state = state_of(golden)
        tails = [
            getattr(state.subsections, field.name)
            for field in attrs.fields(type(state.subsections))
        ]
        parts = (state.config, state.device, *state.queues[:1])
        shape = [
            golden.device,
            golden.arch,
            [tail is not None for tail in tails],
            [
                [value is None for value in attrs.asdict(part, recurse=False).values()]
                for part in parts
            ],
            len(getattr(state.device, "requests", ())) > 0,
            sorted((fact.name, fact.value) for fact in state.facts),
        ]
        found.setdefault(repr(shape), golden)
    return list(found.values())


def fresh(golden: Golden) -> VirtioDevice:
    """A live device as just plugged in, that can take the golden's state."""
    endian = target_endian(golden.machine, golden.idstr)
    return create(drivers_of(golden), state_of(golden), endian)


def loaded(golden: Golden, on_step: OnStep | None = None) -> VirtioDevice:
    """A live device with the golden's state in it."""
    device = fresh(golden)
    more = {} if on_step is None else {"on_step": on_step}
    virtio_load(device, drivers_of(golden), state_of(golden), None, **more)
    return device


def changed(state: Any, path: str, value: Any) -> Any:
    """The same state with one attribute changed; `path` may hold indices: `queues.0.num`."""
    return _put(state, path.split("."), value)


def _put(target: Any, steps: list[str], value: Any) -> Any:
    if not steps:
        return value
    name, *rest = steps
    if isinstance(target, tuple):
        index = int(name)
        return (*target[:index], _put(target[index], rest, value), *target[index + 1 :])
    return attrs.evolve(target, **{name: _put(getattr(target, name), rest, value)})
