"""The mapped-ram capability in a stream's configuration, and in the description of it."""

from __future__ import annotations

import json
import re
from typing import Any, cast

from virtmig.stream.blocks import MAPPED_RAM
from virtmig.stream.cursor import Data
from virtmig.stream.description import HEADER_SIZE
from virtmig.stream.framing import Layout
from virtmig.stream.records import CONFIGURATION, SUBSECTION, VMDESCRIPTION
from virtmig.stream.sections import Configuration

NAME = "configuration/capabilities"
_MACHINE_AT = 9
"""From the magic to the length of the machine type's name: behind the version and a type byte."""


def machine_place(data: Data, layout: Layout) -> range:
    """Where the machine type's name lies, with its length in front."""
    start = layout.head.start + _MACHINE_AT
    return range(start, start + 4 + int.from_bytes(data[start : start + 4], "big"))


def configuration_record(machine: bytes, configuration: Configuration, *, mapped: bool) -> bytes:
    """The record with the capability or without; `machine` is the name with its length."""
    capabilities = [one for one in configuration.capabilities if one != MAPPED_RAM]
    parts = [bytes([CONFIGURATION]), machine]
    if configuration.target_page_bits is not None:
        parts.append(_subsection("target-page-bits", _u32(configuration.target_page_bits)))
    if mapped:
        capabilities.append(MAPPED_RAM)
    if capabilities:
        names = b"".join(_str8(name) for name in capabilities)
        parts.append(_subsection("capabilities", _u32(len(capabilities)) + names))
    if configuration.uuid is not None:
        parts.append(_subsection("uuid", configuration.uuid))
    return b"".join(parts)


def _subsection(name: str, body: bytes) -> bytes:
    return bytes([SUBSECTION]) + _str8(f"configuration/{name}") + _u32(1) + body


def _str8(text: str) -> bytes:
    return bytes([len(text.encode())]) + text.encode()


def _u32(value: int) -> bytes:
    return value.to_bytes(4, "big")


def description_record(record: bytes, *, mapped: bool) -> bytes:
    """A description, told of the capability if it tells of the configuration.

    QEMU does so from 10.0 on. It does not read it; its script `analyze-migration.py` does.
    """
    text = record[HEADER_SIZE:].decode()
    found = re.match(r'\{\s*"configuration"\s*:\s*', text)
    if found:
        told, end = json.JSONDecoder().raw_decode(text, found.end())
        if not _is_told(told):
            return record
        separators = None if '": ' in text[:end] else (",", ":")
        new = json.dumps(_with_capability(told, mapped=mapped), separators=separators)
        text = text[: found.end()] + new + text[end:]
    raw = text.encode()
    return bytes([VMDESCRIPTION]) + _u32(len(raw)) + raw


def _is_told(told: Any) -> bool:
    """Whether it has the shape that QEMU gives it."""
    if type(told) is not dict:
        return False
    listed = cast("dict[str, list[Any]]", told).get("subsections", [])
    return type(listed) is list and all(type(one) is dict for one in listed)


def _with_capability(told: dict[str, Any], *, mapped: bool) -> dict[str, Any]:
    others = [one for one in told.get("subsections", []) if one.get("vmsd_name") != NAME]
    if mapped:
        others.append(_CAPABILITIES)
    kept = {name: value for name, value in told.items() if name != "subsections"}
    return {**kept, "subsections": others} if others else kept


_CAPABILITIES = {
    "vmsd_name": NAME,
    "version": 1,
    "fields": [
        {"name": "caps_count", "type": "uint32", "size": 4},
        {"name": "capabilities", "type": "capability", "size": 1 + len(MAPPED_RAM)},
    ],
}
