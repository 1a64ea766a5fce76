"""Laws of live objects among each other: each is its own, and begins empty."""

from __future__ import annotations

import copy
import enum
import logging
import types
from collections.abc import Iterator
from typing import Any

import attrs

from virtmig.errors import shown
from virtmig.live.device import Transport, VirtioDevice
from virtmig.testing.bench import asked
from virtmig.testing.diff import equal
from virtmig.testing.draw import Draw, RandomDraw
from virtmig.testing.kit import law
from virtmig.testing.laws.freeing import FreeingLaws
from virtmig.testing.laws.live import same_parts, unlike_attributes
from virtmig.testing.looking import CORE, PLAIN, attributes, frozen, opaque, own
from virtmig.testing.report import LawBroken
from virtmig.wire.layout import ATTRIBUTE, layout_for

CONSTANT = (*PLAIN, tuple, frozenset, enum.Enum, logging.Logger, types.MappingProxyType)
MUTABLE = (list, dict, set, bytearray)
ENOUGH = 8
"""Examples after which a field that always followed the state is taken to follow it."""


@attrs.define
class Seen:
    """Attributes that are unlike a fresh device's after a load, or while a device runs.

    kind: their class. missed: what a load has worked out otherwise than the running device.
    """

    kind: str = ""
    loaded: set[str] = attrs.field(factory=set[str])
    running: set[str] = attrs.field(factory=set[str])
    missed: dict[str, str] = attrs.field(factory=dict[str, str])


class ObjectLaws(FreeingLaws):
    """What holds for two live objects of one plugin."""

    @law
    def test_devices_are_apart(self) -> None:
        """What happens to one device never shows in another one."""
        self.each_random(self._devices_are_apart, 20)

    def _devices_are_apart(self, draw: Draw) -> None:
        bench = self.bench()
        setting = bench.draw_state(draw)
        one, other = bench.scrambled(setting, draw), bench.scrambled(setting, draw)
        first, second = bench.save(one), bench.save(other)
        do = "keep state in the instance: no class attribute, no module variable, no plugin object"
        for found in same_parts(bench, first, bench.save(one)):
            text = found.said("saved", "after another device was saved")
            raise LawBroken(text, do=do, field=found.name, first="save_twice")
        if not all(self.comes_back(state, setting) for state in (first, second)):
            return  # with one device alone: the law load_save tells
        a, b, idle = (bench.fresh(setting) for _ in range(3))
        before = own(bench.live(idle))
        self.put(a, first)
        self.put(b, second)
        for device, state in ((a, first), (b, second)):
            for found in same_parts(bench, state, bench.save(device)):
                text = found.said("loaded", "after another device was loaded")
                raise LawBroken(text, do=do, field=found.name)
        for name, value, now in unlike_attributes(before, own(bench.live(idle))):
            text = f"{shown(value)}, and {shown(now)} after another device was loaded"
            raise LawBroken(text, do=do, field=self.called(idle, name))

    @law
    def test_made_anew(self) -> None:
        """Each device is a new object, and shares nothing that can change with another one."""
        bench = self.bench()
        setting = bench.draw_state(RandomDraw(1))
        one, other = bench.live(bench.fresh(setting)), bench.live(bench.fresh(setting))
        do = "make a new object each time; an attribute that can change needs a factory"
        if one is other:
            raise LawBroken("the same object is made twice", do=do, field=type(one).__name__)
        mine, theirs = attributes(one), attributes(other)
        for name in set(mine) & set(theirs) - CORE:
            if mine[name] is theirs[name] and _can_change(mine[name]):
                found = f"two devices have the same {type(mine[name]).__name__}"
                raise LawBroken(found, do=do, field=f"{type(one).__name__}.{name}")
        before = _class_values(one)
        state = bench.save(bench.scrambled(setting, RandomDraw(2)))
        bench.scramble(self.loaded(state, setting), setting, RandomDraw(3))
        after = _class_values(one)
        for name, value in before.items():  # a table that stays as it is may be there
            if value != after.get(name) or name.rpartition(".")[2] in self.field_names():
                found = f"a class attribute that all devices share: {shown(value)}"
                raise LawBroken(found, do=do, field=name)

    @law
    def test_created_empty(self) -> None:
        """The create hook takes properties from the state, and no state."""
        for name, pairs in self.given_and_made().items():
            plain = name.rpartition(".")[2]
            followed = all(equal(*pair) for pair in pairs)
            if len(pairs) >= ENOUGH and followed and plain not in self.properties:
                do = "leave it to the load hook; if it tells what the device is, and no guest "
                do += f"changes it: properties = ({plain!r},)"
                raise LawBroken("a device just made has it already", do=do, field=name)

    def given_and_made(self) -> dict[str, list[tuple[Any, Any]]]:
        """For each field, values of states, and what a device that was made for the state has."""
        seen: dict[str, list[tuple[Any, Any]]] = {}

        def look(draw: Draw) -> None:
            bench = self.bench()
            state, other = bench.draw_state(draw), bench.draw_state(draw)
            try:
                saved = bench.parts(bench.save(self._created(state)))
            except LawBroken:
                return
            for path, part in bench.parts(state).items():
                theirs = bench.parts(other).get(path)
                for name, value, one, rival in _triples(part, saved.get(path), theirs):
                    if value != rival:
                        seen.setdefault(name, []).append((value, one))

        self.each_random(look)
        return seen

    def _created(self, state: Any) -> VirtioDevice:
        """A device made by the hook, not by the author's test."""
        bench = self.bench()
        made = bench.created(state)
        if isinstance(made, VirtioDevice):
            bench.furnish(made, state, Transport())
            return made
        device = VirtioDevice()
        bench.furnish(device, state, made)
        return device

    @law
    def test_own_names(self) -> None:
        """Attributes of the plugin's own have other names than the core's."""
        bench = self.bench()
        live = bench.live(bench.fresh(bench.draw_state(RandomDraw(1))))
        base = _base(live)
        for cls in type(live).__mro__[: type(live).__mro__.index(base)]:
            declared = {*vars(cls).get("__annotations__", {}), *vars(cls)} - {"__doc__"}
            for name in sorted(declared & CORE):
                do = f"give it another name: {name} belongs to the core, which sets it in each load"
                raise LawBroken("declared a second time", do=do, field=f"{cls.__name__}.{name}")

    @law
    def test_post_load_again(self) -> None:
        """post_load only works out: done once more, it changes nothing."""
        self.each(self._post_load_again, 15)

    def _post_load_again(self, draw: Draw) -> None:
        bench = self.bench()
        setting = bench.draw_state(draw)
        device = self.loaded(bench.save(bench.scrambled(setting, draw)), setting)
        before = own(bench.live(device))
        if bench.subject.kind == "device":
            with asked("let post_load work on any device that was loaded"):
                bench.drivers.device.post_load(device)
        for name, value, now in unlike_attributes(before, own(bench.live(device))):
            do = "let post_load set what it sets from features and state, not change what it finds"
            found = f"{shown(value)} after a load, {shown(now)} after post_load once more"
            raise self.derived_wrong(self.called(device, name), found, do)

    @law
    def test_derived(self) -> None:
        """Each attribute declared as derived is worked out by a load."""
        seen = Seen()
        if self.derived:
            self.each_random(lambda draw: self._worked_out(draw, seen))
        for name, text in seen.missed.items():
            if name in seen.running:  # what scramble never sets is for the load alone to work out
                do = "let post_load work out what the running device holds; or let scramble set "
                do += "it as a running device does, or not at all"
                raise self.derived_wrong(f"{seen.kind}.{name}", text, do)
        self._all_worked_out(seen)

    def _all_worked_out(self, seen: Seen) -> None:
        """Each derived attribute changes in a load; what scramble never sets is not compared."""
        for name in self.derived:
            if name not in seen.loaded:
                do = "work it out in post_load from features and state; or take it out of `derived`"
                found = "after no load it is other than in a fresh device"
                first = "every_field_changes"
                raise LawBroken(found, do=do, field=f"{seen.kind}.{name}", first=first)
        if left := [name for name in self.derived if name not in seen.running]:
            text = "never set by scramble as the running device would, so no law tries its formula"
            self.note(f"{seen.kind}.{', '.join(left)}: {text}")

    def _worked_out(self, draw: Draw, seen: Seen) -> None:
        bench = self.bench()
        setting = bench.draw_state(draw)
        used = bench.scrambled(setting, draw)
        device = self.loaded(bench.save(used), setting)
        fresh, running, now = (own(bench.live(one)) for one in (bench.fresh(setting), used, device))
        seen.kind = type(bench.live(device)).__name__
        seen.loaded.update(name for name, *_ in unlike_attributes(fresh, now))
        seen.running.update(name for name, *_ in unlike_attributes(fresh, running))
        for name, value, loaded in unlike_attributes(running, now):
            if name in self.derived:
                found = f"{shown(value)} in the saved device, {shown(loaded)} after a load"
                seen.missed[name] = found


def _class_values(live: Any) -> dict[str, Any]:
    """What the classes of a live object hold that can change, frozen; a table may stay there."""
    found: dict[str, Any] = {}
    for cls in type(live).__mro__[: type(live).__mro__.index(_base(live))]:
        held: Any = vars(cls)
        for name, value in held.items():
            if not name.startswith("__") and issubclass(type(value), MUTABLE):
                found[f"{cls.__name__}.{name}"] = frozen(value)
    return found


def _base(live: Any) -> type[Any]:
    """The core's class that a live object is of."""
    return next(cls for cls in type(live).__mro__ if cls.__module__.startswith("virtmig.live"))


def _can_change(value: Any) -> bool:
    """Whether an object that two devices have can become another one for both."""
    if isinstance(value, CONSTANT) or type(value) is object or ATTRIBUTE in type(value).__dict__:
        return False
    return not (_is_code(value) or _by_value(value) or _copies_as_itself(value))


def _is_code(value: Any) -> bool:
    return opaque(value) or (callable(value) and not attributes(value))


def _by_value(value: Any) -> bool:
    """Whether it has a hash of what it holds, as only what stays the same may have."""
    kind: type[Any] = value.__class__
    try:
        hash(value)
    except Exception:  # noqa: BLE001  a foreign object may fail in any way
        return False
    return getattr(kind, "__eq__", None) is not getattr(object, "__eq__", None)


def _copies_as_itself(value: Any) -> bool:
    """Whether Python takes it for one that needs no copy; a class that only says so may err."""
    try:
        return not hasattr(value, "__deepcopy__") and copy.deepcopy(value) is value
    except Exception:  # noqa: BLE001  a foreign object may fail in any way
        return False


def _triples(part: Any, saved: Any, other: Any) -> Iterator[tuple[str, Any, Any, Any]]:
    """Name and the three values of each field of three records of one class."""
    if type(part) is type(saved) is type(other):
        for field in layout_for(part).all_fields:
            name = f"{type(part).__name__}.{field.name}"
            yield name, *(getattr(one, field.name) for one in (part, saved, other))
