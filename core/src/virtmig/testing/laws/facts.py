"""Laws of facts and views: what a layout asks for is declared, and what people see is plain."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from typing import Any

from virtmig.errors import shown, told
from virtmig.testing.diff import differences
from virtmig.testing.draw import Draw
from virtmig.testing.kit import law
from virtmig.testing.laws.wire import WireLaws
from virtmig.testing.report import LawBroken
from virtmig.testing.watching import another_day, printed
from virtmig.virtio.element import ELEMENT_NDESCS
from virtmig.virtio.facts import HOST_BYTEORDER, OpenFact
from virtmig.wire.scope import Facts

VIEW = "view"
"""What is at fault, and the law that tells so."""
CORE_FACTS = (ELEMENT_NDESCS.name, HOST_BYTEORDER.name, "vring_align")


class Asking(Facts):
    """Facts that remember which of them were asked for."""

    def __init__(self, known: dict[str, Any], asked: set[str]) -> None:
        super().__init__(known)
        self.asked = asked

    def __getitem__(self, name: str) -> Any:
        self.asked.add(name)
        return super().__getitem__(name)


class FactLaws(WireLaws):
    """What holds for the facts and the view of every driver."""

    @law
    def test_facts(self) -> None:
        """Each fact has a meaning and candidates that can be told apart, and is asked for."""
        for fact in self.subject.driver.facts:
            self._sound(fact)
        if not self.subject.driver.facts:
            return
        asked: set[str] = set()
        for _, case in self.cases():
            self._ask(case, asked)
        for fact in self.subject.driver.facts:
            if fact.name not in asked:
                do = "use it in a condition or a count, or take it out of the driver's `facts`"
                raise LawBroken("declared, and no layout asks for it", do=do, field=fact.name)

    def _sound(self, fact: OpenFact) -> None:
        where = f"fact {fact.name}"
        texts = [str(one).lower() for one in fact.candidates]
        if fact.name in CORE_FACTS:
            raise LawBroken("the core has a fact of that name", do="name it anew", field=where)
        if len(texts) < 2 or len(set(texts)) != len(texts):
            do = "give at least two answers that differ when they are written as text"
            raise LawBroken(f"candidates {fact.candidates!r}", do=do, field=where)
        if not all(isinstance(one, bool | int | str) for one in fact.candidates):
            do = "use booleans, numbers or texts"
            raise LawBroken(f"candidates {shown(fact.candidates)}", do=do, field=where)
        if len(fact.doc.split()) < 2:
            raise LawBroken(f"its doc is {fact.doc!r}", do="say what is asked for", field=where)

    def _ask(self, case: Any, asked: set[str]) -> None:
        """Write a state again, and take note of the facts that its layout looks at."""
        layout = self.bench().layout
        if case.origin.startswith("golden"):
            asked.update(case.facts)
            return
        facts = Asking(layout.given(case.facts), asked)
        scope = layout.scope(facts, case.version)
        for name, kind in layout.parts:
            value = scope.parts[name] = getattr(case.state, name)
            kind.encode(value, bytearray(), scope, {})
            if name == "common":
                scope.features_lo = value.guest_features_lo

    @law
    def test_view(self) -> None:
        """The view of any state is plain data, and leaves the record alone."""
        if self.subject.driver.view is not None:
            self.each(self._view, 20)

    def _view(self, draw: Draw) -> None:
        bench = self.bench()
        check_view(self.subject.driver.view, bench.parts(bench.draw_state(draw)))


def check_view(view: Any, parts: dict[str, Any]) -> None:
    """The view of a state's first part is plain data, and leaves the record alone."""
    part = next(iter(parts.values()))
    kept = copy.deepcopy(part)
    try:
        with printed() as said:
            made = dict(view(part))
        again = json.loads(json.dumps(made))
        with another_day():
            later = dict(view(part))
    except Exception as error:
        do = "let the view take any record and give a dict of texts, numbers, lists and dicts"
        text = f"of {shown(part)}: {told(error)}"
        raise LawBroken(text, do=do, field=VIEW, first=VIEW) from error
    for found, do in _seen(made, again, later, said[0]):
        raise LawBroken(found, do=do, field=VIEW, first=VIEW)
    for differs in differences(kept, part, "record"):
        do = "let the view only read the record"
        text = differs.said("before", "after the view")
        raise LawBroken(text, do=do, field=differs.name, first=VIEW)


def _seen(made: Any, again: Any, later: Any, said: str) -> Iterator[tuple[str, str]]:
    """What is wrong with a view, by what it became as JSON, a day later, and on the screen."""
    if again != made:
        do = "let the view give texts, numbers, lists, and dicts with texts for keys"
        yield f"{shown(made)} is not JSON", do
    if later != made:
        do = "let the view say what the record holds and nothing else: no clock, no chance"
        yield f"{shown(made)}, then {shown(later)}", do
    if said:
        yield f"printed {shown(said)}", "return what people are to see, and print nothing"
