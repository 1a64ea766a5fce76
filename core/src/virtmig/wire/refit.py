"""A record made to agree with itself after a change.

Counts follow what they count, and a field whose condition is no longer met goes.
"""

from __future__ import annotations

from typing import Any

import attrs

from virtmig.errors import MissingFact
from virtmig.wire.counted import Counted
from virtmig.wire.items import Items
from virtmig.wire.layout import FieldSpec, Layout, Nested
from virtmig.wire.scope import Scope
from virtmig.wire.types import WireType


@attrs.define(eq=False)
class Refit:
    """One pass over a section's parts, in wire order.

    because: why a field was changed, by its path. missing: conditions that are met now, by the
    path of the field that has no value yet.
    """

    scope: Scope
    because: dict[str, str] = attrs.field(factory=dict[str, str])
    missing: dict[str, str] = attrs.field(factory=dict[str, str])

    def value(self, kind: WireType[Any], value: Any, path: str) -> Any:
        """A value of wire type `kind`, with all that it consists of refitted."""
        if isinstance(kind, Nested):
            return self.record(kind.layout(self.scope), value, path)
        if isinstance(kind, Items) and isinstance(kind.inner, Nested) and value:
            if not changes(kind.inner.layout(self.scope), self.scope):
                return value
            rows = (self.value(kind.inner, one, f"{path}[{at}]") for at, one in enumerate(value))
            return tuple(rows)
        return value

    def record(self, layout: Layout, value: Any, path: str) -> Any:
        """A record, refitted."""
        if value.__class__ is not layout.cls:  # the encoder says what is wrong with it
            return value
        values = {field.name: getattr(value, field.name) for field in layout.all_fields}
        self._recount(layout, values, path)
        seen: dict[str, Any] = {}
        for field in layout.fields:
            place = _below(path, field)
            self._reconsider(field, values, seen, place)
            if values[field.name] is not None:
                seen[field.name] = self.value(field.type, values[field.name], place)
                values[field.name] = seen[field.name]
        for field in layout.tails.values():
            tail, inner = field.type.tail, values[field.name]
            if tail is not None and inner is not None:
                values[field.name] = self._tail(tail, inner, seen, _below(path, field))
        return layout.cls(**values)

    def _recount(self, layout: Layout, values: dict[str, Any], path: str) -> None:
        for field in layout.fields:
            kind, items = field.type, values[field.name]
            if not isinstance(kind, Counted) or not isinstance(kind.count, str) or items is None:
                continue
            if values[kind.count] != len(items):
                values[kind.count] = len(items)
                place = f"{path}.{kind.count}" if path else kind.count
                self.because[place] = f"it counts `{field.name}`"

    def _reconsider(
        self, field: FieldSpec, values: dict[str, Any], seen: dict[str, Any], path: str
    ) -> None:
        """Drop a field that is not on the wire any more; note one that is now."""
        if field.when is None:
            return
        try:
            present = field.when.test(self.scope, seen)
        except MissingFact:  # a fact that nobody knows cannot contradict
            return
        if not present and values[field.name] is not None:
            values[field.name] = None
            self.because[path] = f"it is there only if: {field.when.text}"
        elif present and values[field.name] is None:
            self.missing[path] = field.when.text

    def _tail(self, tail: Layout, value: Any, above: dict[str, Any], path: str) -> Any:
        scope = self.scope
        before = scope.version, scope.above
        version = getattr(value, tail.version_field) if tail.version_field else tail.version
        try:
            scope.version, scope.above = version, above
            return self.record(tail, value, path)
        finally:
            scope.version, scope.above = before


def changes(layout: Layout, scope: Scope) -> bool:
    """Whether anything in a record of this layout can follow something else."""
    for field in layout.all_fields:
        kind = field.type
        inner = kind.inner
        if field.when is not None or kind.tail is not None or isinstance(kind, Counted):
            return True
        if isinstance(inner, Nested) and changes(inner.layout(scope), scope):
            return True
    return False


def _below(path: str, field: FieldSpec) -> str:
    if field.type.merged:
        return path
    return f"{path}.{field.key}" if path else field.key
