"""Records ⇄ plain data: the one tree that JSON, CBOR, diff and reports are made of.

A subsection stands under its vmsd name; a field that is not on the wire is left out; the fields
that a transport adds to a core record (a queue's vector) stand beside the record's own.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, TypeVar

import attrs

from virtmig.errors import BadContainer, VirtmigError, shown
from virtmig.wire.layout import layout_for, layout_of
from virtmig.wire.types import Form, expect, expect_list, expect_map

T = TypeVar("T")


def from_record(value: Any, form: Form) -> dict[str, Any]:
    """The tree of a record."""
    tree: dict[str, Any] = {}
    for field in layout_for(value).all_fields:
        item = getattr(value, field.name)
        if item is None:
            continue
        branch = field.type.plain(item, form)
        if field.type.merged:
            tree |= branch
        else:
            tree[field.key] = branch
    return tree


def to_record(cls: type[T], data: Any, form: Form) -> T:
    """The record of class `cls` that a tree stands for."""
    values, rest = _values(cls, data, form)
    if rest:
        raise BadContainer(f"{cls.__name__} has no field {shown(next(iter(rest)))}")
    return _make(cls, values)


def _values(cls: type[Any], data: Any, form: Form) -> tuple[dict[str, Any], dict[str, Any]]:
    """Field values of `cls` in a tree, and what is left of it."""
    values: dict[str, Any] = {}
    rest = dict(expect_map(data))
    for field in layout_of(cls).all_fields:
        key = field.key
        try:
            if field.type.merged:
                inner = form.records[field.type.label]
                branch, rest = _values(inner, rest, form)
                values[field.name] = _make(inner, branch)
            elif key in rest:
                values[field.name] = field.type.unplain(rest.pop(key), form)
        except VirtmigError as error:
            raise field.inside(error) from error.__cause__
    return values, rest


def _make(cls: type[T], values: dict[str, Any]) -> T:
    try:
        return cls(**values)
    except TypeError:
        made: Any = cls
        needed = (one.name for one in attrs.fields(made) if one.default is attrs.NOTHING)
        keys = {field.name: field.key for field in layout_of(cls).all_fields}
        missing = ", ".join(keys[name] for name in needed if name not in values)
        raise BadContainer(f"{cls.__name__} needs {missing} too") from None


def items(data: Any, make: Callable[[Any], T]) -> tuple[T, ...]:
    """A tuple from a list of trees."""
    made: list[T] = []
    for index, item in enumerate(expect_list(data)):
        try:
            made.append(make(item))
        except VirtmigError as error:
            raise error.inside(f"[{index}]") from error.__cause__
    return tuple(made)


def ranges(numbers: Iterable[int]) -> list[str]:
    """`["0-4095"]`, `["1", "5-7"]`: a set of numbers as people write it."""
    found: list[list[int]] = []
    for number in sorted(numbers):
        if found and found[-1][1] + 1 == number:
            found[-1][1] = number
        else:
            found.append([number, number])
    return [str(low) if low == high else f"{low}-{high}" for low, high in found]


def from_ranges(data: Any, limit: int) -> frozenset[int]:
    """The reverse of `ranges`; numbers must be below `limit`."""
    numbers: set[int] = set()
    for text in items(data, lambda item: expect(str, item)):
        low, _, high = text.partition("-")
        if not (low.isdecimal() and (high or low).isdecimal()) or int(high or low) >= limit:
            raise BadContainer(f"{text!r} is no range of numbers below {limit}")
        numbers.update(range(int(low), int(high or low) + 1))
    if ranges(numbers) != data:
        raise BadContainer(f"{shown(data)} is not the shortest way to write this set")
    return frozenset(numbers)
