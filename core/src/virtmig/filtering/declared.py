"""Requests held against what the installed drivers declare, before there is any stream."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Iterator
from typing import Any

from virtmig.editing import values
from virtmig.editing.devices import FEATURES, Device
from virtmig.editing.paths import DEEPEST, Place, nearest
from virtmig.editing.requests import Drop, Request, Set
from virtmig.errors import EditError, NoDriver, NoSuchPath, PluginError
from virtmig.hooks.registry import Drivers, Registry
from virtmig.reading import Attached, Decoded
from virtmig.stream.sections import Section, SectionKind


def check_declared(requests: Iterable[Request], registry: Registry) -> None:
    """Refuse a request that no device of any machine could follow, with the drivers installed."""
    for request in requests:
        if isinstance(request, Set | Drop):
            _check(request, registry)


def _check(request: Set | Drop, registry: Registry) -> None:
    """Return if any kind of device can follow the request; else raise the likeliest reason."""
    errors: list[EditError] = []
    for device in _kinds(request.device, registry):
        try:
            _try(device, request)
        except EditError as error:
            errors.append(error.in_section(request.device))
        else:
            return
    values_ = [error for error in errors if not isinstance(error, NoSuchPath)]
    raise max(values_ or errors, key=lambda error: _likeness(error, request))


def _likeness(error: EditError, request: Set | Drop) -> float:
    """How much the names in an error's hint are like what was asked for, from 0 to 1."""
    _, _, names = error.hint.partition(": ")
    asked = (request.path, request.value) if isinstance(request, Set) else (request.name,)
    pairs = ((one, name) for one in asked for name in filter(None, names.split(", ")))
    return max((difflib.SequenceMatcher(None, *pair).ratio() for pair in pairs), default=0.0)


def _kinds(wanted: str, registry: Registry) -> Iterator[Device]:
    """Every kind of device that a name may mean, on every transport, without any state."""
    name = wanted.rpartition("/")[2].partition("#")[0]
    known = registry.device_names | registry.section_names
    if name and name not in known:
        reason = f"no driver is installed for {name!r}, so nothing in it can be changed"
        raise NoDriver(reason, hint=nearest(name, sorted(known)))
    for each in [name] if name else sorted(known):
        try:
            yield from _kind(each, registry)
        except PluginError:
            if name:  # else it is one of many, and its devices stay bytes
                raise


def _kind(name: str, registry: Registry) -> Iterator[Device]:
    nothing: Any = None
    if name in registry.section_names:
        bound = registry.section(name)
        yield Device(Attached(_section(name, bound.driver.version), bound, nothing))
        return
    device = registry.device(name)
    for transport in registry.transports.values():
        section = _section(name, device.driver.version)
        yield Device(Decoded(section, Drivers(transport, device), nothing, "little"))


def _section(name: str, version: int) -> Section:
    """A section of which nothing is known but its kind."""
    return Section(
        kind=SectionKind.FULL,
        section_id=0,
        idstr=name,
        instance_id=0,
        version_id=version,
        header=0,
        start=0,
        end=0,
        footer=True,
    )


def _try(device: Device, request: Set | Drop) -> None:
    if isinstance(request, Drop):
        _try_drop(device, request)
    elif request.path == FEATURES:
        if isinstance(device.found, Attached):
            raise NoSuchPath("a section without virtio has no features", path=FEATURES)
        values.number(request.value, device.features)
    else:
        place = device.paths.resolve(request.path)
        if request.operator == "=" or not values.is_number(place.kind):
            values.parse(place.kind, device.names(place), request.value, None, request.operator)
        else:  # whether the outcome fits depends on what is there
            values.number(request.value, device.names(place), place.kind)


def _try_drop(device: Device, request: Drop) -> None:
    tails = [place for place in _places(device) if place.fields[-1].type.tail is not None]
    if not any(request.name in (one.path, one.steps[-1]) for one in tails):
        hint = nearest(request.name, [str(one.steps[-1]) for one in tails])
        raise NoSuchPath("no such subsection", path=request.name, hint=hint)


def _places(device: Device) -> Iterator[Place]:
    """Every declared field, with those that hold records."""
    waiting = device.paths.roots()
    while waiting:
        place = waiting.pop()
        if place.fields:
            yield place
        if len(place.steps) < DEEPEST:
            waiting += device.paths.below(place)
