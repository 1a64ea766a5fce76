"""The trailing JSON in which QEMU describes the FULL sections: their names, order and sizes.

It is used to find sections, never to decode one. It comes from the sender, so nothing in it is
believed before the stream's own headers and footers agree, and parsing it is bounded.
"""

from __future__ import annotations

import json
import re
from collections import deque
from collections.abc import Mapping
from contextlib import suppress
from typing import cast

import attrs

from virtmig.errors import BadFooter, LimitExceeded
from virtmig.stream.cursor import Data
from virtmig.stream.records import EOF, VMDESCRIPTION

HEADER_SIZE = 5
"""The record type byte and a four-byte length."""
LARGEST = 8 << 20
"""Bytes of JSON that are read; a thousand devices need about one MiB."""
LARGEST_INSTANCE = 0xFFFFFFFF
MOST_NODES = 1 << 18
"""Objects and arrays in it: what bounds the memory that parsing takes."""


@attrs.frozen
class Device:
    """What the description says of one FULL section."""

    idstr: str
    instance_id: int
    size: int
    """Bytes of payload; wrong where an array of pointers has NULLs and QEMU is 9.x or older."""


@attrs.frozen
class Description:
    """The description, as far as framing needs it."""

    at: int
    """Offset of the record type byte; the EOF record is the byte before it."""
    end: int
    """Offset behind it: the end of the stream."""
    page_size: int
    """Guest page size in the RAM section, bytes; 0 if it does not say."""
    devices: tuple[Device, ...]
    """The FULL sections in stream order."""


def find(data: Data, end: int) -> int | None:
    """Offset of the description record that ends at `end`.

    JSON text has no byte below 0x20, so the last 0x06 is the record type or lies in the length.
    """
    last = data.rfind(b"\x06", max(0, end - LARGEST - HEADER_SIZE), end)
    for at in range(last, max(0, last - HEADER_SIZE), -1):
        record = data[at - 1 : at + HEADER_SIZE]
        if record[:2] == bytes([EOF, VMDESCRIPTION]) and _end(data, at) == end:
            return at
    return None


def _end(data: Data, at: int) -> int:
    return at + HEADER_SIZE + int.from_bytes(data[at + 1 : at + HEADER_SIZE], "big")


def find_inside(data: Data) -> Description | None:
    """The last whole description that other bytes than zeros follow, if one is near the end."""
    start = max(0, len(data) - 2 * LARGEST)
    for match in reversed(deque(_RECORD.finditer(data, start), MOST_RECORDS)):
        at = match.start() + 1
        end = _end(data, at)
        if end - at <= LARGEST and data[end - 1 : end] == b"}":
            with suppress(BadFooter, LimitExceeded):
                return read(data, at)
    return None


_RECORD = re.compile(rb"\x00\x06(?=[\x00-\x7f]...\{)", re.DOTALL)
"""EOF, and a description behind it."""
MOST_RECORDS = 16
"""Places in which a description is looked for that does not end the file."""


def read(data: Data, at: int) -> Description:
    """The description record at `at`, parsed."""
    return parse(data[at + HEADER_SIZE : _end(data, at)], at)


def parse(raw: bytes, at: int) -> Description:
    """The description whose JSON is `raw`, of the record at `at`."""
    if raw.count(b"{") + raw.count(b"[") > MOST_NODES:
        raise LimitExceeded(f"the description has more than {MOST_NODES} parts", offset=at)
    try:
        return _described(at, at + HEADER_SIZE + len(raw), _mapping(json.loads(raw.decode())))
    except (ValueError, TypeError, KeyError, RecursionError) as error:
        reason = f"the description is damaged: {type(error).__name__}: {error}"
        raise BadFooter(reason, offset=at, hint="it is JSON at the end of the file") from error


def _described(at: int, end: int, node: Mapping[str, object]) -> Description:
    devices = tuple(_device(_mapping(device)) for device in _array(node["devices"]))
    return Description(at, end, _number(node.get("page_size", 0)), devices)


def _device(node: Mapping[str, object]) -> Device:
    instance_id = _number(node["instance_id"])
    if instance_id > LARGEST_INSTANCE:
        raise TypeError(f"an instance id of 32 bits is expected, not {instance_id}")
    return Device(_text(node["name"]), instance_id, _size(node))


def _size(node: Mapping[str, object]) -> int:
    """Bytes of a structure; a subsection's own header is in no `size`, so it is added here."""
    total = sum(_field_size(_mapping(field)) for field in _array(node.get("fields", [])))
    for item in _array(node.get("subsections", [])):
        subsection = _mapping(item)
        total += 6 + len(_text(subsection["vmsd_name"]).encode()) + _size(subsection)
    return total


def _field_size(field: Mapping[str, object]) -> int:
    """Bytes of a field, all array elements included; nested structures are in `size` already."""
    return _number(field["size"]) * _number(field.get("array_len", 1))


def _mapping(value: object) -> Mapping[str, object]:
    if not isinstance(value, dict):
        raise TypeError(f"an object is expected, not {_shown(value)}")
    return cast("Mapping[str, object]", value)


def _array(value: object) -> list[object]:
    if not isinstance(value, list):
        raise TypeError(f"an array is expected, not {_shown(value)}")
    return cast("list[object]", value)


def _text(value: object) -> str:
    if not isinstance(value, str) or len(value.encode()) > 255:
        raise TypeError(f"a name of up to 255 bytes is expected, not {_shown(value)}")
    return value


def _number(value: object) -> int:
    if type(value) is not int or not 0 <= value < 1 << 64:
        raise TypeError(f"a size or number is expected, not {_shown(value)}")
    return value


def _shown(value: object) -> str:
    return type(value).__name__
