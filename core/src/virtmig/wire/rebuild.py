"""A record with parts of it replaced, wherever in it they lie."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from operator import is_
from typing import Any, TypeVar

from virtmig.wire.layout import ATTRIBUTE, Layout, layout_for
from virtmig.wire.record import evolve

T = TypeVar("T")


def is_record(value: Any) -> bool:
    """Whether a value is an object of a class that `@record` made."""
    return isinstance(value.__class__.__dict__.get(ATTRIBUTE), Layout)


def records_in(value: Any) -> tuple[Any, ...]:
    """The items of an array of records, which are all of one class; empty for anything else."""
    items: tuple[Any, ...] = value if value.__class__ is tuple else ()
    return items if items and is_record(items[0]) else ()


def rebuild(value: Any, kind: type[T], change: Callable[[T], T]) -> Any:
    """`value` with `change` done to each record of class `kind` in it; itself if there is none."""
    if value.__class__ is kind:
        return change(value)
    if items := records_in(value):
        made = tuple([rebuild(item, kind, change) for item in items])
        return value if all(map(is_, items, made)) else made
    if not is_record(value):
        return value
    changes: dict[str, Any] = {}
    for field in layout_for(value).all_fields:
        before = getattr(value, field.name)
        after = rebuild(before, kind, change)
        if after is not before:
            changes[field.name] = after
    return evolve(value, **changes) if changes else value


def places(value: Any, kind: type[T], path: str = "") -> Iterator[tuple[str, T]]:
    """Each record of class `kind` in a value, with the path to it."""
    if value.__class__ is kind:
        yield path, value
    elif is_record(value):
        for field in layout_for(value).all_fields:
            step = path if field.type.merged else f"{path}.{field.key}".removeprefix(".")
            yield from places(getattr(value, field.name), kind, step)
    else:
        for number, item in enumerate(records_in(value)):
            yield from places(item, kind, f"{path}[{number}]")
