"""Which field owns a byte: found by cutting the payload there and asking who misses it.

The decoder names the exact field of every truncation, so nothing but the decoder knows layouts.
"""

from __future__ import annotations

from typing import Any

import attrs

from virtmig.errors import DecodeError, Truncated
from virtmig.reading import Decoded
from virtmig.wire.lookup import find_field
from virtmig.wire.reader import SUBSECTION, Reader


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


def explain(device: Decoded, payload: bytes, offset: int) -> Owner:
    """The owner of the byte at `offset` of a device's payload."""
    if not 0 <= offset < len(payload):
        raise DecodeError(f"the payload has bytes 0 to {len(payload) - 1}", offset=offset)
    envelope = device.drivers.envelope
    facts: dict[str, Any] = {fact.name: fact.value for fact in device.state.facts}
    try:
        envelope.parse(payload[:offset], device.section.version_id, facts)
    except Truncated as error:
        return _owner(device, error, payload)
    header = Reader(payload)
    header.pos = offset
    return _header("subsections", header, offset)


def _owner(device: Decoded, error: Truncated, payload: bytes) -> Owner:
    start = error.where.offset or 0
    part, _, rest = error.where.path.partition(".")
    kind = dict(device.drivers.envelope.parts)[part.partition("[")[0]]
    scope = device.drivers.envelope.scope({}, device.section.version_id)
    found = find_field(kind, rest, scope)
    if found is None or (payload[start] == SUBSECTION and found[1].type.tail is not None):
        reader = Reader(payload)
        reader.pos = start
        return _header(error.where.path, reader, start)
    layout, field = found
    cls = layout.cls
    return Owner(
        path=error.where.path,
        start=start,
        record=f"{cls.__module__}.{cls.__qualname__}",
        type=field.type.label,
        doc=field.doc,
        when=field.when.text if field.when else "",
    )


def _header(path: str, reader: Reader, start: int) -> Owner:
    header = reader.subsection("", {})
    name = header[0] if header else "?"
    return Owner(
        path=path,
        start=start,
        type="subsection header",
        doc=f"header of subsection {name}: a byte 5, the name's length, the name, a be32 version",
    )
