"""Laws of drawn states: any state that bytes can hold is refused whole, or kept whole."""

from __future__ import annotations

import contextlib
import copy
import functools
from collections.abc import Iterator
from typing import Any

import attrs

from virtmig.errors import EncodeError, LoadRefused
from virtmig.live.device import VirtioDevice
from virtmig.testing.diff import differences, is_record, told_kind
from virtmig.testing.draw import Draw, RandomDraw
from virtmig.testing.keeping import how_to_keep
from virtmig.testing.kit import law
from virtmig.testing.laws.live import LiveKit, same_parts, unlike_attributes
from virtmig.testing.looking import everything
from virtmig.testing.near import Tried, one_changed
from virtmig.testing.report import LawBroken
from virtmig.virtio.state import VirtioState
from virtmig.wire.layout import layout_for

ALONE = "all else being as in a fresh device, loaded"
NEAR = "all else being as a device saved it, loaded"
MOSTLY = 2
"""So many times as many states refused as kept are worth a note."""
NEAR_ONES = 3
"""Saved states whose neighbours are looked at before that is said."""


class StateLaws(LiveKit):
    """What holds for states that were not saved by the plugin itself."""

    @law
    def test_any_state(self) -> None:
        """A state is refused by DeviceMismatch without a trace in the device, or kept whole."""
        refused: list[str] = []
        kept = 0

        def look(draw: Draw) -> None:
            nonlocal kept
            before = len(refused)
            self._any_state(draw, refused)
            kept += len(refused) == before

        self.each(look)
        if len(refused) > MOSTLY * kept and not (kept and self._near_ones_kept()):
            text = f"{len(refused)} of {len(refused) + kept} drawn states were refused"
            self.note(f"any_state: {text}, the first with {refused[0]!r}")

    def _near_ones_kept(self) -> bool:
        """Whether states near a saved one come past what a device refuses most drawn ones for."""
        bench, tried = self.bench(), Tried(self.properties)
        kept: list[bool] = []
        for number in range(NEAR_ONES):
            with contextlib.suppress(LawBroken):  # that is for the law one_field_changed to tell
                near = self.near_states(RandomDraw(number), tried)
                kept.extend(not self._refused(bench.fresh(one), one, []) for one in near)
        return kept.count(False) <= MOSTLY * kept.count(True)

    def _any_state(self, draw: Draw, refused: list[str]) -> None:
        bench = self.bench()
        state = bench.draw_state(draw)
        device = bench.fresh(state)
        if self._refused(device, state, refused):
            return
        self._kept(state, bench.save(device), "loaded")

    @law
    def test_one_field_changed(self) -> None:
        """A saved state with one field changed is refused without a trace, or kept whole."""
        tried = Tried(self.properties)
        self.each_random(functools.partial(self._one_field_changed, tried=tried), self.examples)

    def _one_field_changed(self, draw: Draw, tried: Tried) -> None:
        bench = self.bench()
        for state in self.near_states(draw, tried):
            device = bench.fresh(state)
            if not self._refused(device, state, []):
                self._kept(state, bench.save(device), NEAR)

    def _refused(self, device: VirtioDevice, state: VirtioState, reasons: list[str]) -> bool:
        """Whether the device refuses the state; then it must be as it was, and the state too."""
        bench = self.bench()
        before, given = everything(device), copy.deepcopy(bench.parts(state))
        try:
            bench.load(device, state)
        except LoadRefused as error:
            if everything(device) != before:
                do = "check everything first, and change the device after that"
                text = f"refused with {error.reason!r}, but the device is not what it was"
                raise LawBroken(text, do=do, field=error.where.path) from None
            reasons.append(error.reason)
            return True
        for name, part in bench.parts(state).items():
            for found in differences(given[name], part, name):
                do = "do not change a record that a hook is given; copy what the device changes"
                raise LawBroken(found.said("given", "after the load"), do=do, field=found.name)
        return False

    def _kept(self, state: VirtioState, again: VirtioState, what: str) -> None:
        fixed = self.normalised
        for found in same_parts(self.bench(), state, again):
            plain = found.field.rpartition(".")[2]
            if plain in fixed:
                continue
            do = how_to_keep(self.bench(), found, state)
            raise LawBroken(found.said(what, "then saved"), do=do, field=found.name)

    @law
    def test_half_way(self) -> None:
        """A load that fails behind the plugin's hooks leaves nothing of the state in the device."""
        self.each(self._half_way, 10)

    def _half_way(self, draw: Draw) -> None:
        bench = self.bench()
        setting = bench.draw_state(draw)
        state = bench.save(bench.scrambled(setting, draw))
        device = bench.scrambled(setting, draw)
        saved, before, held = bench.save(device), everything(device), self.attributes(device)

        def stop(step: Any, *_: object) -> None:
            if step.name in ("post_load", "load_outer"):
                raise Stopped

        try:
            bench.load(device, state, stop)
        except Stopped:
            pass
        except LoadRefused:
            return
        do = "keep state in attributes of the live object: the core puts those back, and no more"
        for name, one, two in unlike_attributes(held, self.attributes(device)):
            text = f"after a failed load it is {told_kind(two)}, before it {told_kind(one)}"
            do = "make a new object of it in the load hook, and do not change the one that is there"
            do += ": the core puts back attributes, and what is in them only as far as it is copied"
            raise LawBroken(text, do=do, field=self.called(device, name))
        if everything(device) != before:
            raise LawBroken("after a failed load the device is not what it was", do=do)
        for found in same_parts(bench, saved, bench.save(device)):
            text = found.said("saved before a load that failed", "saved after it")
            raise LawBroken(text, do=do, field=found.name, first="save_twice")

    @law
    def test_record_is_not_shared(self) -> None:
        """A record that was loaded does not change when the device goes on."""
        self.each(self._record_is_not_shared, 15)

    def _record_is_not_shared(self, draw: Draw) -> None:
        bench = self.bench()
        setting = bench.draw_state(draw)
        state = bench.save(bench.scrambled(setting, draw))
        kept = copy.deepcopy(bench.parts(state))
        device = self.loaded(state, setting)
        bench.scramble(device, setting, draw)
        bench.save(device)
        for name, part in bench.parts(state).items():
            for found in differences(kept[name], part, name):
                do = "copy what is mutable in a load hook: list(...), dict(...), bytearray(...)"
                raise LawBroken(found.said("loaded", "later"), do=do, field=found.name)

    @law
    def test_without_subsections(self) -> None:
        """A state without an optional subsection loads, and is saved without it."""
        self.each(self._without_subsections, 20)

    def _without_subsections(self, draw: Draw) -> None:
        bench = self.bench()
        setting = bench.draw_state(draw)
        state, _ = bench.payload(bench.save(bench.scrambled(setting, draw)))
        if not self.comes_back(state, setting):
            return  # not for want of a subsection
        for name, part in bench.parts(state).items():
            for field, smaller in without_tails(part):
                if field.rpartition(".")[2] not in self.properties:
                    lesser = bench.put(state, {name: smaller})
                    for device, kind in self._takers(state, lesser, draw):
                        self._without(lesser, field, device, kind)

    def _takers(
        self, state: VirtioState, lesser: VirtioState, draw: Draw
    ) -> Iterator[tuple[VirtioDevice, str]]:
        """Devices that have to take the lesser one of two states, and what they are."""
        bench = self.bench()
        yield bench.fresh(lesser), "a fresh device"
        yield bench.scrambled(lesser, draw), "a device in use"
        device = bench.fresh(lesser)
        with contextlib.suppress(LoadRefused):  # it may be that it is no such device
            bench.load(device, state)
            yield device, "a device that had it"

    def _without(self, state: VirtioState, field: str, device: VirtioDevice, kind: str) -> None:
        bench = self.bench()
        do = "send a subsection only if it is not the default, and put the default back without it"
        try:
            bench.load(device, state)
        except LoadRefused as error:
            text = f"an older stream, which lacks it, is refused: {error}"
            raise LawBroken(text, do=do, field=field) from error
        for found in same_parts(bench, state, bench.save(device)):
            told = found.said("loaded", "then saved")
            if found.field == field:
                text = f"a state without it, into {kind}: {told}"
                raise LawBroken(text, do=do, field=field)
            text = f"a state without {field}, into {kind}: {told}"
            do = f"set it in the load hook, whether {field} is there or not"
            raise LawBroken(text, do=do, field=found.name, first="load_replaces")

    @law
    def test_each_field_alone(self) -> None:
        """A single field that differs from a fresh device's is kept, whichever it is."""
        self.each(self._each_field_alone, 12)

    def _each_field_alone(self, draw: Draw) -> None:
        bench = self.bench()
        setting = bench.draw_state(draw)
        try:
            plain, _ = bench.payload(bench.save(bench.negotiated(setting)))
        except LawBroken:
            return  # a fresh object that cannot be saved: another law's business
        drawn = bench.parts(setting)
        for name, part in bench.parts(plain).items():
            if type(drawn.get(name)) is type(part):
                for changed in one_changed(part, drawn[name]):
                    self._alone(bench.put(plain, {name: changed}))

    def _alone(self, state: VirtioState) -> None:
        bench = self.bench()
        try:
            bench.layout.unparse(state, bench.version)
            device = bench.fresh(state)
            bench.load(device, state)
        except (EncodeError, LoadRefused):
            return
        self._kept(state, bench.save(device), ALONE)


class Stopped(Exception):
    """A load was stopped by the kit."""


def without_tails(record: Any) -> Iterator[tuple[str, Any]]:
    """The record without one of its subsections, or one of those of its parts."""
    layout = layout_for(record)
    for field in layout.all_fields:
        value = getattr(record, field.name)
        if value is None or not is_record(value):
            continue
        if field.type.tail is not None:
            yield (
                f"{type(record).__name__}.{field.name}",
                attrs.evolve(record, **{field.name: None}),
            )
        for name, smaller in without_tails(value):
            yield name, attrs.evolve(record, **{field.name: smaller})
