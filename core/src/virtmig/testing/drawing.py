"""A reader that invents what it reads: records drawn from their declarations.

The decoder itself is run with a reader that draws instead of reading, so counts, conditions and
subsections hold by construction, and nothing here knows a single field.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Protocol

from virtmig.wire.layout import FieldSpec, Layout
from virtmig.wire.reader import Reader
from virtmig.wire.run import Leaf, Run
from virtmig.wire.types import Boolean, Int, LowHigh

FEW = 3
"""Rows and list items that are drawn at the most; more add nothing but time."""

DRAWN = 64
"""Bytes that are drawn for a buffer at the most; the rest of a long one is zero."""

ROWS = 8
"""Rows of a long array that are drawn; the rest repeats them."""

MOST = 1 << 20
"""Bytes of one buffer, or rows of one array, above which a declaration cannot be drawn."""


class Source(Protocol):
    """Where choices come from; see `virtmig.testing.Draw`."""

    def integer(self, low: int, high: int) -> int: ...
    def binary(self, size: int) -> bytes: ...
    def count(self, low: int, high: int) -> int: ...


class Undrawable(Exception):
    """A declaration whose length cannot be drawn, because it does not say what it depends on."""


class DrawingReader(Reader):
    """A reader whose bytes are whatever the declarations allow.

    records: as in `Scope`; a subsection that needs a record which is not there is never drawn.
    """

    __slots__ = ("_draw", "_items", "_records", "_tails")

    def __init__(self, draw: Source, records: Mapping[str, type[Any]]) -> None:
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
        if size > MOST:
            raise Undrawable(f"a buffer of {size} bytes")
        return self._draw.binary(min(size, DRAWN)).ljust(size, b"\0")

    def fixed(self, run: Run, order: str) -> tuple[Any, ...]:
        del order
        return tuple(self._leaf(leaf) for leaf in run.leaves)

    def _leaf(self, leaf: Leaf) -> Any:
        """The raw value of one field; counts stay small."""
        kind = leaf.type
        if isinstance(kind, Boolean):
            return self._draw.integer(0, 1)
        if isinstance(kind, Int | LowHigh):
            drawn = self._draw.count if leaf.counts else self._draw.integer
            return drawn(kind.low, kind.high)
        return self._draw.binary(kind.size)

    def rows(self, run: Run, order: str, count: int, stored: int) -> Iterable[tuple[Any, ...]]:
        if count > MOST:
            raise Undrawable(f"an array of {count} items")
        some = [self.fixed(run, order) for _ in range(min(count, ROWS))]
        drawn = [some[index % len(some)] for index in range(count)]
        if stored > count and drawn and not any(drawn[-1]):
            drawn[-1] = (1, *drawn[-1][1:])  # a zero row at the end of a table is no row
        return drawn

    def used_rows(self, run: Run, stored: int) -> int:
        del run
        return self._draw.integer(0, min(stored, FEW))

    def marker(self) -> bool:
        more = self._draw.integer(0, 1) == 1 and self._items < FEW
        self._items = self._items + 1 if more else 0
        return more

    def key(self, size: int) -> bool:
        del size
        return self.marker()

    def subsection(
        self, parent: str, known: Mapping[str, FieldSpec]
    ) -> tuple[str, int, int] | None:
        waiting = self._tails.setdefault(parent, list(known))
        while waiting:
            name = waiting.pop(0)
            tail = known[name].type.tail
            if tail is not None and self._possible(tail) and self._draw.integer(0, 1):
                return name, self._draw.integer(tail.minimum, tail.version), 0
        del self._tails[parent]
        return None

    def _possible(self, tail: Layout) -> bool:
        slots = {field.type.label for field in tail.inline if field.type.merged}
        return slots <= set(self._records)
