"""How one value lies on the wire. `WireType[T]` ties it to its Python type for type checkers."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cached_property
from struct import calcsize
from typing import TYPE_CHECKING, Any, Generic, TypeVar

import attrs

from virtmig.errors import BadContainer, LimitExceeded, NotCanonical, OutOfRange, shown
from virtmig.wire.run import NATIVE, Leaf, Run

if TYPE_CHECKING:
    from virtmig.wire.layout import Layout
    from virtmig.wire.reader import Reader
    from virtmig.wire.scope import Scope, Seen

T = TypeVar("T")


@attrs.frozen
class Form:
    """What kind of plain data a tree is made of.

    `text`: JSON, so bytes are hexadecimal. `records`: as in `Scope`, for reading a tree back.
    """

    text: bool
    records: Mapping[str, type[Any]] = attrs.field(factory=dict[str, type[Any]])


class WireType(Generic[T]):
    """Base of all wire types; subclass it for a layout that none of ours describes.

    `label` is what documentation tables print; `reads` names the earlier siblings it depends on.
    """

    label: str = ""
    reads: tuple[str, ...] = ()
    reads_above: tuple[str, ...] = ()
    """The fields that it depends on in the record whose subsection it is in."""
    tail: Layout | None = None
    """The record of a subsection; set only by `subsection()`."""
    misnamed: bool = False
    """Whether it is a subsection whose name QEMU writes and cannot read."""
    merged: bool = False
    """Whether the fields of its record stand beside the outer record's own in a tree."""

    carries_version: bool = False
    """Whether it is the version in the header of the record's own subsection."""

    @property
    def inner(self) -> WireType[Any]:
        """The type of one item of an array; anything else is its own."""
        return self

    def decode(self, reader: Reader, scope: Scope, seen: Seen) -> T:
        """Take the value off the front of `reader`."""
        raise NotImplementedError

    def encode(self, value: T, out: bytearray, scope: Scope, seen: Seen) -> None:
        """Append the value's bytes to `out`."""
        raise NotImplementedError

    def plain(self, value: T, form: Form) -> Any:
        """The value as CBOR data, or as JSON data if `form.text`."""
        del form
        return value

    def unplain(self, data: Any, form: Form) -> T:
        """The reverse of `plain`; raises `BadContainer` for data of the wrong kind."""
        raise NotImplementedError


def expect(kind: type[T], data: Any) -> T:
    """`data`, if it is exactly of type `kind` (a bool is no int)."""
    if type(data) is not kind:
        raise BadContainer(f"expected {_word(kind)}, found {_word(data.__class__)}")
    return data


def _word(kind: type[Any]) -> str:
    """What a kind of data is called in CBOR and JSON."""
    words = {dict: "a map", list: "a list", str: "a text", bytes: "bytes", int: "a number"}
    return words.get(kind, kind.__name__)


def expect_map(data: Any) -> dict[str, Any]:
    """`data`, if it is a map."""
    expect(dict, data)
    found: dict[str, Any] = data
    return found


def expect_list(data: Any) -> list[Any]:
    """`data`, if it is a list."""
    expect(list, data)
    found: list[Any] = data
    return found


class Fixed(WireType[T]):
    """A value of fixed width that `struct` can read, with an optional conversion.

    load, dump: from and to the raw value; None where there is nothing to convert. inline: what
    `load` does as source text around the raw value `{0}`, for one that is met by the thousand;
    `{1}` is `load` itself, for what is out of the ordinary.
    """

    inline = ""

    def __init__(self, label: str, code: str, order: str, kind: type[T]) -> None:
        self.label = label
        self.code = code
        self.order = order
        self.kind = kind
        self.size = calcsize(">" + code)
        self.load: Callable[[Any], T] | None = None
        self.dump: Callable[[T], Any] | None = None

    @cached_property
    def run(self) -> Run:
        """The run of one such value alone; made when the conversions are in place."""
        return Run([Leaf("", "", self)])

    def decode(self, reader: Reader, scope: Scope, seen: Seen) -> T:
        order = scope.host_order if self.order == NATIVE else self.run.order
        start = reader.pos
        value: T = self.run.load(reader.fixed(self.run, order), start)[0]
        return value

    def encode(self, value: T, out: bytearray, scope: Scope, seen: Seen) -> None:
        order = scope.host_order if self.order == NATIVE else self.run.order
        out += self.run.pack(order, [value])

    def unplain(self, data: Any, form: Form) -> T:
        return expect(self.kind, data)


class Int(Fixed[int]):
    """An integer; `upto` bounds it, so that a hostile count dies at its own offset."""

    def __init__(self, label: str, code: str, order: str) -> None:
        super().__init__(label, code, order, int)
        bits = 8 * self.size
        signed = code.islower()
        self.low = -(1 << bits - 1) if signed else 0
        self.high = (1 << bits - signed) - 1

    def upto(self, high: int) -> Int:
        """The same integer, refusing values above `high`."""
        return self._bounded(f"{self.label} ≤ {high}", self.low, high)

    def from_(self, low: int) -> Int:
        """The same integer, refusing values below `low`."""
        return self._bounded(f"{self.label} ≥ {low}", low, self.high)

    def _bounded(self, label: str, low: int, high: int) -> Int:
        made = Int(label, self.code, self.order)
        made.low, made.high = low, high
        made.load, made.dump = made._check_read, made._check_write
        return made

    def _problem(self, value: int) -> str:
        """What is wrong with a value; empty if nothing is."""
        if value > self.high:
            return f"{value:#x} is above the limit {self.high:#x}"
        return f"{value:#x} is below the limit {self.low:#x}" if value < self.low else ""

    def _check_read(self, value: int) -> int:
        if problem := self._problem(value):
            raise LimitExceeded(problem)
        return value

    def _check_write(self, value: int) -> int:
        if problem := self._problem(value):
            raise OutOfRange(problem)
        return value


class Boolean(Fixed[bool]):
    """One byte, 0 or 1; QEMU reads any other as true and never writes it."""

    inline = "{0} == 1 if {0} < 2 else {1}({0})"

    def __init__(self) -> None:
        super().__init__("bool", "B", "", bool)
        self.load = self._read
        self.dump = self._write

    @staticmethod
    def _read(value: int) -> bool:
        if value > 1:
            raise NotCanonical(f"boolean is {value:#x}; QEMU writes 0 or 1")
        return value == 1

    @staticmethod
    def _write(value: Any) -> int:
        if value is not True and value is not False:
            raise OutOfRange(f"expected a bool, found {shown(value)}")
        return int(value)


class LowHigh(Fixed[int]):
    """u32[2], low word first: a 64-bit register that a guest writes in two halves."""

    low, high = 0, (1 << 64) - 1
    inline = "({0} & 0xFFFFFFFF) << 32 | {0} >> 32"

    def __init__(self) -> None:
        super().__init__("be32[2], low word first", "Q", ">", int)
        self.load = self._swap
        self.dump = self._write

    @staticmethod
    def _swap(value: int) -> int:
        return (value & 0xFFFFFFFF) << 32 | value >> 32

    @classmethod
    def _write(cls, value: int) -> int:
        if not 0 <= value <= cls.high:
            raise OutOfRange(f"{shown(value)} does not fit 64 bits")
        return cls._swap(value)


class Raw(Fixed[bytes]):
    """`size` bytes as they are; hexadecimal in JSON, with `separator` between the bytes."""

    def __init__(self, size: int, separator: str = "") -> None:
        super().__init__(f"bytes[{size}]", f"{size}s", "", bytes)
        self.separator = separator
        self.dump = self._check

    def _check(self, value: bytes) -> bytes:
        if len(value) != self.size:
            raise OutOfRange(f"{len(value)} bytes given, {self.size} expected")
        return value

    def plain(self, value: bytes, form: Form) -> Any:
        if not form.text:
            return value
        return value.hex(self.separator) if self.separator else value.hex()

    def unplain(self, data: Any, form: Form) -> bytes:
        return from_hex(data) if form.text else expect(bytes, data)


def from_hex(data: Any) -> bytes:
    """Bytes of a JSON string of hexadecimal digits."""
    try:
        return bytes.fromhex(expect(str, data).replace(":", ""))
    except ValueError:
        raise BadContainer("expected a string of hexadecimal digits") from None


u8 = Int("u8", "B", "")
s8 = Int("s8", "b", "")
be16 = Int("be16", "H", ">")
be32 = Int("be32", "I", ">")
be64 = Int("be64", "Q", ">")
sbe32 = Int("sbe32", "i", ">")
le16 = Int("le16", "H", "<")
le32 = Int("le32", "I", "<")
native32 = Int("native32", "I", NATIVE)
native64 = Int("native64", "Q", NATIVE)
boolean = Boolean()
low_high = LowHigh()
mac_address = Raw(6, ":")


def raw(size: int) -> Raw:
    """`size` bytes as they are."""
    return Raw(size)
