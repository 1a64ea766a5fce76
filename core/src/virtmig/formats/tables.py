"""Records as documentation tables: a row for each field, taken from the declarations alone."""

from __future__ import annotations

from typing import Any, cast

import attrs

from virtmig.wire.items import Items
from virtmig.wire.layout import FieldSpec, layout_of
from virtmig.wire.nested import Struct
from virtmig.wire.types import WireType

SENT = "where it was sent"
"""Condition of every subsection: its header is there or not."""


@attrs.frozen(kw_only=True)
class FieldRow:
    """What a reader wants to know of one field.

    name: as in code, trees and paths. type: wire type. when: condition, empty if the field is
    always there. doc: meaning and unit. record: the record that the value consists of, if any.
    """

    name: str
    type: str
    when: str
    doc: str
    record: type[Any] | None


def rows(cls: type[Any]) -> list[FieldRow]:
    """The fields of a record, in wire order."""
    return [_row(field) for field in layout_of(cls).all_fields]


def records(*roots: type[Any]) -> list[type[Any]]:
    """These records and all that they consist of, each once, an outer one before its parts."""
    found: dict[type[Any], None] = {}
    waiting = list(reversed(roots))
    while waiting:
        cls = waiting.pop()
        if cls in found:
            continue
        found[cls] = None
        waiting += [row.record for row in reversed(rows(cls)) if row.record is not None]
    return list(found)


def _row(field: FieldSpec) -> FieldRow:
    kind = field.type
    label = f"the transport's {kind.label} record" if kind.merged else kind.label
    always = SENT if kind.tail is not None else ""
    return FieldRow(
        name=field.name,
        type=label,
        when=field.when.text if field.when is not None else always,
        doc=field.doc,
        record=_record_of(kind),
    )


def _record_of(kind: WireType[Any]) -> type[Any] | None:
    """The record inside a wire type; None for plain values and for slots that a plugin fills."""
    if isinstance(kind, Items):
        return _record_of(cast("Items[Any]", kind).item)
    if kind.tail is not None:
        return kind.tail.cls
    if isinstance(kind, Struct):
        inner = cast("Struct[Any]", kind).cls
        return None if isinstance(inner, str) else inner
    return None
