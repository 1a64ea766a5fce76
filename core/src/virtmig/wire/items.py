"""Many of one kind: arrays, sparse tables and marked lists."""

from __future__ import annotations

from typing import Any, TypeVar

from virtmig.errors import OutOfRange, VirtmigError
from virtmig.wire import codec, plain
from virtmig.wire.counted import Count, Counted
from virtmig.wire.layout import Row
from virtmig.wire.nested import Struct
from virtmig.wire.reader import Reader
from virtmig.wire.run import Leaf, Run
from virtmig.wire.scope import Scope, Seen
from virtmig.wire.types import Fixed, Form, Int, WireType, be32, u8

T = TypeVar("T")


class Items(Counted[tuple[T, ...]]):
    """Items back to back; rows of fixed width are read and written all at once."""

    def __init__(self, item: WireType[T], count: Count, label: str) -> None:
        super().__init__(label, count)
        self.item = item

    @property
    def inner(self) -> WireType[Any]:
        return self.item

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
            try:
                plan = codec.plan_for(self.item.layout(scope), value[0], scope)
            except VirtmigError as error:
                raise error.inside("[0]") from error.__cause__
            if plan.row is not None:
                out += codec.pack_all(plan.row, value, scope)
                return
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


class Array(Items[T]):
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


class Table(Items[T]):
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
            raise OutOfRange(f"{len(value)} rows, {self.slots} is the limit")
        self.write(value, out, scope, seen)
        out += bytes(self._run(scope).size * (self.slots - len(value)))


class Listed(Items[T]):
    """A list without a count; what tells that another item follows is its subclass's business."""

    def __init__(self, cls: type[T], label: str) -> None:
        super().__init__(Struct(cls), 0, label)
        self.label = f"{label} of {cls.__name__}"

    def more(self, reader: Reader) -> bool:
        """Whether another item follows; takes the mark that says so, or the one that ends all."""
        raise NotImplementedError

    mark: bytes
    stop: bytes

    def decode(self, reader: Reader, scope: Scope, seen: Seen) -> tuple[T, ...]:
        values: list[T] = []
        while self.more(reader):
            try:
                values.append(self.item.decode(reader, scope, seen))
            except VirtmigError as error:
                raise error.inside(f"[{len(values)}]") from error.__cause__
        return tuple(values)

    def encode(self, value: tuple[T, ...], out: bytearray, scope: Scope, seen: Seen) -> None:
        for index, item in enumerate(value):
            out += self.mark
            start = len(out)
            try:
                self.item.encode(item, out, scope, seen)
                self.check(out, start)
            except VirtmigError as error:
                raise error.inside(f"[{index}]") from error.__cause__
        out += self.stop

    def check(self, out: bytearray, start: int) -> None:
        """Refuse an item that a reader would not take for one."""


class Marked(Listed[T]):
    """A byte 1 in front of each item, a byte 0 at the end."""

    mark, stop = b"\1", b"\0"

    def __init__(self, cls: type[T]) -> None:
        super().__init__(cls, "marked list")

    def more(self, reader: Reader) -> bool:
        return reader.marker()


class Keyed(Listed[T]):
    """Items whose first field is never 0; a 0 of that width stands in place of the next one."""

    mark = b""

    def __init__(self, cls: type[T], key: Int) -> None:
        super().__init__(cls, f"list up to a {key.label} 0")
        self.size = key.size
        self.stop = bytes(key.size)

    def more(self, reader: Reader) -> bool:
        return reader.key(self.size)

    def check(self, out: bytearray, start: int) -> None:
        if not any(out[start : start + self.size]):
            raise OutOfRange("0 in the first field would end the list")


class Tree(Listed[T]):
    """A be32 with the number of items, then these as a marked list (QEMU: vmstate_info_gtree)."""

    mark, stop = b"\1", b"\0"
    _count = Run([Leaf("", "", be32, counts=True)])
    _more, _last = u8.from_(1).upto(1), u8.upto(0)

    def __init__(self, cls: type[T]) -> None:
        super().__init__(cls, "tree")

    def decode(self, reader: Reader, scope: Scope, seen: Seen) -> tuple[T, ...]:
        (count,) = reader.fixed(self._count, self._count.order)
        values: list[T] = []
        for index in range(count):
            try:
                self._more.decode(reader, scope, seen)
                values.append(self.item.decode(reader, scope, seen))
            except VirtmigError as error:
                raise error.inside(f"[{index}]") from error.__cause__
        self._last.decode(reader, scope, seen)
        return tuple(values)

    def encode(self, value: tuple[T, ...], out: bytearray, scope: Scope, seen: Seen) -> None:
        out += len(value).to_bytes(4, "big")
        super().encode(value, out, scope, seen)
