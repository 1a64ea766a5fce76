"""Records and their headers: the type bytes, and how a section opens and closes."""

from __future__ import annotations

import re

import attrs

from virtmig.errors import BadFooter, NotAStream
from virtmig.stream.cursor import Cursor, Data
from virtmig.stream.sections import FOOTER_SIZE, Command, Section, SectionKind

EOF = 0x00
SUBSECTION = 0x05
VMDESCRIPTION = 0x06
CONFIGURATION = 0x07
COMMAND = 0x08
FOOTER = 0x7E

LARGEST_ID = 0xFFFFFF
"""Section ids are small; what is above is not taken for one in a search."""


@attrs.frozen
class Header:
    """A section's opening, before it is known where the section ends."""

    kind: SectionKind
    section_id: int
    idstr: str
    instance_id: int
    version_id: int
    at: int
    """Offset of the record type byte."""
    start: int
    """Offset of the payload's first byte."""

    def closed(self, end: int, *, footer: bool) -> Section:
        """The section that this opens and that ends before `end`."""
        return Section(
            kind=self.kind,
            section_id=self.section_id,
            idstr=self.idstr,
            instance_id=self.instance_id,
            version_id=self.version_id,
            header=self.at,
            start=self.start,
            end=end,
            footer=footer,
        )


def read_header(data: Data, at: int) -> Header:
    """The header of the START or FULL section that opens at `at`."""
    cursor = Cursor(data, at)
    kind = SectionKind(cursor.integer(1))
    section_id = cursor.integer(4)
    idstr = cursor.text()
    instance_id, version_id = cursor.integer(4), cursor.integer(4)
    return Header(kind, section_id, idstr, instance_id, version_id, at, cursor.at)


def header_pattern(section_id: int | None, idstr: str, instance_id: int) -> re.Pattern[bytes]:
    """Finds the header of one FULL section; its id may be unknown."""
    name = idstr.encode()
    known = b".{4}" if section_id is None else re.escape(section_id.to_bytes(4, "big"))
    rest = len(name).to_bytes(1, "big") + name + instance_id.to_bytes(4, "big")
    return re.compile(b"\x04" + known + re.escape(rest), re.DOTALL)


def header_size(idstr: str) -> int:
    """Bytes of a FULL or START header: type, id, length and idstr, instance, version."""
    return 14 + len(idstr.encode())


def footer(section_id: int) -> bytes:
    """The footer of that section."""
    return bytes([FOOTER]) + section_id.to_bytes(4, "big")


def footer_id(data: Data, end: int) -> int | None:
    """The section id in the footer that starts at `end`; None if no footer does."""
    if end < 0 or end + FOOTER_SIZE > len(data) or data[end] != FOOTER:
        return None
    return int.from_bytes(data[end + 1 : end + FOOTER_SIZE], "big")


def has_footer(data: Data, end: int, section_id: int) -> bool:
    """Whether the footer of that section starts at `end`."""
    return footer_id(data, end) == section_id


def check_footer(data: Data, end: int, section_id: int, idstr: str) -> None:
    """Refuse a section that is not closed at `end`."""
    found = footer_id(data, end)
    if found == section_id:
        return
    if end + FOOTER_SIZE > len(data):
        raise NotAStream(f"the file ends before the footer of {idstr!r}", offset=end)
    what = "no footer" if found is None else f"the footer of section {found}"
    raise BadFooter(f"section {section_id} ({idstr}) ends in {what}", offset=end)


def read_command(data: Data, at: int) -> Command:
    """The command record at `at`."""
    cursor = Cursor(data, at + 1)
    number, length = cursor.integer(2), cursor.integer(2)
    cursor.skip(length)
    return Command(number, cursor.at - length, cursor.at)
