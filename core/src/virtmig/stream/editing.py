"""A stream with other payloads, names or another machine type: which bytes come from where."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from itertools import pairwise
from typing import TypeAlias

import attrs

from virtmig.errors import BadValue, Contradiction, CountMismatch
from virtmig.stream.blocks import MAPPED_RAM
from virtmig.stream.cursor import Data
from virtmig.stream.description import HEADER_SIZE, Description, Device, parse
from virtmig.stream.framing import Layout
from virtmig.stream.resizing import Change, change_of, resized
from virtmig.stream.search import CUT_DESCRIPTION
from virtmig.stream.sections import Section

Piece: TypeAlias = bytes | range
"""Bytes to be written: given, or a range of offsets in the file they are copied from."""
LONGEST_IDSTR = 255
"""Bytes: the length stands in one."""
LONGEST_MACHINE = 255
"""Bytes of a machine type's name; QEMU's longest has 30."""
_IDSTR_AT = 5
"""From a section's record type byte to the length of its idstr."""
_IDSTR_END = 8
"""From the end of the idstr to the payload: instance and version."""
_MACHINE_AT = 9
"""From the stream's magic to the length of the machine type's name, a be32."""


@attrs.frozen(kw_only=True, eq=False)
class Edits:
    """What is to be another than in the stream; everything else stays as it is.

    payloads: new bytes of FULL sections. idstrs: new idstrs of FULL sections; RAM blocks that
    carry a device's path keep it. machine: new name of the machine type. spans: new bytes for
    ranges of the file that are in no payload and no header: commands, pages of RAM.
    """

    payloads: Mapping[Section, bytes] = attrs.field(factory=dict[Section, bytes])
    idstrs: Mapping[Section, str] = attrs.field(factory=dict[Section, str])
    machine: str | None = None
    spans: Mapping[range, bytes] = attrs.field(factory=dict[range, bytes])


def plan(data: Data, layout: Layout, edits: Edits) -> tuple[Piece, ...]:
    """The new stream in pieces; refuses what cannot be written before anything is."""
    return tuple(_pieces(layout.head.start, len(data), replaced(data, layout, edits)))


def _pieces(at: int, size: int, new: Mapping[range, bytes]) -> Iterator[Piece]:
    for place, content in new.items():
        yield range(at, place.start)
        yield content
        at = place.stop
    yield range(at, size)


def replaced(data: Data, layout: Layout, edits: Edits) -> dict[range, bytes]:
    """The places in the file that get other bytes, in rising order."""
    unknown = {*edits.payloads, *edits.idstrs}.difference(layout.sections)
    if unknown:
        raise ValueError(f"no such section in this stream: {unknown.pop()}")
    _check_names(layout, edits)
    new = {range(section.start, section.end): p for section, p in edits.payloads.items()}
    new |= {
        range(section.header + _IDSTR_AT, section.start - _IDSTR_END): _named(idstr)
        for section, idstr in edits.idstrs.items()
    }
    if edits.machine is not None:
        new |= _new_machine(data, layout, edits.machine)
    new |= _new_description(data, layout, edits)
    new |= _new_spans(layout, edits)
    ordered = dict(sorted(new.items(), key=lambda item: item[0].start))
    if any(one.stop > two.start for one, two in pairwise(ordered)):
        raise ValueError("two edits of one place")
    return ordered


def _new_spans(layout: Layout, edits: Edits) -> Mapping[range, bytes]:
    """What has another length moves all that lies behind it, which mapped-ram does not allow."""
    for place, content in edits.spans.items():
        if len(content) != len(place) and MAPPED_RAM in layout.head.capabilities:
            reason = "a length cannot change: mapped-ram fixes where RAM lies"
            raise CountMismatch(reason, offset=place.start)
    return edits.spans


def _check_names(layout: Layout, edits: Edits) -> None:
    """Refuse names that QEMU cannot read, or that two sections would share."""
    sections = (*layout.head.live, *layout.sections)
    pairs = Counter((edits.idstrs.get(one, one.idstr), one.instance_id) for one in sections)
    for section, idstr in edits.idstrs.items():
        _encoded(idstr, "an idstr", LONGEST_IDSTR, section.idstr)
        if pairs[idstr, section.instance_id] > 1:
            reason = f"there is another section {idstr!r} of instance {section.instance_id}"
            raise Contradiction(reason, section=section.idstr)


def _encoded(name: str, what: str, longest: int, section: str = "") -> bytes:
    try:
        raw = name.encode()
    except UnicodeEncodeError:
        raise BadValue(f"{what} that is no text: {name!r}", section=section) from None
    if not 1 <= len(raw) <= longest:
        raise BadValue(f"{what} has 1 to {longest} bytes, not {len(raw)}", section=section)
    return raw


def _named(idstr: str) -> bytes:
    raw = idstr.encode()
    return bytes([len(raw)]) + raw


def _new_machine(data: Data, layout: Layout, machine: str) -> dict[range, bytes]:
    """The configuration record's name of the machine type; nothing else tells it."""
    if layout.head.configuration is None:
        raise Contradiction("the stream names no machine type: machines up to 2.3 do not")
    at = layout.head.start + _MACHINE_AT
    start = at + 4
    end = start + int.from_bytes(data[at:start], "big")
    raw = _encoded(machine, "a machine type", LONGEST_MACHINE)
    if len(raw) != end - start and MAPPED_RAM in layout.head.capabilities:
        reason = "the machine type's length cannot change: mapped-ram fixes where RAM lies"
        raise CountMismatch(reason, offset=at)
    return {range(at, end): len(raw).to_bytes(4, "big") + raw}


@attrs.frozen
class _Told:
    """What the description is to say of one device, and what is refused if it cannot."""

    section: Section
    idstr: str
    resized: Change | None
    """How the payload became longer or shorter."""

    @property
    def change(self) -> int:
        """Bytes that the payload grows by."""
        return self.resized.growth if self.resized is not None else 0


def _new_description(data: Data, layout: Layout, edits: Edits) -> dict[range, bytes]:
    """The description's bytes with names, and sizes of grown (or shrunk) sections, corrected."""
    told = dict(_told(data, layout, edits))
    for number, one in told.items():
        moved = len(one.idstr.encode()) - len(one.section.idstr.encode()) + one.change
        early = number < len(layout.head.early)
        if moved and early and MAPPED_RAM in layout.head.capabilities:
            raise _refused(one, "mapped-ram fixes where RAM lies behind it")
        if layout.remark == CUT_DESCRIPTION:
            raise _refused(one, "the description that tells it is cut")
    if layout.description is None or not told:
        return {}
    text = _corrected(data, layout.description, told)
    record = len(text).to_bytes(4, "big") + text
    return {range(layout.description.at + 1, layout.description.end): record}


def _told(data: Data, layout: Layout, edits: Edits) -> Iterator[tuple[int, _Told]]:
    """By its number, each section that the description has to say something new of."""
    for number, section in enumerate(layout.sections):
        idstr = edits.idstrs.get(section, section.idstr)
        payload = edits.payloads.get(section)
        change = None
        if payload is not None and len(payload) != section.size:
            change = change_of(data[section.start : section.end], payload)
        if change is not None or idstr != section.idstr:
            yield number, _Told(section, idstr, change)


def _corrected(data: Data, description: Description, told: Mapping[int, _Told]) -> bytes:
    """The JSON, changed only in sizes and names, whatever its spaces and duplicate keys."""
    text = data[description.at + HEADER_SIZE : description.end].decode()
    parts: list[str] = []
    at = 0
    for number, span in enumerate(_devices(text)):
        if number in told:
            parts.append(text[at : span.start])
            parts.append(_redescribed(text[span.start : span.stop], told[number]))
            at = span.stop
    new = "".join([*parts, text[at:]]).encode()
    _check(new, description, told)
    return new


def _check(new: bytes, description: Description, told: Mapping[int, _Told]) -> None:
    """Refuse if the change did not do just what it should: the JSON may be of any make."""
    expected = tuple(
        _expected(device, told[number]) if number in told else device
        for number, device in enumerate(description.devices)
    )
    if parse(new, description.at).devices != expected:
        raise _refused(told[min(told)], "the description could not be corrected")


def _expected(device: Device, told: _Told) -> Device:
    return attrs.evolve(device, idstr=told.idstr, size=device.size + told.change)


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


_NAME = re.compile(r'("name"\s*:\s*)("(?:[^"\\]|\\.)*")')


def _redescribed(device: str, told: _Told) -> str:
    """A device's description with its sizes, and the name in front of all others, changed."""
    if told.idstr != told.section.idstr:
        new = json.dumps(told.idstr)
        device = _NAME.sub(lambda match: match[1] + new, device, count=1)
    if told.resized is None:
        return device
    corrected = resized(device, told.resized)
    if corrected is None:
        raise _refused(told, "its description does not say of which field it is")
    return corrected


def _refused(told: _Told, reason: str) -> CountMismatch:
    what = "payload's length" if told.change else "idstr"
    reason = f"the {what} cannot change: {reason}"
    return CountMismatch(reason, section=told.section.idstr)
