"""Records near one that a device saved: one field is another value, and all else fits.

Where a device refuses nearly all drawn states, each for another field, these come past every check
but one.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Any

import attrs

from virtmig.testing.diff import equal, is_record
from virtmig.wire.layout import layout_for

TRIES = 3
"""Times that each kind of change is made."""
FEW = 3
"""Items of a list that are changed."""
Changed = tuple[str, Any]
"""What sort of change it is, by the names of the fields, and the record or value after it."""


@attrs.define
class Tried:
    """What has been tried in the examples of one law.

    fixed: names of fields that stay. index: the first number of a queue that the device has not.
    times: how often each kind of change was made.
    """

    fixed: tuple[str, ...] = ()
    index: int = 0
    times: Counter[str] = attrs.field(factory=Counter[str])


def neighbours(record: Any, drawn: Any, tried: Tried) -> Iterator[Any]:
    """The record with one field at a time as in `drawn`, as in its sibling, or one too high.

    No count is changed: its list would not fit.
    """
    kind = type(record).__name__
    for label, changed in _records(record, drawn, tried):
        if tried.times[f"{kind}{label}"] < TRIES:
            tried.times[f"{kind}{label}"] += 1
            yield changed


def _records(record: Any, drawn: Any, tried: Tried) -> Iterator[Changed]:
    layout = layout_for(record)
    for field in layout.all_fields:
        if field.name in layout.counts or field.name in tried.fixed:
            continue
        mine = getattr(record, field.name)
        other = getattr(drawn, field.name) if type(drawn) is type(record) else mine
        for label, value in _values(mine, other, tried, counted=bool(field.type.reads)):
            yield f".{field.name}{label}", attrs.evolve(record, **{field.name: value})


def _values(mine: Any, other: Any, tried: Tried, *, counted: bool = False) -> Iterator[Changed]:
    """One value with one thing in it changed; of a counted list, no more than its items."""
    if is_record(mine):
        yield from _records(mine, other, tried)
    elif issubclass(type(mine), tuple):
        yield from _items(mine, other, tried)
    elif type(mine) is int:
        yield " = index", tried.index
    if not counted and not equal(mine, other):
        yield "", other


def _items(mine: tuple[Any, ...], other: Any, tried: Tried) -> Iterator[Changed]:
    """A list with one item changed: as another list has it, or as its own first one is."""
    others: tuple[Any, ...] = other if issubclass(other.__class__, tuple) else ()
    for number, item in enumerate(mine[:FEW]):
        found = list(_values(item, others[number % len(others)] if others else item, tried))
        found += _alike(item, mine[0])
        for label, value in found:
            yield f"[]{label}", (*mine[:number], value, *mine[number + 1 :])


def _alike(item: Any, first: Any) -> Iterator[Changed]:
    """An item that has one field, or all of it, from another item."""
    if not is_record(item):
        if not equal(item, first):
            yield " twice", first
        return
    for field in layout_for(item).all_fields if type(item) is type(first) else ():
        value = getattr(first, field.name)
        if not equal(value, getattr(item, field.name)):
            yield f".{field.name} twice", attrs.evolve(item, **{field.name: value})


def one_changed(record: Any, drawn: Any) -> Iterator[Any]:
    """The record with one field at a time as in `drawn`; not a count, whose array would not fit."""
    layout = layout_for(record)
    for field in layout.all_fields:
        value = getattr(drawn, field.name)
        counted = field.name in layout.counts or field.type.reads
        if not counted and value != getattr(record, field.name):
            yield attrs.evolve(record, **{field.name: value})
