"""The only walk over fields in the project: records ⇄ bytes.

The fast road handles a whole run of fields, or a whole array of rows, at once. When it fails,
the failing field is looked for one by one, so errors are exact and good input pays nothing.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from typing import Any, TypeVar

from virtmig.errors import (
    ConditionMismatch,
    MissingFact,
    NotCanonical,
    OutOfRange,
    TrailingBytes,
    Truncated,
    UnknownSubsection,
    VersionMismatch,
    VirtmigError,
    shown,
)
from virtmig.wire.layout import FieldSpec, Layout, Plan, Row, layout_for, layout_of
from virtmig.wire.reader import SUBSECTION, Reader
from virtmig.wire.run import NATIVE, Run, pack_rows
from virtmig.wire.scope import Scope, Seen

R = TypeVar("R")


def decode(cls: type[R], data: bytes, scope: Scope | None = None) -> R:
    """The record of class `cls` that `data` holds; every byte must be used."""
    reader = Reader(data)
    value: R = decode_layout(layout_of(cls), reader, scope or Scope())
    end(reader)
    return value


def encode(value: Any, scope: Scope | None = None) -> bytes:
    """The bytes of a record."""
    out = bytearray()
    encode_layout(layout_for(value), value, out, scope or Scope())
    return bytes(out)


def end(reader: Reader) -> None:
    """Fail unless every byte has been used."""
    if reader.pos != reader.end:
        if reader.cut_header():
            raise Truncated("subsection header is cut", offset=reader.pos)
        raise TrailingBytes(f"{reader.end - reader.pos} bytes are left", offset=reader.pos)


def decode_layout(layout: Layout, reader: Reader, scope: Scope) -> Any:
    """One record off the front of `reader`."""
    plan = layout.plan(scope)
    if plan.row is not None:
        order = order_of(plan.row.run, scope)
        start = reader.pos
        return build(plan.row, reader.fixed(plan.row.run, order), start)
    seen: dict[str, Any] = {}
    for step in plan.steps:
        if type(step) is Run:
            start = reader.pos
            values = reader.fixed(step, order_of(step, scope))
            seen.update(zip(step.names, step.load(values, start), strict=True))
        elif type(step) is FieldSpec:
            _decode_field(step, reader, scope, seen)
    if layout.tails:
        _decode_tails(layout, reader, scope, seen)
    return layout.cls(**seen)


def _decode_field(field: FieldSpec, reader: Reader, scope: Scope, seen: dict[str, Any]) -> None:
    if field.when is not None and field.waits and not field.when.test(scope, seen):
        return
    start = reader.pos
    try:
        seen[field.name] = field.type.decode(reader, scope, seen)
    except VirtmigError as error:
        if error.where.offset is None:
            error.where = error.where.at(start)
        raise field.inside(error) from error.__cause__


def _decode_tails(layout: Layout, reader: Reader, scope: Scope, seen: dict[str, Any]) -> None:
    """Subsections, by QEMU's greedy rule: whatever starts with the parent's name is ours."""
    names = list(layout.tails)
    last = -1
    while header := reader.subsection(layout.vmsd, layout.tails):
        name, version, length = header
        field = layout.tails.get(name)
        if field is None or field.type.tail is None:
            hint = "written by a newer QEMU, or an installed plugin lacks it"
            text = "no such subsection is declared"
            raise UnknownSubsection(text, path=name, offset=reader.pos, hint=hint)
        index = names.index(name)
        if index <= last:
            text = "doubled, or not in the order in which QEMU writes subsections"
            raise NotCanonical(text, path=name, offset=reader.pos)
        last = index
        check_version(field.type.tail, version, name, reader.pos)
        reader.pos += length
        seen[field.name] = _decode_tail(field.type.tail, version, reader, scope, seen)


def _decode_tail(tail: Layout, version: int, reader: Reader, scope: Scope, above: Seen) -> Any:
    before = scope.version, scope.above
    scope.version, scope.above = version, above
    try:
        return decode_layout(tail, reader, scope)
    except VirtmigError as error:
        raise error.inside(tail.vmsd) from error.__cause__
    finally:
        scope.version, scope.above = before


def check_version(layout: Layout, version: int, path: str, offset: int) -> None:
    """Fail unless `version` is one that the layout declares."""
    if problem := outside(version, layout.minimum, layout.version):
        raise VersionMismatch(problem, path=path, offset=offset)


def outside(version: Any, oldest: int, newest: int) -> str:
    """What is wrong with a version that is not one of those; empty if it is."""
    if type(version) is int and oldest <= version <= newest:
        return ""
    return f"version {shown(version)} is not in {oldest}..{newest}"


def build(row: Row, values: tuple[Any, ...], start: int) -> Any:
    """The object of one row's raw values."""
    try:
        return row.build((values,))[0]
    except VirtmigError:
        row.run.load(values, start)
        raise


def encode_layout(layout: Layout, value: Any, out: bytearray, scope: Scope) -> None:
    """Append the bytes of a record of this layout to `out`."""
    plan = plan_for(layout, value, scope)
    if plan.row is not None:
        out += pack_all(plan.row, [value], scope, single=True)
        return
    seen: dict[str, Any] = {}
    for step in plan.steps:
        if type(step) is Run:
            values = [getattr(value, name) for name in step.names]
            seen.update(zip(step.names, values, strict=True))
            out += step.pack(order_of(step, scope), values)
        elif type(step) is FieldSpec:
            _encode_field(step, getattr(value, step.name), out, scope, seen)
    for field in layout.tails.values():
        tail = getattr(value, field.name)
        if tail is not None and field.type.tail is not None:
            _encode_tail(field.type.tail, tail, out, scope, seen)


def plan_for(layout: Layout, value: Any, scope: Scope) -> Plan:
    """The plan for encoding `value`, or the rows of an array that starts with it."""
    plan = layout.plan_of(value, scope)
    _check_outer(plan, value, scope)
    return plan


def _check_outer(plan: Plan, value: Any, scope: Scope) -> None:
    """A value decides whether its field is written; its condition must not say otherwise."""
    for field in plan.layout.outer:
        try:
            present = field.when is None or field.when.test(scope, {})
        except MissingFact:  # a fact that nobody knows cannot contradict
            continue
        _check_presence(field, getattr(value, field.name), present=present)
    for field in plan.layout.inline:
        if field.name in plan.nested:
            try:
                _check_outer(plan.nested[field.name], getattr(value, field.name), scope)
            except VirtmigError as error:
                raise field.inside(error) from None


def _check_presence(field: FieldSpec, value: Any, *, present: bool) -> None:
    if present is (value is None):
        state, need = ("unset", "is") if present else ("set", "is not")
        text = f"{state}, but its condition {need} met: {field.when.text if field.when else ''}"
        raise ConditionMismatch(text, path=field.name)


def _encode_field(
    field: FieldSpec, value: Any, out: bytearray, scope: Scope, seen: dict[str, Any]
) -> None:
    if field.when is not None and field.waits:
        _check_presence(field, value, present=field.when.test(scope, seen))
        if value is None:
            return
    seen[field.name] = value
    try:
        field.type.encode(value, out, scope, seen)
    except VirtmigError as error:
        raise field.inside(error) from error.__cause__
    except (TypeError, AttributeError, ValueError) as error:
        text = f"{shown(value)} does not fit {field.type.label}"
        raise OutOfRange(text, path=field.name) from error


def _encode_tail(tail: Layout, value: Any, out: bytearray, scope: Scope, above: Seen) -> None:
    before = scope.version, scope.above
    try:
        scope.version, scope.above = _version_of(tail, value), above
        name = tail.vmsd.encode()
        out += bytes((SUBSECTION, len(name))) + name + scope.version.to_bytes(4, "big")
        encode_layout(tail, value, out, scope)
    except VirtmigError as error:
        raise error.inside(tail.vmsd) from error.__cause__
    finally:
        scope.version, scope.above = before


def _version_of(tail: Layout, value: Any) -> int:
    """The version for the header: the record's own, where it is read in several."""
    if not tail.version_field or value.__class__ is not tail.cls:
        return tail.version
    version = getattr(value, tail.version_field)
    if problem := outside(version, tail.minimum, tail.version):
        raise OutOfRange(problem, path=tail.version_field)
    return int(version)


def pack_all(row: Row, values: Sequence[Any], scope: Scope, *, single: bool = False) -> bytes:
    """Bytes of an array of rows; names the first value that does not fit.

    single: `values` is one record and no array, so no index is named.
    """
    order = order_of(row.run, scope)
    flat = row.flat
    try:
        return pack_rows(row.run, order, [flat(value) for value in values])
    except (VirtmigError, struct.error, TypeError, AttributeError, ValueError) as error:
        index, found = _blame(row, values, order, error)
        raise found if single else found.inside(f"[{index}]") from None


def _blame(
    row: Row, values: Sequence[Any], order: str, error: Exception
) -> tuple[int, VirtmigError]:
    """The error of the first row that cannot be packed, with its index and field."""
    for index, value in enumerate(values):
        try:
            row.run.structs[order].pack(*row.flat(value))
        except Exception as cause:  # noqa: BLE001  whatever a foreign object does, it is named
            found = row.run.blame_object(value)
            if found is None:
                found = cause if isinstance(cause, VirtmigError) else OutOfRange(str(cause))
            return index, found
    return 0, OutOfRange(str(error))


def order_of(run: Run, scope: Scope) -> str:
    """`<` or `>`: the byte order of a run under `scope`."""
    return scope.host_order if run.order == NATIVE else run.order
