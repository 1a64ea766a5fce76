"""Hypothesis strategies for records and states, derived from their declarations.

The decoder itself is run with a reader that draws instead of reading, so counts, conditions and
subsections hold by construction, and nothing here knows a single field.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, TypeVar

from hypothesis import strategies as st

from virtmig.virtio.envelope import Envelope
from virtmig.virtio.facts import Source, Trial
from virtmig.virtio.state import VirtioState
from virtmig.wire.codec import decode_layout
from virtmig.wire.layout import FieldSpec, Layout, layout_of
from virtmig.wire.reader import Reader
from virtmig.wire.run import Leaf, Run
from virtmig.wire.scope import Scope
from virtmig.wire.types import Boolean, Int, LowHigh

R = TypeVar("R")
Draw = Callable[[st.SearchStrategy[Any]], Any]

FEW = 3
"""Rows and list items that are drawn at the most; more add nothing but time."""


DRAWN = 64
"""Bytes that are drawn for a buffer at the most; the rest of a long one is zero."""


class DrawingReader(Reader):
    """A reader whose bytes are whatever the declarations allow.

    records: as in `Scope`; a subsection that needs a record which is not there is never drawn.
    """

    __slots__ = ("_draw", "_items", "_records", "_tails")

    def __init__(self, draw: Draw, records: Mapping[str, type[Any]]) -> None:
        super().__init__(b"")
        self._draw = draw
        self._records = records
        self._items = 0
        self._tails: dict[str, list[str]] = {}

    def need(self, size: int) -> None:
        """There is always more."""

    def need_rows(self, run: Run, count: int) -> None:
        """There is always more."""

    def take(self, size: int) -> bytes:
        found: bytes = self._draw(st.binary(max_size=min(size, DRAWN)))
        return found.ljust(size, b"\0")

    def fixed(self, run: Run, order: str) -> tuple[Any, ...]:
        del order
        return tuple(self._draw(_leaf(leaf)) for leaf in run.leaves)

    def rows(self, run: Run, order: str, count: int, stored: int) -> Iterable[tuple[Any, ...]]:
        drawn = [self.fixed(run, order) for _ in range(count)]
        if stored > count and drawn and not any(drawn[-1]):
            drawn[-1] = (1, *drawn[-1][1:])  # a zero row at the end of a table is no row
        return drawn

    def used_rows(self, run: Run, stored: int) -> int:
        del run
        found: int = self._draw(st.integers(0, min(stored, FEW)))
        return found

    def marker(self) -> bool:
        self._items = self._items + 1 if self._draw(st.booleans()) and self._items < FEW else 0
        return self._items > 0

    def subsection(
        self, parent: str, known: Mapping[str, FieldSpec]
    ) -> tuple[str, int, int] | None:
        waiting = self._tails.setdefault(parent, list(known))
        while waiting:
            name = waiting.pop(0)
            tail = known[name].type.tail
            if tail is not None and self._possible(tail) and self._draw(st.booleans()):
                return name, self._draw(st.integers(tail.minimum, tail.version)), 0
        del self._tails[parent]
        return None

    def _possible(self, tail: Layout) -> bool:
        slots = {field.type.label for field in tail.inline if field.type.merged}
        return slots <= set(self._records)


def _leaf(leaf: Leaf) -> st.SearchStrategy[Any]:
    """Raw values of one field; counts stay small."""
    kind = leaf.type
    if isinstance(kind, Boolean):
        return st.integers(0, 1)
    if isinstance(kind, Int | LowHigh):
        return st.integers(kind.low, min(kind.high, FEW) if leaf.counts else kind.high)
    return st.binary(min_size=kind.size, max_size=kind.size)


def records(cls: type[R], scope: Callable[[], Scope] = Scope) -> st.SearchStrategy[R]:
    """Instances of a record class; `scope` makes what its conditions look at."""

    @st.composite
    def drawn(draw: Draw) -> R:
        value: R = decode_layout(layout_of(cls), DrawingReader(draw, {}), scope())
        return value

    return drawn()


def states(envelope: Envelope) -> st.SearchStrategy[VirtioState]:
    """Whole states of a device type on a transport, with facts that fit them."""

    @st.composite
    def drawn(draw: Draw) -> VirtioState:
        facts = {
            name: draw(st.sampled_from(fact.candidates))
            for name, fact in envelope.open_facts.items()
        }
        trial = Trial(envelope.open_facts, envelope.given(facts))
        reader = DrawingReader(draw, envelope.transport.records)
        scope = envelope.scope(trial, envelope.device.version)
        envelope.read_parts(reader, scope)
        return VirtioState(**scope.parts, facts=trial.facts(Source.GIVEN))

    return drawn()
