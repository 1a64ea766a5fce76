"""From a dotted path to the declaration that owns it."""

from __future__ import annotations

import re
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
        layout = _record_of(kind, scope)
        found = _member(layout, name, scope) if layout is not None else None
        if found is None:
            return None
        kind = found[1].type
    return found


def _record_of(kind: WireType[Any], scope: Scope) -> Layout | None:
    inner = kind.inner
    return inner.layout(scope) if isinstance(inner, Struct) else inner.tail


def _member(layout: Layout, name: str, scope: Scope) -> tuple[Layout, FieldSpec] | None:
    for field in layout.all_fields:
        if name in (field.name, field.key):
            return layout, field
    for field in layout.all_fields:
        if field.type.merged and isinstance(field.type, Struct):
            return _member(field.type.layout(scope), name, scope)
    return None
