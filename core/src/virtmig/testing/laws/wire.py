"""Laws of bytes: what is written is read, and what is damaged is refused."""

from __future__ import annotations

import functools
import json
import random
from collections import Counter
from collections.abc import Iterator
from typing import Any, ClassVar

import attrs
import cbor2

from virtmig.errors import VirtmigError, told
from virtmig.formats import tree
from virtmig.testing.bytework import Spot, anatomy, bounded, read_damaged
from virtmig.testing.diff import Difference, fields_of, first
from virtmig.testing.draw import Draw, RandomDraw
from virtmig.testing.keeping import EXTRA
from virtmig.testing.kit import law
from virtmig.testing.laws.contract import ContractLaws
from virtmig.testing.report import LawBroken
from virtmig.wire.counted import Counted
from virtmig.wire.layout import FieldSpec, layout_of
from virtmig.wire.types import Int

STATES = 6
"""Drawn states whose bytes are damaged, beside the goldens."""
CUTS = 300
OCCUR = 120
"""Drawn states in which each field has to be there at least once."""
FLIPS = 40
MANY = 1 << 16
"""Items that a count may ask for without being worth a note."""
ENDS = "would end the list"
"""What the core says of a key of 0."""
TRIES = 4
"""States in which each field is given hostile values."""


@attrs.frozen
class Case:
    """One state with its bytes. origin: the golden or the drawn state that it is."""

    origin: str
    state: Any
    version: int
    payload: bytes

    @property
    def facts(self) -> dict[str, Any]:
        """The facts that hold for it, by name."""
        return {fact.name: fact.value for fact in self.state.facts}


class WireLaws(ContractLaws):
    """What holds for the bytes of every driver. own_parts: names of the parts that it declares.

    rare: record fields that are there only for a rare value of another field.
    """

    rare: tuple[str, ...] = ()
    own_parts: ClassVar[tuple[str, ...]] = ()

    def bench(self) -> Any:
        """Draws states of the driver under test."""
        raise NotImplementedError

    def golden_cases(self) -> Iterator[tuple[Any, Case]]:
        """The layout and the decoded state of each golden."""
        yield from ()

    def versions(self) -> range:
        """The section versions that the driver declares."""
        driver = self.subject.driver
        low = getattr(driver, "minimum_version", 1)
        return range(low, getattr(driver, "version", 1) + 1)

    def written(self, state: Any, version: int) -> bytes:
        """The bytes of a drawn state."""
        try:
            found: bytes = self.bench().layout.unparse(state, version)
        except Exception as error:
            do = "let each wire type write every value that it reads"
            if ENDS in str(error):
                do = "write .from_(1) behind the type of the item's first field: 0 ends the list"
            path = error.where.path if isinstance(error, VirtmigError) else ""
            found_text = f"a state that the declaration allows is not written: {told(error)}"
            raise LawBroken(found_text, do=do, field=path) from error
        return found

    def cases(self) -> Iterator[tuple[Any, Case]]:
        """A few drawn states of each version, and the goldens, with their layouts."""
        for version in self.versions():
            for number in range(STATES):
                state = self.bench().draw_state(RandomDraw(number), version)
                payload = self.written(state, version)
                yield self.bench().layout, Case(f"drawn state {number}", state, version, payload)
        yield from self.golden_cases()

    @law
    def test_exact(self) -> None:
        """Bytes of any state that the declaration allows are read as that state, and back."""
        for version in self.versions():
            self.each(functools.partial(self._exact, version=version))

    def _exact(self, draw: Draw, version: int) -> None:
        layout = self.bench().layout
        state = self.bench().draw_state(draw, version)
        payload = self.written(state, version)
        facts = {fact.name: fact.value for fact in state.facts}
        try:
            again = layout.parse(payload, version, facts)
        except Exception as error:
            path = error.where.path if isinstance(error, VirtmigError) else ""
            do = "encode() and decode() of a wire type, and conditions, have to agree"
            text = f"version {version}: what is written is not read: {told(error)}"
            raise LawBroken(text, do=do, field=path) from error
        found = unlike(self.bench().parts(state), self.bench().parts(again))
        if found is not None:
            do = "let decode() give back the very value that encode() was given"
            raise LawBroken(found.said("written", "read"), do=do, field=found.name)
        if layout.unparse(attrs.evolve(again, facts=state.facts), version) != payload:
            raise LawBroken("read and written again it has other bytes", do="find out which type")

    @law
    def test_each_field_occurs(self) -> None:
        """Each field is on the wire in some state: no condition is impossible."""
        seen: set[str] = set()
        always = {EXTRA}

        def look(draw: Draw) -> None:
            version = draw.choice(self.versions())
            parts = self.bench().parts(self.bench().draw_state(draw, version))
            always.intersection_update(parts)
            for path, part in parts.items():
                seen.update(name for name, _, value in fields_of(part, path) if value is not None)

        self.each_random(look, OCCUR)
        if always:
            self.note(
                "has_extra_state was always True: no state without virtio/extra_state was met"
            )
        for cls in self.record_classes():
            for field in layout_of(cls).all_fields:
                name = f"{cls.__name__}.{field.name}"
                known = any(one.startswith(f"{cls.__name__}.") for one in seen)
                if known and name not in seen and field.name not in self.rare:
                    when = f" when {field.when.text}" if field.when is not None else ""
                    do = self._never_there(field)
                    found = f"in {OCCUR} drawn states it is never there{when}"
                    raise LawBroken(found, do=do, field=name, first="feature_conditions")

    def _never_there(self, field: FieldSpec) -> str:
        """What to do about a field that no drawn state has."""
        if self.kind == "section" and field.when is not None and "feature" in field.when.text:
            do = "drop the condition: a section without virtio has no features; what its bytes do "
            return f"{do}not say is a fact: if_fact(...)"
        do = "mend its condition; if it needs a rare value of another field: "
        return f"{do}rare = ({field.name!r},)"

    @law
    def test_truncation(self) -> None:
        """A section cut at any byte is a typed error, or is whole without its last subsections."""
        for layout, case in self.cases():
            for length in cuts(case):
                what = f"{case.origin} cut to {length} of {len(case.payload)} bytes"
                read_damaged(layout, case.payload[:length], case.version, case.facts, what)

    @law
    def test_any_bytes(self) -> None:
        """Damaged bytes are a typed error, or a state that gives exactly them back."""
        for layout, case in self.cases():
            dice = random.Random(case.payload)  # noqa: S311  damage, the same each time
            for _ in range(FLIPS if case.payload else 0):
                at = dice.randrange(len(case.payload))
                bad = dice.choice((b"\xff" * 4, b"\0", b"\5", dice.randbytes(9)))
                data = case.payload[:at] + bad + case.payload[at + len(bad) :]
                what = f"{case.origin} with {bad.hex()} at {at:#x}"
                read_damaged(layout, data, case.version, case.facts, what)
            tail = read_damaged(layout, case.payload + b"\0", case.version, case.facts, "one more")
            if tail is None:
                do = "leave the end of the section to the core: read only what is yours"
                raise LawBroken("a byte behind the section is taken as part of it", do=do)

    @law
    def test_hostile_counts(self) -> None:
        """A count of any size is a typed error or is read, in bounded time and memory."""
        tried: Counter[str] = Counter()
        for layout, case in self.cases():
            parts = anatomy(layout, case.payload, case.version, case.facts)
            for spot in parts.within(self.own_parts):
                if spot.size in (2, 4, 8) and tried[spot.name] < TRIES:
                    tried[spot.name] += 1
                    self._hostile(layout, case, spot)
        for cls in self.record_classes():
            for name, high in unbounded(cls):
                text = f"{cls.__name__}.{name} may ask for {high} items"
                self.note(f"{text}: if the device has a bound, write .upto(N) behind its type")

    def _hostile(self, layout: Any, case: Case, spot: Spot) -> None:
        counts = ((1 << 8 * spot.size) - 1, (1 << 8 * spot.size - 1) - 1, 0)
        for count in counts if spot.counts else counts[:1]:
            data = count.to_bytes(spot.size, "little" if spot.order == "<" else "big")
            bad = case.payload[: spot.offset] + data + case.payload[spot.offset + spot.size :]
            what = f"{case.origin} with {spot.name} = {count:#x}"
            with bounded(what, spot.name):
                read_damaged(layout, bad, case.version, case.facts, what)

    @law
    def test_agree(self) -> None:
        """JSON and CBOR hold the same state as the bytes."""
        for layout, case in self.cases():
            agree(self.bench(), layout, case)


def unlike(ours: dict[str, Any], theirs: dict[str, Any]) -> Difference | None:
    """The first place where the driver's records differ in two states, types included."""
    for name in dict.fromkeys((*ours, *theirs)):
        found = first(ours.get(name), theirs.get(name), name, types=True)
        if found is not None:
            return found
    return None


def unbounded(cls: type[Any]) -> Iterator[tuple[str, int]]:
    """Counts of a record that nothing but the width of their type bounds, and how high they get."""
    layout = layout_of(cls)
    kinds = {field.name: field.type for field in layout.all_fields}
    for field in layout.all_fields:
        count = field.type.count if isinstance(field.type, Counted) else None
        kind = kinds[count] if isinstance(count, str) else None
        if isinstance(count, str) and isinstance(kind, Int):
            whole = (1 << 8 * kind.size - 1) - 1  # of a signed one; any number less is a bound
            if kind.high >= max(whole, MANY):
                yield count, kind.high


def cuts(case: Case) -> list[int]:
    """Lengths to cut a payload to: all of a short one; of a long one where its bytes are."""
    size = len(case.payload)
    if size <= CUTS:
        return list(range(size))
    used = [at for at, byte in enumerate(case.payload) if byte]
    chosen = set(used[:: max(1, len(used) // CUTS)]) | {size - 1}
    return sorted(chosen | {at + 1 for at in chosen if at + 1 < size})


def agree(bench: Any, layout: Any, case: Case) -> None:
    """Fail unless both forms of plain data give the state and its bytes back."""
    for text, name in ((True, "JSON"), (False, "CBOR")):
        try:
            plain = tree.from_state(case.state, layout, text=text)
            moved = json.loads(json.dumps(plain)) if text else cbor2.loads(cbor2.dumps(plain))
            again = tree.to_state(moved, layout, case.state.facts, text=text)
            payload = layout.unparse(again, case.version)
        except Exception as error:
            path = error.where.path if isinstance(error, VirtmigError) else ""
            do = "give your wire type plain() and unplain() that undo each other"
            text_found = f"{case.origin} as {name}: {told(error)}"
            raise LawBroken(text_found, do=do, field=path) from error
        found = unlike(bench.parts(case.state), bench.parts(again))
        if found is not None:
            do = "save values of the declared Python type, and let unplain() undo plain()"
            said = found.said("state has", f"{name} gives")
            raise LawBroken(f"{case.origin}: {said}", do=do, field=found.name)
        if payload != case.payload:
            raise LawBroken(f"{case.origin}: {name} gives other bytes", do="check the wire types")
