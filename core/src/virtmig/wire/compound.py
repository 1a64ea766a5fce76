"""Wire types made of others: buffers, arrays, sparse tables, nested records, marked lists."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar, cast, overload

from virtmig.errors import CountMismatch, LimitExceeded, UnknownSubsection, VirtmigError
from virtmig.wire import codec, plain
from virtmig.wire.layout import Layout, Nested, Row, layout_of
from virtmig.wire.reader import Reader
from virtmig.wire.run import Run, pack_rows
from virtmig.wire.scope import Scope, Seen
from virtmig.wire.types import Fixed, Form, WireType, expect, from_hex

T = TypeVar("T")
Count = int | str | Callable[[Scope, Seen], int]
"""A number, the name of an earlier sibling, or a function whose docstring says what it counts."""


class _Counted(WireType[T]):
    """A value whose length is not on the wire with it."""

    def __init__(self, label: str, count: Count) -> None:
        self.count = count
        self.reads = (count,) if isinstance(count, str) else ()
        text = count.__doc__ if callable(count) else count
        self.label = f"{label}[{text}]"

    def length(self, scope: Scope, seen: Seen) -> int:
        if isinstance(self.count, int):
            return self.count
        if isinstance(self.count, str):
            return int(seen[self.count])
        return max(0, self.count(scope, seen))

    def agree(self, found: int, scope: Scope, seen: Seen) -> None:
        """Refuse to write a length that the reader would not arrive at."""
        try:
            expected = self.length(scope, seen)
        except KeyError:  # a fact that nobody knows cannot contradict
            return
        if found != expected:
            raise CountMismatch(f"{found} given, {expected} counted by {self.label}")


class Buffer(_Counted[bytes]):
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


class _Items(_Counted[tuple[T, ...]]):
    """Items back to back; rows of fixed width are read and written all at once."""

    def __init__(self, item: WireType[T], count: Count, label: str) -> None:
        super().__init__(label, count)
        self.item = item

    def row(self, scope: Scope) -> Row | None:
        if not isinstance(self.item, Struct):
            return None
        return self.item.layout(scope).plan(scope).row

    def read(self, reader: Reader, scope: Scope, seen: Seen, count: int, stored: int) -> Any:
        start = reader.pos
        if isinstance(self.item, Fixed):
            return self._scalars(self.item, reader, scope, count, stored)
        row = self.row(scope)
        if row is None:
            return self._each(reader, scope, seen, count)
        order = codec.order_of(row.run, scope)
        try:
            return tuple(row.build(reader.rows(row.run, order, count, stored)))
        except VirtmigError:
            reader.pos = start
            for index, value in enumerate(reader.rows(row.run, order, count, stored)):
                _at(index, row, value, start)
            raise

    @staticmethod
    def _scalars(
        item: Fixed[T], reader: Reader, scope: Scope, count: int, stored: int
    ) -> tuple[T, ...]:
        start = reader.pos
        order = codec.order_of(item.run, scope)
        found = reader.rows(item.run, order, count, stored)
        if item.load is None:
            return tuple([value for (value,) in found])
        values: list[T] = []
        for index, value in enumerate(found):
            try:
                values += item.run.load(value, start + index * item.size)
            except VirtmigError as error:
                raise error.inside(f"[{index}]") from None
        return tuple(values)

    def _each(self, reader: Reader, scope: Scope, seen: Seen, count: int) -> tuple[T, ...]:
        values: list[T] = []
        for index in range(count):
            reader.need(1)  # items have at least a byte each: a hostile count ends here
            try:
                values.append(self.item.decode(reader, scope, seen))
            except VirtmigError as error:
                raise error.inside(f"[{index}]") from error.__cause__
        return tuple(values)

    def write(self, value: tuple[T, ...], out: bytearray, scope: Scope, seen: Seen) -> None:
        if not value:
            return
        if isinstance(self.item, Struct):
            row = layout_of(type(value[0])).plan_of(value[0]).row
            if row is not None:
                out += codec.pack_all(row, value, scope)
                return
        elif isinstance(self.item, Fixed) and self.item.dump is None:
            order = codec.order_of(self.item.run, scope)
            try:
                out += pack_rows(self.item.run, order, [(number,) for number in value])
                return
            except Exception:  # noqa: BLE001, S110  the loop below finds and names it
                pass
        for index, item in enumerate(value):
            try:
                self.item.encode(item, out, scope, seen)
            except VirtmigError as error:
                raise error.inside(f"[{index}]") from error.__cause__

    def plain(self, value: tuple[T, ...], form: Form) -> Any:
        return [self.item.plain(item, form) for item in value]

    def unplain(self, data: Any, form: Form) -> tuple[T, ...]:
        return plain.items(data, lambda item: self.item.unplain(item, form))


def _at(index: int, row: Row, values: tuple[Any, ...], start: int) -> None:
    try:
        row.run.load(values, start + index * row.run.size)
    except VirtmigError as error:
        raise error.inside(f"[{index}]") from None


class Array(_Items[T]):
    """`count` items."""

    def __init__(self, item: WireType[T], count: Count) -> None:
        super().__init__(item, count, item.label)

    def decode(self, reader: Reader, scope: Scope, seen: Seen) -> tuple[T, ...]:
        count = self.length(scope, seen)
        found: tuple[T, ...] = self.read(reader, scope, seen, count, count)
        return found

    def encode(self, value: tuple[T, ...], out: bytearray, scope: Scope, seen: Seen) -> None:
        self.agree(len(value), scope, seen)
        self.write(value, out, scope, seen)


class Table(_Items[T]):
    """`slots` items of fixed width; those of an all-zero tail are left out of the value."""

    def __init__(self, item: WireType[T], slots: int) -> None:
        super().__init__(item, slots, f"table of {item.label}")
        self.slots = slots

    def _run(self, scope: Scope) -> Run:
        if isinstance(self.item, Fixed):
            return self.item.run
        row = self.row(scope)
        if row is None:
            raise TypeError(f"{self.item.label}: rows of a table have a fixed width")
        return row.run

    def decode(self, reader: Reader, scope: Scope, seen: Seen) -> tuple[T, ...]:
        used = reader.used_rows(self._run(scope), self.slots)
        found: tuple[T, ...] = self.read(reader, scope, seen, used, self.slots)
        return found

    def encode(self, value: tuple[T, ...], out: bytearray, scope: Scope, seen: Seen) -> None:
        if len(value) > self.slots:
            raise LimitExceeded(f"{len(value)} rows, {self.slots} is the limit")
        self.write(value, out, scope, seen)
        out += bytes(self._run(scope).size * (self.slots - len(value)))


class Struct(WireType[T], Nested):
    """One record inline: either a class, or the name of a slot that a plugin's record fills."""

    def __init__(self, cls: type[T] | str) -> None:
        self.cls = cls
        self.merged = isinstance(cls, str)
        self.label = cls if isinstance(cls, str) else cls.__name__

    def layout(self, scope: Scope) -> Layout:
        if not isinstance(self.cls, str):
            return layout_of(self.cls)
        if self.cls not in scope.records:
            raise UnknownSubsection(f"this transport has no {self.cls} record")
        return layout_of(scope.records[self.cls])

    def decode(self, reader: Reader, scope: Scope, seen: Seen) -> T:
        value: T = codec.decode_layout(self.layout(scope), reader, scope)
        return value

    def encode(self, value: T, out: bytearray, scope: Scope, seen: Seen) -> None:
        codec.encode_record(value, out, scope)

    def plain(self, value: T, form: Form) -> Any:
        return plain.from_record(value, form)

    def unplain(self, data: Any, form: Form) -> T:
        cls = form.records[self.cls] if isinstance(self.cls, str) else self.cls
        value: T = plain.to_record(cls, data, form)
        return value


class Marked(_Items[T]):
    """A list without a count: a byte 1 in front of each item, a byte 0 at the end."""

    def __init__(self, cls: type[T]) -> None:
        super().__init__(Struct(cls), 0, "marked")
        self.label = f"marked list of {cls.__name__}"

    def decode(self, reader: Reader, scope: Scope, seen: Seen) -> tuple[T, ...]:
        values: list[T] = []
        while reader.marker():
            try:
                values.append(self.item.decode(reader, scope, seen))
            except VirtmigError as error:
                raise error.inside(f"[{len(values)}]") from error.__cause__
        return tuple(values)

    def encode(self, value: tuple[T, ...], out: bytearray, scope: Scope, seen: Seen) -> None:
        for index, item in enumerate(value):
            out.append(1)
            try:
                self.item.encode(item, out, scope, seen)
            except VirtmigError as error:
                raise error.inside(f"[{index}]") from error.__cause__
        out.append(0)


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
        if value and not 0 <= min(value) <= max(value) < self.bits:
            raise LimitExceeded(f"numbers 0 to {self.bits - 1} fit, found {max(value)}")
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


class Subsection(WireType[Any]):
    """A record behind a subsection header; None where the header is not there."""

    def __init__(self, cls: type) -> None:
        self.tail = layout_of(cls)
        if not self.tail.vmsd:
            raise TypeError(f"{cls.__name__}: a subsection's record needs its vmsd name")
        self.cls = cls
        self.label = f"subsection {self.tail.vmsd}"

    def plain(self, value: Any, form: Form) -> Any:
        return plain.from_record(value, form)

    def unplain(self, data: Any, form: Form) -> Any:
        return plain.to_record(self.cls, data, form)


class HeaderVersion(WireType[int]):
    """The version in the subsection's header, for records that are read in several versions."""

    label = "version of the subsection header"

    def decode(self, reader: Reader, scope: Scope, seen: Seen) -> int:
        return scope.version

    def encode(self, value: int, out: bytearray, scope: Scope, seen: Seen) -> None:
        """Nothing: the header carries it."""

    def unplain(self, data: Any, form: Form) -> int:
        return expect(int, data)


header_version = HeaderVersion()


def _item(item: WireType[T] | type[T]) -> WireType[T]:
    return item if isinstance(item, WireType) else Struct(item)


def buffer(count: Count) -> Buffer:
    """Bytes, as many as `count` says."""
    return Buffer(count)


@overload
def array(item: WireType[T], count: Count) -> Array[T]: ...
@overload
def array(item: type[T], count: Count) -> Array[T]: ...
def array(item: WireType[T] | type[T], count: Count) -> Array[T]:
    """Items back to back, as many as `count` says."""
    return Array(_item(item), count)


@overload
def table(item: WireType[T], slots: int) -> Table[T]: ...
@overload
def table(item: type[T], slots: int) -> Table[T]: ...
def table(item: WireType[T] | type[T], slots: int) -> Table[T]:
    """`slots` items of fixed width, mostly zero: the zero tail is no part of the value."""
    return Table(_item(item), slots)


def struct(cls: type[T]) -> Struct[T]:
    """One record inline."""
    return Struct(cls)


def slot(name: str) -> Struct[Any]:
    """One record inline, of the class that the transport or device at hand supplies."""
    return Struct[Any](name)


def marked(cls: type[T]) -> Marked[T]:
    """Records with a byte 1 in front of each and a byte 0 behind the last."""
    return Marked(cls)


def subsection(cls: type[T]) -> WireType[T | None]:
    """An optional record behind a subsection header; comes after all other fields."""
    return cast("WireType[T | None]", Subsection(cls))


def bitmap(bits: int) -> Bitmap:
    """A set of numbers below `bits`, as native 32-bit words."""
    return Bitmap(bits)
