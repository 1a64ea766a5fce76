"""Values whose length stands elsewhere: buffers, and the base of arrays; and bitmaps."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from virtmig.errors import CountMismatch, MissingFact, OutOfRange, shown
from virtmig.wire import plain
from virtmig.wire.reader import Reader
from virtmig.wire.scope import Scope, Seen
from virtmig.wire.types import Form, WireType, expect, from_hex

T = TypeVar("T")
Count = int | str | Callable[[Scope, Seen], int]
"""A number, the name of an earlier sibling, or a function whose docstring says what it counts."""


C = TypeVar("C", bound=Callable[..., int])


def depends_on(*siblings: str, above: tuple[str, ...] = ()) -> Callable[[C], C]:
    """Say which earlier fields a count function looks at, so that declarations are checked.

    above: fields of the record whose subsection it counts in, which are in `scope.above`.
    """

    def mark(function: C) -> C:
        vars(function)["reads"] = siblings
        vars(function)["reads_above"] = above
        return function

    return mark


class Counted(WireType[T]):
    """A value whose length is not on the wire with it."""

    def __init__(self, label: str, count: Count) -> None:
        self.count = count
        self.reads = (count,) if isinstance(count, str) else getattr(count, "reads", ())
        self.reads_above = getattr(count, "reads_above", ())
        text = count.__doc__ if callable(count) else count
        self.label = f"{label}[{text}]"

    def length(self, scope: Scope, seen: Seen) -> int:
        if isinstance(self.count, int):
            return self.count
        if isinstance(self.count, str):
            return int(seen.get(self.count) or 0)
        return max(0, self.count(scope, seen))

    def agree(self, found: int, scope: Scope, seen: Seen) -> None:
        """Refuse to write a length that the reader would not arrive at."""
        try:
            expected = self.length(scope, seen)
        except MissingFact:  # a fact that nobody knows cannot contradict
            return
        if found != expected:
            raise CountMismatch(f"{found} given, {expected} counted by {self.label}")


class Buffer(Counted[bytes]):
    """Bytes as they are; hexadecimal in JSON."""

    def __init__(self, count: Count) -> None:
        super().__init__("bytes", count)

    def decode(self, reader: Reader, scope: Scope, seen: Seen) -> bytes:
        return reader.take(self.length(scope, seen))

    def encode(self, value: bytes, out: bytearray, scope: Scope, seen: Seen) -> None:
        self.agree(len(value), scope, seen)
        out += value

    def plain(self, value: bytes, form: Form) -> Any:
        return value.hex() if form.text else value

    def unplain(self, data: Any, form: Form) -> bytes:
        return from_hex(data) if form.text else expect(bytes, data)


class Bitmap(WireType[frozenset[int]]):
    """A set of small numbers, kept as 32-bit words of the source host's own byte order.

    Bit n % 32 of word n / 32 stands for n. Ranges of numbers as text in JSON and CBOR.
    """

    def __init__(self, bits: int) -> None:
        self.bits = bits
        self.label = f"bitmap of {bits} in native32 words"
        self._all = frozenset(range(bits))

    def decode(self, reader: Reader, scope: Scope, seen: Seen) -> frozenset[int]:
        data = reader.take(self.bits // 8)
        if not data.strip(b"\0"):
            return frozenset()
        if not data.strip(b"\xff"):
            return self._all
        number = int.from_bytes(_words(data, scope), "little")
        return frozenset(bit for bit in range(number.bit_length()) if number >> bit & 1)

    def encode(self, value: frozenset[int], out: bytearray, scope: Scope, seen: Seen) -> None:
        if not value <= self._all:
            raise OutOfRange(f"numbers 0 to {self.bits - 1} fit, found {shown(value - self._all)}")
        number = sum(1 << bit for bit in value)
        data = number.to_bytes(self.bits // 8, "little")
        symmetric = not value or len(value) == self.bits
        out += data if symmetric else _words(data, scope)

    def plain(self, value: frozenset[int], form: Form) -> list[str]:
        return plain.ranges(value)

    def unplain(self, data: Any, form: Form) -> frozenset[int]:
        return plain.from_ranges(data, self.bits)


def _words(data: bytes, scope: Scope) -> bytes:
    """Turn words of the host's order into little endian ones, or back."""
    if scope.host_order == "<":
        return data
    return b"".join(data[start : start + 4][::-1] for start in range(0, len(data), 4))
