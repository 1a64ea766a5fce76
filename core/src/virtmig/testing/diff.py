"""Where two values differ: by record and field, down to the innermost one."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import attrs

from virtmig.errors import VirtmigError, shown
from virtmig.wire.layout import ATTRIBUTE, layout_for
from virtmig.wire.lookup import find_field
from virtmig.wire.scope import Scope

MISSING = "nothing"


@attrs.frozen
class Difference:
    """One place. field: `EchoState.tag`; path: `device.tag`; one, other: what stands there."""

    field: str
    path: str
    one: Any
    other: Any

    @property
    def name(self) -> str:
        """Its field and, where that tells more, its path."""
        tail = self.path.rpartition(".")[2]
        deep = self.path.count(".") > 1 or tail != self.field.rpartition(".")[2]
        return f"{self.field} ({self.path})" if self.field and deep else self.field or self.path

    def said(self, one: str, other: str) -> str:
        """`saved 3, loaded 0`; of lists of two lengths, the lengths; of sets, what differs."""
        if type(self.one) is type(self.other) is frozenset:
            lost, new = self.one - self.other, self.other - self.one
            parts = [f"without {shown(sorted(lost, key=repr))}"] if lost else []
            parts += [f"with {shown(sorted(new, key=repr))} more"] if new else []
            return f"{one} {len(self.one)} items, {other} {' and '.join(parts)}"
        if _in_another_order(self.one, self.other):
            return f"{one} {len(self.one)} items, {other} them in another order"
        lists = [issubclass(type(part), tuple | list) for part in (self.one, self.other)]
        if all(lists) and len(self.one) != len(self.other):
            return f"{one} {len(self.one)} items, {other} {len(self.other)}"
        kinds = ("", "")
        if shown(self.one) == shown(self.other):
            kinds = (f" {type(self.one).__name__}", f" {type(self.other).__name__}")
        return f"{one}{kinds[0]} {shown(self.one)}, {other}{kinds[1]} {shown(self.other)}"


def is_record(value: Any) -> bool:
    """Whether it is an instance of a record class."""
    return ATTRIBUTE in type(value).__dict__


def differences(
    one: Any, other: Any, path: str = "", field: str = "", *, types: bool = False
) -> Iterator[Difference]:
    """Every innermost place where the two differ; types: a bool is then no int, a list no tuple."""
    if is_record(one) and type(one) is type(other):
        for spec in layout_for(one).all_fields:
            name = f"{type(one).__name__}.{spec.name}"
            inner = f"{path}.{spec.key}" if path else spec.key
            ours, theirs = getattr(one, spec.name), getattr(other, spec.name)
            yield from differences(ours, theirs, inner, name, types=types)
    elif _in_another_order(one, other):
        yield Difference(field, path, one, other)
    elif _rows(one, other, types=types):
        for index, (ours, theirs) in enumerate(zip(one, other, strict=True)):
            yield from differences(ours, theirs, f"{path}[{index}]", field, types=types)
    elif (types and type(one) is not type(other)) or not equal(one, other):
        yield Difference(field, path, one, other)


def _rows(one: Any, other: Any, *, types: bool) -> bool:
    kinds: tuple[type[Any], ...] = (one.__class__, other.__class__)
    if types and kinds[0] is not kinds[1]:
        return False
    return all(issubclass(kind, tuple | list) for kind in kinds) and len(one) == len(other)


def _in_another_order(one: Any, other: Any) -> bool:
    """Whether two tuples hold the same items and are not equal."""
    if not type(one) is type(other) is tuple or len(one) != len(other) or equal(one, other):
        return False
    return sorted(map(repr, one)) == sorted(map(repr, other))


def equal(one: Any, other: Any) -> bool:
    """Whether two values are equal, whatever a foreign comparison does."""
    try:
        return bool(one == other)
    except Exception:  # noqa: BLE001  a plugin's own class may fail in any way
        return False


def kind_of(value: Any) -> str:
    """The type of a container, as `looking.frozen` gives it; nothing for anything else."""
    held: Any = value
    kind: type[object] = value.__class__
    if kind is list and held and held[0] in ("list", "tuple", "set", "bytearray"):
        return str(held[0])
    return "frozenset" if kind is frozenset else ""


def told_kind(value: Any) -> str:
    """A value as `looking.frozen` gives it, for a message."""
    held: Any = value
    kind = kind_of(held)
    if not kind:
        return shown(held)
    items: list[Any] = sorted(map(repr, held)) if kind == "frozenset" else held[1:]
    return f"a {kind} {shown(items)}"


def first(one: Any, other: Any, path: str = "", *, types: bool = False) -> Difference | None:
    """The first difference, if there is any."""
    return next(differences(one, other, path, types=types), None)


def fields_of(record: Any, path: str) -> Iterator[tuple[str, str, Any]]:
    """Every field in a record, with its name, its path, and its value; records are gone into."""
    for spec in layout_for(record).all_fields:
        value = getattr(record, spec.name)
        inner = f"{path}.{spec.key}"
        yield f"{type(record).__name__}.{spec.name}", inner, value
        items: Any = value if issubclass(type(value), tuple) else (value,)
        for item in items:
            if is_record(item):
                yield from fields_of(item, inner)


def named(parts: Iterable[tuple[str, Any]], path: str, scope: Scope) -> str:
    """A path of an error as `EchoState.gain (device.gain)`; as it is if no field lies there."""
    top, _, rest = path.partition(".")
    for name, kind in parts:
        if name == top.partition("[")[0] and rest:
            try:
                found = find_field(kind, rest, scope)
            except VirtmigError:
                return path
            if found is not None:
                return f"{found[0].cls.__name__}.{found[1].name} ({path})"
    return path
