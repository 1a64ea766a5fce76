"""Constructors of wire types made of others; the words that a declaration uses."""

from __future__ import annotations

from typing import Any, TypeVar, cast, overload

from virtmig.wire.counted import Bitmap, Buffer, Count
from virtmig.wire.items import Array, Keyed, Marked, Table, Tree
from virtmig.wire.nested import HeaderVersion, Struct, Subsection
from virtmig.wire.types import Int, WireType, be32

T = TypeVar("T")

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


def keyed(cls: type[T], key: Int = be32) -> Keyed[T]:
    """Records whose first field is a `key` that is never 0, and such a 0 behind the last."""
    return Keyed(cls, key)


def tree(cls: type[T]) -> Tree[T]:
    """The number of records as a be32, and these as `marked` has them (QEMU: VMSTATE_GTREE)."""
    return Tree(cls)


def subsection(cls: type[T], *, misnamed: bool = False) -> WireType[T | None]:
    """An optional record behind a subsection header; comes after all other fields.

    misnamed: its name does not start with its parent's, as some QEMU wrote it by mistake; QEMU
    itself does not find such a one.
    """
    return cast("WireType[T | None]", Subsection(cls, misnamed=misnamed))


def bitmap(bits: int) -> Bitmap:
    """A set of numbers below `bits`, as native 32-bit words."""
    return Bitmap(bits)
