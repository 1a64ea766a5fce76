"""Runs: neighbouring fixed-width fields fused into one `struct.Struct`."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from functools import lru_cache
from itertools import chain
from operator import attrgetter
from typing import TYPE_CHECKING, Any

import attrs

from virtmig.errors import OutOfRange, Truncated, VirtmigError, shown

if TYPE_CHECKING:
    from virtmig.wire.types import Fixed

NATIVE = "="
"""Order of fields that a QEMU copies raw out of its own memory; resolved by a fact."""


@attrs.frozen
class Leaf:
    """A fixed-width field of a run: its name for people, its attribute path, its type.

    counts: whether the length of a later field depends on it.
    """

    name: str
    path: str
    type: Fixed[Any]
    counts: bool = False


class Run:
    """Fixed-width fields that follow each other with one byte order.

    `paths` are dotted attribute names from the record the run belongs to, `names` the same as
    people see them: without the fields whose records stand beside the outer record's own.
    """

    __slots__ = (
        "codes",
        "converts",
        "leaves",
        "names",
        "offsets",
        "order",
        "paths",
        "size",
        "structs",
        "types",
    )

    def __init__(self, fields: Sequence[Leaf]) -> None:
        self.leaves = tuple(fields)
        self.names = tuple(leaf.name for leaf in fields)
        self.paths = tuple(leaf.path for leaf in fields)
        self.types = tuple(leaf.type for leaf in fields)
        self.converts = any(kind.load for kind in self.types)
        orders = {kind.order for kind in self.types if kind.order}
        self.order = orders.pop() if orders else ">"
        self.codes = "".join(kind.code for kind in self.types)
        prefixes = "<>" if self.order == NATIVE else self.order
        self.structs = {order: struct.Struct(order + self.codes) for order in prefixes}
        self.size = struct.calcsize(">" + self.codes)
        sizes = [kind.size for kind in self.types]
        self.offsets = [sum(sizes[:index]) for index in range(len(sizes))]

    def truncated(self, start: int, left: int) -> Truncated:
        """The error for a run at `start` of which only `left` bytes are there."""
        for name, kind, offset in zip(self.names, self.types, self.offsets, strict=True):
            if offset + kind.size > left:
                text = f"need {kind.size} bytes, {max(left - offset, 0)} left"
                return Truncated(text, path=name, offset=start + offset)
        raise AssertionError(left)

    def load(self, values: tuple[Any, ...], start: int) -> Sequence[Any]:
        """Python values of raw ones; names the field that refuses its value."""
        if not self.converts:
            return values
        loaded: list[Any] = []
        for name, kind, offset, raw in zip(
            self.names, self.types, self.offsets, values, strict=True
        ):
            try:
                loaded.append(kind.load(raw) if kind.load else raw)
            except VirtmigError as error:
                if name:
                    error.inside(name)
                error.where = error.where.at(start + offset)
                raise
        return loaded

    def pack(self, order: str, values: Sequence[Any]) -> bytes:
        """Bytes of Python values; names the field that cannot hold its value."""
        try:
            raw = [
                kind.dump(value) if kind.dump else value
                for kind, value in zip(self.types, values, strict=True)
            ]
            return self.structs[order].pack(*raw)
        except (VirtmigError, struct.error, TypeError, AttributeError) as error:
            raise self.blame(values) or error from None

    def blame(self, values: Sequence[Any]) -> VirtmigError | None:
        """The error of the first value that its field cannot hold."""
        for name, kind, value in zip(self.names, self.types, values, strict=True):
            try:
                struct.pack(">" + kind.code, kind.dump(value) if kind.dump else value)
            except VirtmigError as error:
                return error.inside(name) if name else error
            except (struct.error, TypeError, AttributeError):
                return OutOfRange(f"{shown(value)} does not fit {kind.label}", path=name)
        return None

    def blame_object(self, value: Any) -> VirtmigError | None:
        """The same for the fields of an object."""
        try:
            return self.blame([attrgetter(path)(value) for path in self.paths])
        except AttributeError:
            return None


@lru_cache(maxsize=256)
def _repeated(order: str, codes: str, count: int) -> struct.Struct:
    return struct.Struct(order + codes * count)


def pack_rows(run: Run, order: str, rows: Sequence[tuple[Any, ...]]) -> bytes:
    """Bytes of many equal runs at once; `struct.error` if any value does not fit."""
    return _repeated(order, run.codes, len(rows)).pack(*chain.from_iterable(rows))
