"""Cut the device sections out of a migration stream, without any of virtmig's own code.

This is a second opinion: it knows no section's format. It walks backwards from the end of the file,
where the description lists all non-live sections in order, and looks for each section's header
before the start of the one after it. Guest RAM, which could hold anything, is never searched: it
lies before the first of these sections.
"""

from __future__ import annotations

import json
import struct
from dataclasses import dataclass
from typing import Any

EOF, SECTION_FULL, DESCRIPTION, FOOTER = 0x00, 0x04, 0x06, 0x7E


class NotExtractable(Exception):
    """The stream has no description, or a section is not where it should be."""


@dataclass(frozen=True)
class RawSection:
    """One section as it lies in a stream."""

    offset: int  # of the payload
    section_id: int
    idstr: str
    instance_id: int
    version_id: int
    payload: bytes


def description(stream: bytes) -> tuple[int, dict[str, Any]]:
    """The offset of the end mark of the machine state, and the JSON that follows it."""
    start = len(stream)
    while (start := stream.rfind(bytes([EOF, DESCRIPTION]), 0, start)) >= 0:
        (length,) = struct.unpack_from(">I", stream, start + 2)
        if start + 6 + length == len(stream):
            parsed: dict[str, Any] = json.loads(stream[start + 6 :])
            return start, parsed
    message = "no description at the end"
    raise NotExtractable(message)


def sections(stream: bytes) -> list[RawSection]:
    """All non-live sections, in stream order."""
    end, told = description(stream)
    found = []
    for device in reversed(told["devices"]):
        section = _before(stream, end, device["name"], device["instance_id"])
        found.append(section)
        end = section.offset - _header_length(section.idstr)
    return found[::-1]


def _header_length(idstr: str) -> int:
    return 1 + 4 + 1 + len(idstr.encode()) + 4 + 4


def _before(stream: bytes, end: int, idstr: str, instance_id: int) -> RawSection:
    """The section that ends, with or without a footer, exactly at `end`."""
    name = idstr.encode()
    key = bytes([len(name)]) + name + struct.pack(">I", instance_id)
    at = stream.rfind(key, 0, end)
    while at >= 0 and stream[at - 5] != SECTION_FULL:
        at = stream.rfind(key, 0, at)
    if at < 0:
        message = f"no section {idstr!r} before {end:#x}"
        raise NotExtractable(message)
    (section_id,) = struct.unpack_from(">I", stream, at - 4)
    (version_id,) = struct.unpack_from(">I", stream, at + len(key))
    footer = bytes([FOOTER]) + struct.pack(">I", section_id)
    start = at + len(key) + 4
    stop = end - len(footer) if stream[end - len(footer) : end] == footer else end
    return RawSection(start, section_id, idstr, instance_id, version_id, stream[start:stop])
