"""A stream with other payloads in some sections: which bytes come from where."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import TypeAlias

import attrs

from virtmig.errors import CountMismatch
from virtmig.stream.blocks import MAPPED_RAM
from virtmig.stream.cursor import Data
from virtmig.stream.description import HEADER_SIZE, Description, parse
from virtmig.stream.framing import Layout
from virtmig.stream.search import CUT_DESCRIPTION
from virtmig.stream.sections import Section

Piece: TypeAlias = bytes | range
"""Bytes to be written: given, or a range of offsets in the file they are copied from."""


def plan(data: Data, layout: Layout, payloads: Mapping[Section, bytes]) -> tuple[Piece, ...]:
    """The new stream in pieces; what is not replaced stays as it is."""
    unknown = set(payloads).difference(layout.sections)
    if unknown:
        raise ValueError(f"no such section in this stream: {unknown.pop()}")
    grown = {
        layout.sections.index(section): len(payload) - section.size
        for section, payload in payloads.items()
        if len(payload) != section.size
    }
    replaced = {range(section.start, section.end): p for section, p in payloads.items()}
    if grown:
        replaced |= _new_description(data, layout, grown)
    return tuple(_pieces(len(data), replaced))


def _pieces(size: int, replaced: Mapping[range, bytes]) -> Iterator[Piece]:
    at = 0
    for place, content in sorted(replaced.items(), key=lambda item: item[0].start):
        yield range(at, place.start)
        yield content
        at = place.stop
    yield range(at, size)


def _new_description(data: Data, layout: Layout, grown: Mapping[int, int]) -> dict[range, bytes]:
    """The description's bytes with the sizes of grown (or shrunk) sections corrected."""
    for number in grown:
        if MAPPED_RAM in layout.head.capabilities and number < len(layout.head.early):
            raise _refused(layout.sections[number], "mapped-ram fixes where RAM lies behind it")
        if layout.remark == CUT_DESCRIPTION:
            raise _refused(layout.sections[number], "the description of its size is cut")
    if layout.description is None:
        return {}
    text = _corrected(data, layout, layout.description, grown)
    record = len(text).to_bytes(4, "big") + text
    return {range(layout.description.at + 1, len(data)): record}


def _corrected(
    data: Data, layout: Layout, description: Description, grown: Mapping[int, int]
) -> bytes:
    """The JSON, changed only in the sizes, whatever its spaces and duplicate keys."""
    text = data[description.at + HEADER_SIZE :].decode()
    parts: list[str] = []
    at = 0
    for number, span in enumerate(_devices(text)):
        if number in grown:
            parts.append(text[at : span.start])
            parts.append(_resized(text[span.start : span.stop], layout, number, grown[number]))
            at = span.stop
    new = "".join([*parts, text[at:]]).encode()
    _check(new, layout, description, grown)
    return new


def _check(new: bytes, layout: Layout, description: Description, grown: Mapping[int, int]) -> None:
    """Refuse if the change did not do just what it should: the JSON may be of any make."""
    expected = tuple(
        attrs.evolve(device, size=device.size + grown.get(number, 0))
        for number, device in enumerate(description.devices)
    )
    if parse(new, description.at).devices != expected:
        raise _refused(layout.sections[min(grown)], "the description could not be corrected")


def _devices(text: str) -> Iterator[range]:
    """Where the text of each device lies."""
    decoder = json.JSONDecoder()
    devices = re.search(r'"devices"\s*:\s*\[\s*', text)
    at = devices.end() if devices else len(text)
    while text[at : at + 1] == "{":
        _, end = decoder.raw_decode(text, at)
        yield range(at, end)
        gap = re.compile(r"[\s,]*").match(text, end)
        at = gap.end() if gap else end


_SIZE = re.compile(r'("size"\s*:\s*)(\d+)')


def _resized(device: str, layout: Layout, number: int, change: int) -> str:
    """A device's description with its only size changed."""
    section = layout.sections[number]
    sizes = _SIZE.findall(device)
    if len(sizes) != 1 or "array_len" in device:
        raise _refused(section, "its description splits the size over several fields")
    return _SIZE.sub(lambda match: f"{match[1]}{section.size + change}", device)


def _refused(section: Section, reason: str) -> CountMismatch:
    reason = f"the payload's length cannot change: {reason}"
    return CountMismatch(reason, section=section.idstr)
