"""The FULL sections behind RAM when no description lists them, found by their headers and footers.

A place where `footer, next header` stands may be a look-alike in some payload. So all such places
are taken down, and the one chain that leads from the end of RAM to the end of the state, each
section closed by its own id, is the answer. If there are two chains, there is none.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from itertools import islice
from typing import TypeVar

import attrs

from virtmig.errors import BadFooter, LimitExceeded
from virtmig.stream.cursor import Data
from virtmig.stream.records import EOF, LARGEST_ID, Header, read_header
from virtmig.stream.sections import FOOTER_SIZE, Section

CUT_DESCRIPTION = "the description behind the device state is cut or damaged"
UNPROVEN = "sections were found by their headers alone: this machine type sends no footers"

_BOUNDARY = re.compile(rb"\x7e\x00(.{3})(?=\x04\x00|\x00(?:\x06|\Z))", re.DOTALL)
_BOUNDARY_SIZE = FOOTER_SIZE + 2
_HEADER = re.compile(rb"\x04(?=\x00\x00.{2}.[!-~]{2})", re.DOTALL)
MOST_LISTED = 100
"""Names in an error."""
MOST_PLACES = 1 << 17
"""Candidates for a boundary between sections; a stream has one for each section."""
LARGEST_INSTANCE = 0xFFFF
LARGEST_VERSION = 0xFFFF
"""Instances and versions are small; what is above is not taken for one in a search."""


@attrs.frozen
class Found:
    """Sections, and what has to be said of how they were found."""

    sections: tuple[Section, ...]
    remark: str = ""
    error: BadFooter | None = None
    """Set if the stream ends too early or is damaged: the sections are those in front of that."""


def search(data: Data, where: range, *, footers: bool) -> Found:
    """The FULL sections behind the live ones, which end where `where` begins.

    Behind `where` there are only zeros, which are not looked through.
    """
    return _by_footers(data, where) if footers else _by_headers(data, where)


@attrs.frozen
class _Boundary:
    """A place that may be the end of one section."""

    section_id: int
    end: int
    """Offset of the footer."""
    next: Header | None
    """The header behind it; None behind the last section."""


def _by_footers(data: Data, where: range) -> Found:
    first = _plausible(data, where.start)
    if first is None:
        raise _no_devices(data, where.start)
    boundaries = _limited(_boundaries(data, where), where.start)
    choices = _choices(boundaries, first)
    header: Header | None = first
    sections: list[Section] = []
    while header is not None:
        ways, boundary = choices.get(header.at, (0, None))
        if boundary is None:
            return _broken(boundaries, first)
        if ways > 1:
            reason = f"section {header.idstr!r} or one behind it may end at several places"
            raise BadFooter(reason, offset=header.at, hint="no description says which is right")
        sections.append(header.closed(boundary.end, footer=True))
        header = boundary.next
    last = sections[-1].after
    return Found(tuple(sections), "" if last + 1 == len(data) else CUT_DESCRIPTION)


def _boundaries(data: Data, where: range) -> Iterator[_Boundary]:
    """All places that may lie between two sections; the last one may end in zeros."""
    for match in _BOUNDARY.finditer(data, where.start, where.stop + _BOUNDARY_SIZE):
        section_id = int.from_bytes(match[1], "big")
        after = match.start() + FOOTER_SIZE
        if data[after] == EOF:
            if _ends_state(data, after):
                yield _Boundary(section_id, match.start(), None)
        elif header := _plausible(data, after):
            yield _Boundary(section_id, match.start(), header)


def _ends_state(data: Data, at: int) -> bool:
    """Whether the EOF record at `at` is the last, but perhaps for a description that is cut."""
    rest = data[at + 1 : at + 7]
    if len(rest) < 6:
        return rest[:1] in (b"", b"\x06")
    return rest[5:] == b"{" and at + 6 + int.from_bytes(rest[1:5], "big") >= len(data)


_Item = TypeVar("_Item")


def _limited(found: Iterable[_Item], at: int) -> list[_Item]:
    """All that was found, if it is not absurdly much."""
    items = list(islice(found, MOST_PLACES + 1))
    if len(items) > MOST_PLACES:
        reason = f"more than {MOST_PLACES} places look as if a section began there"
        raise LimitExceeded(reason, offset=at)
    return items


def _plausible(data: Data, at: int) -> Header | None:
    """The FULL header at `at`, if its values are such as QEMU would send."""
    length = data[at + 5] if at + 5 < len(data) else 0
    name = data[at + 6 : at + 6 + length]
    if data[at : at + 1] != b"\x04" or not name.isascii() or not name.decode().isprintable():
        return None
    if not name or at + 14 + length > len(data):
        return None
    header = read_header(data, at)
    small = header.section_id <= LARGEST_ID and header.version_id <= LARGEST_VERSION
    return header if small and header.instance_id <= LARGEST_INSTANCE else None


def _choices(
    boundaries: list[_Boundary], first: Header
) -> Mapping[int, tuple[int, _Boundary | None]]:
    """For each header, by offset: how many chains lead on to the end (2: or more), and a next step.

    Goes backwards: at a header all boundaries behind it that its id could close are known.
    """
    choices: dict[int, tuple[int, _Boundary | None]] = {}
    closing: dict[int, tuple[int, _Boundary | None]] = {}
    for boundary in reversed(boundaries):
        ways = 1
        if boundary.next is not None:
            choices[boundary.next.at] = closing.get(boundary.next.section_id, (0, None))
            ways = choices[boundary.next.at][0]
        if ways:
            more = closing.get(boundary.section_id, (0, None))[0]
            closing[boundary.section_id] = (min(ways + more, 2), boundary)
    choices[first.at] = closing.get(first.section_id, (0, None))
    return choices


def _by_headers(data: Data, where: range) -> Found:
    """Without footers a section ends where the next plausible header opens another one."""
    at = where.start
    places = (match.start() for match in _HEADER.finditer(data, at, where.stop))
    found = (_plausible(data, place) for place in places)
    headers = _limited((header for header in found if header is not None), at)
    if not headers or headers[0].at != at:
        raise _no_devices(data, at)
    if data[-1] != EOF:
        raise BadFooter(f"the file ends inside section {headers[-1].idstr!r}", offset=len(data))
    ends = [header.at for header in headers[1:]] + [len(data) - 1]
    pairs = zip(headers, ends, strict=True)
    return Found(tuple(header.closed(end, footer=False) for header, end in pairs), UNPROVEN)


def _no_devices(data: Data, at: int) -> BadFooter:
    if at >= len(data):
        reason = "the file ends behind RAM: the save was cut, no device state is there"
    else:
        reason = f"record {data[at]:#x} where device state begins"
    return BadFooter(reason, offset=at)


def _broken(boundaries: Iterable[_Boundary], first: Header) -> Found:
    """How far the sections are whole, taking the nearest end of each."""
    header: Header | None = first
    whole: list[Section] = []
    for boundary in boundaries:
        if header is None:
            break
        if boundary.section_id == header.section_id:
            whole.append(header.closed(boundary.end, footer=True))
            header = boundary.next
    name, place = (header.idstr, header.at) if header else (whole[-1].idstr, first.at)
    names = [section.idstr for section in whole]
    listed = ", ".join(names[:MOST_LISTED]) + (", ..." if names[MOST_LISTED:] else "")
    reason = f"the state is cut or damaged in section {name!r}, its end is not there"
    error = BadFooter(reason, offset=place, hint=f"whole before it: {listed or 'none'}")
    return Found(tuple(whole), error=error)
