"""Which field owns a byte: found by cutting the payload there and asking who misses it.

The decoder names the exact field of every truncation, so nothing but the decoder knows layouts.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import attrs

from virtmig.errors import DecodeError, Truncated
from virtmig.reading import Attached, Decoded
from virtmig.wire.layout import FieldSpec
from virtmig.wire.lookup import find_field
from virtmig.wire.reader import Reader


@attrs.frozen(kw_only=True)
class Owner:
    """The field that a byte belongs to.

    path: part and dotted field name. start: offset of the field in the payload. record: the
    declaring class, with its module. type: wire type. when: condition, if any.
    """

    path: str
    start: int
    record: str = ""
    type: str = ""
    doc: str = ""
    when: str = ""


class HeaderReader(Reader):
    """A reader that notes the subsection headers it passes: start, end and name."""

    __slots__ = ("headers",)

    def __init__(self, data: bytes) -> None:
        super().__init__(data)
        self.headers: list[tuple[int, int, str]] = []

    def subsection(
        self, parent: str, known: Mapping[str, FieldSpec]
    ) -> tuple[str, int, int] | None:
        found = super().subsection(parent, known)
        if found is not None:
            self.headers.append((self.pos, self.pos + found[2], found[0]))
        return found


def explain(device: Decoded | Attached, payload: bytes, offset: int) -> Owner:
    """The owner of the byte at `offset` of a device's payload."""
    if not 0 <= offset < len(payload):
        raise DecodeError(f"the payload has bytes 0 to {len(payload) - 1}", offset=offset)
    envelope, version = device.layout, device.section.version_id
    facts = {fact.name: fact.value for fact in device.state.facts}
    reader = HeaderReader(payload)
    envelope.read_parts(reader, envelope.scope(envelope.given(facts), version))
    for start, end, name in reader.headers:
        if start <= offset < end:
            return _header(_missed(device, payload[:end], facts), name, start)
    error = _missed(device, payload[:offset], facts)
    if error is None:
        raise DecodeError("no field owns this byte", offset=offset)
    return _owner(device, error)


def _missed(device: Decoded | Attached, cut: bytes, facts: Mapping[str, Any]) -> Truncated | None:
    """Who misses the byte behind the cut; None if nobody does."""
    try:
        device.layout.parse(cut, device.section.version_id, facts)
    except Truncated as error:
        return error
    return None


def _owner(device: Decoded | Attached, error: Truncated) -> Owner:
    where = error.where
    part, _, rest = where.path.partition(".")
    kind = dict(device.layout.parts)[part.partition("[")[0]]
    scope = device.layout.scope({}, device.section.version_id)
    found = find_field(kind, rest, scope)
    if found is None:
        return Owner(path=where.path, start=where.offset or 0)
    layout, field = found
    return Owner(
        path=where.path,
        start=where.offset or 0,
        record=f"{layout.cls.__module__}.{layout.cls.__qualname__}",
        type=field.type.label,
        doc=field.doc,
        when=field.when.text if field.when else "",
    )


def _header(inside: Truncated | None, name: str, start: int) -> Owner:
    """A header, whose path is that of the first field behind it; a container has none."""
    path = inside.where.path if inside is not None else ""
    prefix, found, _ = path.partition(name)
    return Owner(
        path=prefix + name if found else f"subsections.{name}",
        start=start,
        type="subsection header",
        doc=f"header of subsection {name}: a byte 5, the name's length, the name, a be32 version",
    )
