"""Laws of live objects: what is loaded is what was saved, and nothing else changes."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

from virtmig.errors import EncodeError, LoadRefused, shown
from virtmig.live.device import VirtioDevice
from virtmig.testing.bench import Bench
from virtmig.testing.diff import Difference, differences, fields_of, kind_of, told_kind
from virtmig.testing.draw import Draw
from virtmig.testing.drawn import drawing, record_classes
from virtmig.testing.inside import how_to_put_back, innermost
from virtmig.testing.kit import Kit, law
from virtmig.testing.looking import doubtful, on_queues, own
from virtmig.testing.near import Tried, neighbours
from virtmig.testing.report import LawBroken
from virtmig.testing.whole import LIVE
from virtmig.virtio.state import VirtioState
from virtmig.wire.layout import layout_of

FRESH = "a fresh device"
"""What a state is loaded into, if nothing else is said."""
UNNAMED = "a refusal without a path"
"""What two laws have in common that tell of one."""


LATE = (
    "work it out in load_outer as well, which runs after post_load: what it brings is not there "
    "before; or take it from what is loaded by then"
)


class LiveKit(Kit):
    """Base of the classes whose drivers have live objects.

    derived: live attributes that are worked out anew after a load. not_scrambled: record fields
    that can have one value only, or that no guest can change. normalised: record fields that a
    load may bring into range. properties: record fields that tell what the device is: the create
    hook takes them from the state, and no guest changes them. converted: record fields whose value
    a live attribute of the same name holds in another form.
    """

    derived: tuple[str, ...] = ()
    not_scrambled: tuple[str, ...] = ()
    normalised: tuple[str, ...] = ()
    properties: tuple[str, ...] = ()
    converted: tuple[str, ...] = ()

    def bench(self) -> Bench:
        """Live objects of the driver under test."""
        raise NotImplementedError

    def loaded(self, state: VirtioState, setting: VirtioState) -> VirtioDevice:
        """A fresh device with a state in it that was saved; refusing it is a broken law."""
        device = self.bench().fresh(setting)
        self.put(device, state)
        return device

    def put(self, device: VirtioDevice, state: VirtioState) -> None:
        """Load a state that was saved of a device with the same properties."""
        try:
            self.bench().load(device, state)
        except LoadRefused as error:
            do = "accept what save returns; or let scramble draw only what a guest can reach"
            text = f"a state that was saved is refused: {error}"
            raise LawBroken(text, do=do, field=error.where.path, first=LIVE) from error

    def comes_back(self, state: VirtioState, setting: VirtioState) -> bool:
        """Whether a fresh device that is given a saved state saves it again.

        If not, that is for the law load_save to tell, and no other law takes the blame.
        """
        bench = self.bench()
        device = bench.fresh(setting)
        try:
            bench.load(device, state)
        except LoadRefused:
            return False
        return not same_parts(bench, state, bench.save(device))

    def near_states(self, draw: Draw, tried: Tried) -> Iterator[VirtioState]:
        """States as a device saves them, but for one field in each.

        tried: as for `neighbours`; one for all examples of a law.
        """
        bench = self.bench()
        setting = bench.draw_state(draw)
        state, _ = bench.payload(bench.save(bench.scrambled(setting, draw)))
        if not self.comes_back(state, setting):
            return  # that is for load_save to tell
        tried.index = len(state.queues)
        for path, part in bench.parts(state).items():
            kind: type[Any] = part.__class__
            with drawing(bench.subject.driver):
                drawn = draw.record(kind)
            for changed in neighbours(part, drawn, tried):
                made = bench.put(state, {path: changed})
                with contextlib.suppress(EncodeError):
                    bench.layout.unparse(made, bench.version)
                    yield made

    def field_names(self) -> list[str]:
        """Names of all fields of the driver's records."""
        classes: list[type[Any]] = record_classes(self.bench().subject.driver)
        return [field.name for cls in classes for field in layout_of(cls).all_fields]

    def attributes(self, device: VirtioDevice) -> dict[str, Any]:
        """The plugin's own attributes that are not derived, frozen."""
        found = own(self.bench().live(device)) | on_queues(device)
        return {name: value for name, value in found.items() if name not in self.derived}

    def derived_wrong(self, attribute: str, text: str, do: str) -> LawBroken:
        """What is wrong with an attribute after a load, if it may be a derived one."""
        name = attribute.rpartition(".")[2]
        late = name in self.derived and self.bench().drivers.device.driver.outer is not None
        broken = LawBroken(text, do=LATE if late else do, field=attribute)
        broken.fault = f"derived {name}" if late else ""
        return broken

    def called(self, device: VirtioDevice, name: str) -> str:
        """`LiveEcho.tag`."""
        return f"{type(self.bench().live(device)).__name__}.{name}"


def same_parts(bench: Bench, one: VirtioState, other: VirtioState) -> list[Difference]:
    """Where the records of the driver under test differ in two states; a count behind its list."""
    ours, theirs = bench.parts(one), bench.parts(other)
    found: list[Difference] = []
    for name in dict.fromkeys((*ours, *theirs)):
        found += differences(ours.get(name), theirs.get(name), name)
    return sorted(found, key=lambda one: one.field in bench.counts)


def attribute_fault(name: str) -> str:
    """What two laws have in common that tell of the same attribute."""
    return f"attribute {name}"


def unlike_attributes(one: dict[str, Any], other: dict[str, Any]) -> list[tuple[str, Any, Any]]:
    """Names and values of attributes that differ."""
    names = dict.fromkeys((*one, *other))
    pairs = [(name, one.get(name), other.get(name)) for name in names]
    return [pair for pair in pairs if pair[1] != pair[2]]


class RoundTripLaws(LiveKit):
    """What a load and a save have to do together."""

    @law
    def test_load_save(self) -> None:
        """A fresh device that is given what another one saved saves the same again."""
        self.each(self._load_save)

    def _load_save(self, draw: Draw) -> None:
        bench = self.bench()
        setting = bench.draw_state(draw)
        device = bench.scrambled(setting, draw)
        state, payload = bench.payload(bench.save(device))
        other = self.loaded(state, setting)
        again = bench.save(other)
        for found in same_parts(bench, state, again):
            do = "put back in the load hook what the save hook takes, each into its own attribute"
            raise LawBroken(found.said("saved", "after a load"), do=do, field=found.name)
        for found in differences(state.common, again.common, "common"):
            do = "change nothing of the core's in a load hook; what a field and the core share in "
            do += "name has to be left out of restore()"
            raise LawBroken(found.said("saved", "after a load"), do=do, field=found.name)
        if bench.payload(again)[1] != payload:
            do = "save values of the declared Python types"
            raise LawBroken("equal states give other bytes", do=do)

    @law
    def test_nothing_is_forgotten(self) -> None:
        """After a load every live attribute is what it was in the device that was saved."""
        self.each(self._nothing_is_forgotten)

    def _nothing_is_forgotten(self, draw: Draw) -> None:
        bench = self.bench()
        setting = bench.draw_state(draw)
        device = bench.scrambled(setting, draw)
        state, _ = bench.payload(bench.save(device))
        other = self.loaded(state, setting)
        if not self.comes_back(state, setting):
            return  # that is for load_save to tell
        held = self.attributes(device)
        for name, text in doubtful(held, self.attributes(other)):
            self.note(f"{self.called(device, name)}: {text}")
        for name, one, two in unlike_attributes(held, self.attributes(other)):
            place, ours, theirs = innermost(name, one, two)
            text = f"{told_kind(ours)} in the saved device, {told_kind(theirs)} in the loaded one"
            do = how_to_put_back(place, ours) or self._remember(name, state, one, two)
            if name not in held:
                text = f"a load sets it to {told_kind(two)}, no device that was made has it"
                do = "let each device have it from the start; or do without, if it is a copy of "
                do += "what was loaded, or a mark that something was"
            broken = LawBroken(text, do=do, field=self.called(device, place))
            broken.fault = attribute_fault(name)
            raise broken

    def _remember(self, name: str, state: VirtioState, value: Any, loaded: Any) -> str:
        """What to do about an attribute that a load does not put back."""
        kinds = [kind_of(value), kind_of(loaded)]
        values = [
            held
            for path, part in self.bench().parts(state).items()
            for field, _, held in fields_of(part, path)
            if field.rpartition(".")[2] == name
        ]
        if kinds[0] != kinds[1] and all(kinds):
            return f"give it the same type in a load as while the device runs: {kinds[0]}(...)"
        if name in self.field_names() and all(held is None for held in values):
            do = "where the state lacks the field (None, or a part that is not there), put back "
            return f"{do}what a fresh device has: {shown(value)}"
        if name in self.field_names():
            return "it is a field of the record: save it from this attribute, and load it back"
        do = "save it and load it back; if post_load works it out from what was loaded: "
        return f"{do}derived = ({name!r},), and let scramble set it as the running device would"

    @law
    def test_every_field_changes(self) -> None:
        """Each field of the record is different at least once after the device has changed."""
        for start in (FRESH, "a device that was loaded"):
            self._every_field_changes(start)

    def _every_field_changes(self, start: str) -> None:
        seen: dict[str, set[str]] = {}

        def look(draw: Draw) -> None:
            bench = self.bench()
            setting = bench.draw_state(draw)
            device = bench.negotiated(setting)
            if start != FRESH:
                state, _ = bench.payload(bench.save(bench.scrambled(setting, draw)))
                self.put(device, state)
                before = self._values(state)
            else:
                before = self._values(self._save_or_nothing(device))
            bench.scramble(device, setting, draw)
            after = self._values(bench.save(device))
            for name, value in after.items():
                seen.setdefault(name, set())
                if value != before.get(name):
                    seen[name].add(value)

        self.each_random(look)
        fixed = {*self.not_scrambled, *self.properties}
        lists_first = sorted(seen.items(), key=lambda item: item[0] in self.bench().counts)
        for name, values in lists_first:
            if not values and name.rpartition(".")[2] not in fixed:
                raise self._never(name, start)

    def _never(self, name: str, start: str) -> LawBroken:
        plain = name.rpartition(".")[2]
        do = "save it from the live object, and let scramble change what it is saved from; if it "
        do += f"can have one value only: not_scrambled = ({plain!r},)"
        text = f"in {2 * self.examples} examples it never changed, starting with {start}"
        first = "" if start == FRESH else "goes_on"
        return LawBroken(text, do=do, field=name, first=first)

    def _save_or_nothing(self, device: VirtioDevice) -> VirtioState | None:
        """What a fresh object saves; a transport may refuse before anything was loaded."""
        try:
            return self.bench().save(device)
        except LawBroken as error:
            if isinstance(error.__cause__, LoadRefused):
                return None
            raise

    def _values(self, state: VirtioState | None) -> dict[str, str]:
        """The value of each field, by name; of a field in many places, all of them."""
        found: dict[str, str] = {}
        for path, part in (self.bench().parts(state) if state is not None else {}).items():
            for name, _, value in fields_of(part, path):
                found[name] = found.get(name, "") + repr(value)
        return found
