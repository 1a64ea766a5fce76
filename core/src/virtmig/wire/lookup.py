"""From a dotted path to the declaration that owns it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from virtmig.wire.layout import FieldSpec, Layout
from virtmig.wire.nested import Struct
from virtmig.wire.scope import Scope
from virtmig.wire.types import WireType

_TOKEN = re.compile(r"([^.\[\]]+)|\[\d+\]")


def find_field(kind: WireType[Any], path: str, scope: Scope) -> tuple[Layout, FieldSpec] | None:
    """The record and field that `path` ends in, starting at a value of wire type `kind`.

    Indices in the path are passed over. None if the path ends at no field, as in a header.
    """
    found: tuple[Layout, FieldSpec] | None = None
    for token in _TOKEN.finditer(path):
        name = token.group(1)
        if name is None:
            continue
        found = find_member(kind, name, scope)
        if found is None:
            return None
        kind = found[1].type
    return found


def find_member(kind: WireType[Any], name: str, scope: Scope) -> tuple[Layout, FieldSpec] | None:
    """The field `name` of a record, or of each item of an array, that is of wire type `kind`."""
    fits = (one for one in members(kind, scope) if name in (one[1].name, one[1].key))
    return next(fits, None)


def members(kind: WireType[Any], scope: Scope) -> Iterator[tuple[Layout, FieldSpec]]:
    """What stands in a tree below a value of wire type `kind`, each field with its record.

    The fields of a merged record stand beside those of the record around it.
    """
    layout = record_of(kind, scope)
    if layout is None:
        return
    for field in layout.all_fields:
        if field.type.merged:
            yield from members(field.type, scope)
        else:
            yield layout, field


def record_of(kind: WireType[Any], scope: Scope) -> Layout | None:
    """The layout of the record that stands where `kind` does, or of each of its items.

    None if that is no record, or one that a transport could bring and this one does not.
    """
    inner = kind.inner
    if not isinstance(inner, Struct):
        return inner.tail
    if isinstance(inner.cls, str) and inner.cls not in scope.records:
        return None
    return inner.layout(scope)
