"""Hypothesis strategies for records and states, and Hypothesis behind the kit's own `Draw`.

Needs Hypothesis; everything else in `virtmig.testing` does without.
"""

from __future__ import annotations

import functools
import time
from collections.abc import Callable
from typing import Any, TypeVar

from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st
from hypothesis.errors import HypothesisException

from virtmig.testing.draw import Draw
from virtmig.testing.drawing import DrawingReader
from virtmig.testing.report import LawBroken
from virtmig.virtio.envelope import Envelope
from virtmig.virtio.facts import Source, Trial
from virtmig.virtio.state import VirtioState
from virtmig.wire.codec import decode_layout
from virtmig.wire.layout import layout_of
from virtmig.wire.scope import Scope

R = TypeVar("R")
CHECKS: Any = tuple(HealthCheck)
"""States are slow to draw, and that is all right."""
SHRINKING = 2.0
"""Seconds spent on making a failing example small."""
DrawFunction = Callable[[st.SearchStrategy[Any]], Any]


@functools.cache
def _numbers(low: int, high: int) -> st.SearchStrategy[int]:
    """Any number of a range; its ends and the small ones come up more often than others."""
    if high - low < 16:
        return st.integers(low, high)
    near = st.integers(low, low + 16)
    return st.one_of(near, st.sampled_from((low, high)), st.integers(low, high))


class HypothesisDraw(Draw):
    """Draws through Hypothesis; `draw` is what `composite` or `data()` gives."""

    def __init__(self, draw: DrawFunction) -> None:
        self._draw = draw

    def integer(self, low: int, high: int) -> int:
        found: int = self._draw(_numbers(low, high))
        return found

    def binary(self, size: int) -> bytes:
        found: bytes = self._draw(st.binary(min_size=size, max_size=size))
        return found


def records(cls: type[R], scope: Callable[[], Scope] = Scope) -> st.SearchStrategy[R]:
    """Instances of a record class; `scope` makes what its conditions look at."""

    @st.composite
    def drawn(draw: DrawFunction) -> R:
        reader = DrawingReader(HypothesisDraw(draw), {})
        value: R = decode_layout(layout_of(cls), reader, scope())
        return value

    return drawn()


def states(envelope: Envelope) -> st.SearchStrategy[VirtioState]:
    """Whole states of a device type on a transport, with facts that fit them."""

    @st.composite
    def drawn(draw: DrawFunction) -> VirtioState:
        facts = {
            name: draw(st.sampled_from(fact.candidates))
            for name, fact in envelope.open_facts.items()
        }
        trial = Trial(envelope.open_facts, envelope.given(facts))
        reader = DrawingReader(HypothesisDraw(draw), envelope.transport.records)
        scope = envelope.scope(trial, envelope.device.version)
        envelope.read_parts(reader, scope)
        return VirtioState(**scope.parts, facts=trial.facts(Source.GIVEN))

    return drawn()


class Enough(BaseException):
    """Shrinking has gone on for long enough."""


def hypothesis_examples(check: Callable[[Draw], None], count: int, start: int) -> None:
    """Run `check` on so many examples; the smallest one that breaks a law is what is reported.

    A plugin that is not deterministic makes Hypothesis fail in ways of its own; what is said then
    is the last finding of the law itself, which is what helps its author.
    """
    found: list[LawBroken] = []
    until = 0.0

    def body(data: st.DataObject) -> None:
        nonlocal until
        if found and time.monotonic() > until:
            raise Enough
        try:
            check(HypothesisDraw(data.draw))
        except LawBroken as error:
            until = until or time.monotonic() + SHRINKING
            found.append(error)
            raise

    configured = settings(
        max_examples=count,
        deadline=None,
        database=None,
        report_multiple_bugs=False,
        print_blob=False,
        suppress_health_check=CHECKS,
        phases=(Phase.generate, Phase.shrink),
    )
    try:
        seed(start)(configured(given(st.data())(body)))()
    except (LawBroken, HypothesisException, BaseExceptionGroup, Enough):
        if not found:
            raise
        raise found[-1] from found[-1].__cause__  # without what Hypothesis has to say
