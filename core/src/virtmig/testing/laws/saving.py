"""Laws of a save: it only reads, it says what the device holds, in the declared types."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from typing import Any

from virtmig.errors import VirtmigError, shown
from virtmig.testing.diff import differences, equal, told_kind
from virtmig.testing.draw import Draw
from virtmig.testing.inside import innermost
from virtmig.testing.kit import law
from virtmig.testing.laws.live import LiveKit, same_parts, unlike_attributes
from virtmig.testing.looking import CORE, attributes, everything, own
from virtmig.testing.report import LawBroken
from virtmig.testing.watching import another_day
from virtmig.wire.layout import layout_for


class SaveLaws(LiveKit):
    """What a save must not do."""

    @law
    def test_save_twice(self) -> None:
        """Saving twice gives the same, and changes nothing in the device."""
        self.each(self._save_twice)

    def _save_twice(self, draw: Draw) -> None:
        bench = self.bench()
        device = bench.scrambled(bench.draw_state(draw), draw)
        before, held = everything(device), own(bench.live(device))
        one = bench.save(device)
        kept = copy.deepcopy(one)
        for name, value, now in unlike_attributes(held, own(bench.live(device))):
            text = f"{told_kind(value)} before a save, {told_kind(now)} after it"
            do = "let the save hook only read"
            raise LawBroken(text, do=do, field=self.called(device, name))
        if (after := everything(device)) != before:
            place, ours, now = innermost(type(bench.live(device)).__name__, before, after)
            text = f"a save changed the device: {told_kind(ours)} before, {told_kind(now)} after it"
            raise LawBroken(text, do="let the save hook only read; sort a copy", field=place)
        with another_day():
            second = bench.save(device)
        for found in same_parts(bench, one, second):
            do = "save the device's state and nothing else: no clock, no counter, no chance"
            raise LawBroken(found.said("first save", "second"), do=do, field=found.name)
        bench.scramble(device, one, draw)
        for found in same_parts(bench, kept, one):
            do = "give a copy to the record: a tuple, bytes, a frozenset"
            text = found.said("record saved", "same record after the device went on")
            raise LawBroken(text, do=do, field=found.name)

    @law
    def test_saved_types(self) -> None:
        """What is saved has the declared types: a number is no bool, a tuple no list."""
        self.each(self._saved_types)

    def _saved_types(self, draw: Draw) -> None:
        bench = self.bench()
        state, payload = bench.payload(bench.save(bench.scrambled(bench.draw_state(draw), draw)))
        facts = {fact.name: fact.value for fact in state.facts}
        try:
            again = bench.layout.parse(payload, bench.version, facts)
        except VirtmigError as error:
            do = "let the declaration read what it writes; the law `exact` says more"
            text = f"what was saved is not read back: {error}"
            raise LawBroken(text, do=do, field=error.where.path) from error
        ours, theirs = bench.parts(state), bench.parts(again)
        for name, part in ours.items():
            for found in differences(part, theirs.get(name), name, types=True):
                do = "give the record a value of the annotation's very type"
                raise LawBroken(found.said("saved", "read back"), do=do, field=found.name)

    @law
    def test_names_mean_the_same(self) -> None:
        """A live attribute that has the name of a field holds what is saved in that field."""
        self.each(self._names_mean_the_same)

    def _names_mean_the_same(self, draw: Draw) -> None:
        bench = self.bench()
        device = bench.scrambled(bench.draw_state(draw), draw)
        held = attributes(bench.live(device))
        for part in bench.parts(bench.save(device)).values():
            for name, saved, live in _namesakes(part, held):
                alike = type(saved) is type(live) or (type(saved), type(live)) == (int, float)
                if alike and not equal(saved, live):
                    field = f"{type(part).__name__}.{name}"
                    text = f"{self.called(device, name)} is {shown(live)}, saved is {shown(saved)}"
                    do = "save it in its own field; if it means something else: "
                    do += f"converted = ({name!r},)"
                    if name not in self.converted:
                        raise LawBroken(text, do=do, field=field)


def _namesakes(part: Any, held: dict[str, Any]) -> Iterator[tuple[str, Any, Any]]:
    """Fields with an attribute of their name that is not the core's: name and both values."""
    for field in layout_for(part).all_fields:
        if field.name in held and field.name not in CORE:
            yield field.name, getattr(part, field.name), held[field.name]
