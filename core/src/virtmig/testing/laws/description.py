"""Laws of what a description says beside the layout: rules, names of bits, defects, answers."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator, Mapping
from typing import Any, TypeVar

import attrs

from virtmig.errors import VirtmigError, shown, told
from virtmig.testing.diff import is_record
from virtmig.testing.draw import Draw
from virtmig.testing.kit import law
from virtmig.testing.laws.contract import ContractLaws
from virtmig.testing.laws.facts import check_view
from virtmig.testing.report import LawBroken
from virtmig.virtio.defects import OLDEST, Defect, Diagnosis, Patient, Target, release_of
from virtmig.virtio.state import VirtioState
from virtmig.wire.layout import FieldSpec, layout_for, layout_of
from virtmig.wire.meaning import FeatureBits, Verdict
from virtmig.wire.types import Fixed, Form

R = TypeVar("R")
VERDICT = "give a Verdict with a reason, of any two values, of which either may be None"
IDSTR = "0000:00:04.0/{}"
TARGETS = (
    Target(),
    Target(release=OLDEST, machine="pc-q35-5.2"),
    Target(release=(99, 0), machine="pc-q35-99.0"),
)
"""Nothing is known of it; the oldest; one that is newer than any."""


class DescriptionLaws(ContractLaws):
    """What holds for the description of every driver."""

    def bench(self) -> Any:
        """Draws states of the driver under test."""
        raise NotImplementedError

    def states(self, draw: Draw) -> Iterator[Any]:
        """A drawn state, and what a device saves that a guest has used, if there is one."""
        bench = self.bench()
        setting = bench.draw_state(draw)
        yield setting
        if hasattr(bench, "scrambled"):
            yield bench.payload(bench.save(bench.scrambled(setting, draw)))[0]

    def writable(self, state: Any) -> str:
        """Why a state cannot be written; empty if it can be."""
        try:
            self.bench().layout.unparse(state, self.bench().version)
        except Exception as error:  # noqa: BLE001  a wrong record fails in any way
            return told(error)
        return ""

    @law
    def test_bits(self) -> None:
        """Names of bits are of bits that the field has, each a name of its own."""
        for field, where in self._fields():
            named: Any = field.bits
            if isinstance(field.bits, Mapping):
                _bit_names({**field.bits}, field, where)
            elif named is not None and not isinstance(named, FeatureBits):
                do = "give a dict of bit numbers and names, or FeatureBits(...)"
                raise LawBroken(f"its bits are {shown(named)}", do=do, field=where)

    def _fields(self) -> Iterator[tuple[FieldSpec, str]]:
        for cls in self.record_classes():
            for field in layout_of(cls).all_fields:
                yield field, f"{cls.__name__}.{field.name}"

    @law
    def test_edit_rules(self) -> None:
        """The rule for edits of a field gives a verdict with a reason, also where it is absent."""
        for field, where in self._fields():
            rule: Any = field.edit
            if rule is not None and not callable(rule):
                _verdict(rule, f"the rule {shown(rule)}", where)
        seen: dict[str, Any] = {}
        self.each_random(lambda draw: self._edit_rules(draw, seen))

    def _edit_rules(self, draw: Draw, seen: dict[str, Any]) -> None:
        for state in self.states(draw):
            for part in self.bench().parts(state).values():
                for where, rule, value in _ruled(part):
                    old = seen.setdefault(where, value)
                    for one, other in ((old, value), (None, value), (value, None)):
                        of = f"the rule for {shown(one)} -> {shown(other)}"
                        made = called(functools.partial(rule, one, other), of, VERDICT, where)
                        _verdict(made, f"{of}: it gives {shown(made)}", where)
                    seen[where] = value

    @law
    def test_defects(self) -> None:
        """Each defect has a name, is found in no state that was mended, and mends it whole."""
        defects: tuple[Any, ...] = getattr(self.subject.driver, "defects", ())
        names: set[str] = set()
        for defect in defects:
            _described(defect, names)
            names.add(defect.name)
        if defects:
            self.each_random(self._defects)

    def _defects(self, draw: Draw) -> None:
        for state in self.states(draw):
            for defect in self.subject.driver.defects:
                for target in TARGETS:
                    self._mended(defect, state, target)

    def _mended(self, defect: Defect, state: Any, target: Target) -> None:
        where = f"defect {defect.name}"
        found = [one.mended for one in self._found(defect, state, target)]
        mended = [one for one in found if one is not None]
        if len(mended) > 1:
            do = "give one diagnosis the state with all of them mended, the others none"
            raise LawBroken(f"{len(mended)} mended states", do=do, field=where)
        if not mended or self.writable(state):
            return
        if why := self.writable(mended[0]):
            do = "mend into a state that the layout can hold: counts and conditions have to fit"
            raise LawBroken(f"the mended state is not written: {why}", do=do, field=where)
        again = self._found(defect, mended[0], target)
        if mended[0] == state or any(one.mended is not None for one in again):
            do = "change what `find` looks at, so that it finds nothing more"
            raise LawBroken("the mended state has it still", do=do, field=where)

    def _found(self, defect: Defect, state: Any, target: Target) -> list[Diagnosis]:
        driver = self.subject.driver
        where = f"defect {defect.name}"
        patient = Patient(
            idstr=IDSTR.format(driver.name), state=state, driver=driver, target=target
        )
        do = "let `find` take any state that can be decoded, and give Diagnosis objects, or none"
        found: list[Any] = called(lambda: [*defect.find(patient)], f"for {target}", do, where)
        for one in found:
            if not isinstance(one, Diagnosis):
                raise LawBroken(f"it finds {shown(one)}", do=do, field=where)
            if not one.path or not one.found:
                do = 'say where and what: Diagnosis(path="device.mode", found="mode 3")'
                raise LawBroken(f"it finds {shown(one)}", do=do, field=where)
        return found


def called(ask: Callable[[], R], of: str, do: str, where: str, *passed: type[Exception]) -> R:
    """What a function of the plugin's gives; an exception out of it breaks a law."""
    try:
        return ask()
    except passed:
        raise
    except Exception as error:
        raise LawBroken(f"{of}: {told(error)}", do=do, field=where) from error


def _bit_names(names: dict[Any, Any], field: FieldSpec, where: str) -> None:
    width = 8 * field.type.size if isinstance(field.type, Fixed) else 0
    for bit, name in names.items():
        if not isinstance(bit, int) or not 0 <= bit < width:
            found = f"bit {bit!r} is named {name!r}; the field has {width} bits"
            raise LawBroken(found, do="count from 0, the lowest", field=where)
    if len({*names.values()}) < len(names) or not all(names.values()):
        found = f"its bits are named {shown(names)}"
        raise LawBroken(found, do="give each bit its own name", field=where)


def _verdict(made: Any, found: str, where: str) -> None:
    if not isinstance(made, Verdict) or not str(made.why).strip():
        raise LawBroken(found, do=VERDICT, field=where)


def _ruled(record: Any) -> Iterator[tuple[str, Any, Any]]:
    """Name, rule and plain value of each field whose rule is a function, inside too."""
    for field in layout_for(record).all_fields:
        value: Any = getattr(record, field.name)
        if value is None:
            continue
        if callable(field.edit):
            where = f"{type(record).__name__}.{field.name}"
            yield where, field.edit, field.type.plain(value, Form(text=True))
        for item in listed(value):
            if is_record(item):
                yield from _ruled(item)


def listed(value: Any) -> tuple[Any, ...]:
    """The items of a tuple; of anything else, itself."""
    return value if issubclass(value.__class__, tuple) else (value,)


def _described(defect: Any, names: set[str]) -> None:
    """What a defect says of itself."""
    if not isinstance(defect, Defect):
        do = "give Defect(name=..., title=..., written_by=..., find=...) objects"
        raise LawBroken(f"a defect is {shown(defect)}", do=do, field="defects")
    where = f"defect {defect.name}"
    if not defect.name.strip() or defect.name in names:
        found = f"its name is {defect.name!r}, and that of another one"
        raise LawBroken(found, do="give each defect its own name", field=where)
    if not defect.title.strip():
        raise LawBroken("it has no title", do="say in one line what is wrong", field=where)
    parsed = [release(one, where) for one in (defect.since, defect.before) if one]
    if sorted(parsed) != parsed or len({*parsed}) != len(parsed):
        do = "since: the first QEMU that does not load it; before: the first that does again"
        raise LawBroken(f"since {defect.since}, before {defect.before}", do=do, field=where)


def release(text: Any, where: str) -> tuple[int, ...]:
    """A release of QEMU as the description writes it."""
    try:
        return release_of(text)
    except (VirtmigError, TypeError) as error:
        do = 'write a release with a point in it: "7.2", "10.0.13"'
        raise LawBroken(told(error), do=do, field=where) from error


class InterruptLaws(DescriptionLaws):
    """What holds for what a transport describes."""

    @law
    def test_interrupt(self) -> None:
        """What raises an interrupt gives a whole state for each queue of any state."""
        if self.subject.driver.interrupt is not None:
            self.each_random(self._interrupt, 20)

    def _interrupt(self, draw: Draw) -> None:
        where, do = "interrupt", "return the state, with the interrupt pending where there is one"
        for state in self.states(draw):
            for queue in range(len(state.queues)):
                ask = functools.partial(self.subject.driver.interrupt, state, queue)
                made: Any = called(ask, f"queue {queue}", do, where)
                if not isinstance(made, VirtioState):
                    raise LawBroken(f"it gives {shown(made)}", do=do, field=where)
                why = self.writable(made)
                if why and not self.writable(state):
                    raise LawBroken(f"what it gives is not written: {why}", do=do, field=where)


class OuterLaws(DescriptionLaws):
    """What holds for what a device describes of the part behind the core."""

    @law
    def test_outer_view(self) -> None:
        """The view of what lies behind the core is plain data, and leaves the record alone."""
        if self.subject.driver.outer_view is not None:
            self.each(self._outer_view, 20)

    def _outer_view(self, draw: Draw) -> None:
        outer = self.bench().draw_state(draw).outer
        if outer is not None:
            check_view(self.subject.driver.outer_view, {"outer": outer})


def with_device(state: VirtioState, device: Any) -> VirtioState:
    """The state with another record of the device part."""
    return attrs.evolve(state, device=device)
