"""`Draw`: where the kit's examples get their values from, with Hypothesis or without."""

from __future__ import annotations

import random
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from virtmig.testing.drawing import FEW, DrawingReader
from virtmig.wire.codec import decode_layout
from virtmig.wire.layout import layout_of
from virtmig.wire.scope import Scope

T = TypeVar("T")
R = TypeVar("R")


class Draw(ABC):
    """Values for one example. What a law draws, it can draw again: examples are the same each run.

    While the kit calls `scramble`, records are drawn as the device at hand allows them: for the
    features that its driver accepted, its queues, and the facts that hold for it.
    """

    scope: Callable[[], Scope] = Scope
    """Makes what conditions of drawn records look at."""

    @abstractmethod
    def integer(self, low: int, high: int) -> int:
        """A number from `low` to `high`, both included."""

    @abstractmethod
    def binary(self, size: int) -> bytes:
        """So many bytes."""

    def count(self, low: int, high: int) -> int:
        """A number of items; few, as more add nothing but time."""
        return self.integer(low, min(high, FEW))

    def boolean(self) -> bool:
        """True or False."""
        return self.integer(0, 1) == 1

    def choice(self, options: Sequence[T]) -> T:
        """One of `options`."""
        return options[self.integer(0, len(options) - 1)]

    def record(self, cls: type[R]) -> R:
        """An instance of a record class, as its declaration allows it."""
        layout, scope = layout_of(cls), self.scope()
        if layout.minimum != layout.version:  # a subsection, whose version is in its own header
            scope.version = self.integer(layout.minimum, layout.version)
        value: R = decode_layout(layout, DrawingReader(self, scope.records), scope)
        return value

    def field(self, cls: type[Any], name: str) -> Any:
        """A value of one field, as a record of `cls` would have it; None where it is absent."""
        return getattr(self.record(cls), name)


class RandomDraw(Draw):
    """Draws from a seeded generator; small and extreme numbers come up more often than others."""

    def __init__(self, seed: int) -> None:
        self._dice = random.Random(seed)  # noqa: S311  examples of a test, the same each time

    def integer(self, low: int, high: int) -> int:
        kind = self._dice.randrange(8)
        if kind == 0:
            return low
        if kind == 1:
            return high
        if kind == 2:
            return self._dice.randint(low, min(high, low + 16))
        return self._dice.randint(low, high)

    def boolean(self) -> bool:
        return self._dice.random() < 0.5

    def binary(self, size: int) -> bytes:
        return self._dice.randbytes(size)

    def choice(self, options: Sequence[T]) -> T:
        return self._dice.choice(options)


class RoomyDraw(RandomDraw):
    """Draws as many items as a declaration allows, up to `most`."""

    most = 64

    def count(self, low: int, high: int) -> int:
        return max(low, min(high, self.most))
