"""The head of a stream: magic, configuration, and the first part of every live section.

A device that saves early sends its FULL section here too, before the bulk of RAM. The walk ends at
the first record that is of neither kind, so it costs the same whatever the size of RAM.
"""

from __future__ import annotations

import re

import attrs

from virtmig.errors import BadFooter, LimitExceeded, NotAStream, Truncated, UnsupportedContainer
from virtmig.stream.blocks import Block
from virtmig.stream.cursor import Cursor, Data, readable
from virtmig.stream.description import Description
from virtmig.stream.live import RAM, STORAGE_ATTRIBUTES, read_ram_start, skip_attributes
from virtmig.stream.records import (
    COMMAND,
    CONFIGURATION,
    SUBSECTION,
    Header,
    has_footer,
    read_command,
    read_header,
)
from virtmig.stream.sections import FOOTER_SIZE, Configuration, Section, SectionKind

MAGIC = b"QEVM"
VERSION = 3
OBSOLETE_VERSION = 2
MOST_RECORDS = 4096
MOST_CAPABILITIES = 256
LARGEST_NAME = 1024
EARLY_WINDOW = 1 << 20
"""How far the end of an early section is searched for if there is no description."""


@attrs.frozen
class Head:
    """What the first records of a stream say."""

    configuration: Configuration | None
    """None with machine types up to 2.3, which send none."""
    page_size: int
    """Guest page size, bytes."""
    blocks: tuple[Block, ...] = ()
    """The RAM blocks; empty if the walk ended before the `ram` section."""
    live: tuple[Section, ...] = ()
    """START sections."""
    early: tuple[Section, ...] = ()
    """FULL sections."""
    footers: bool | None = None
    """Whether sections have footers; None if no section was walked."""
    after: int = 0
    """Offset of the first record that was not walked."""
    stopped: str = ""
    """Why the walk could not go on, in words; empty if it ended where it should."""
    start: int = 0
    """Offset of the magic: what holds the stream may have a header of its own in front."""

    @property
    def capabilities(self) -> tuple[str, ...]:
        """Capabilities that change the format of RAM."""
        return self.configuration.capabilities if self.configuration else ()


def read_head(data: Data, description: Description | None, start: int = 0) -> Head:
    """Walk the head of the stream that begins at `start`."""
    configuration, at = read_start(data, start)
    head = Head(configuration, _page_size(configuration, description), after=at, start=start)
    for _ in range(MOST_RECORDS):
        if head.stopped or data[head.after : head.after + 1] not in _HEAD_RECORDS:
            return head
        head = _step(data, head, description)
    raise LimitExceeded(f"more than {MOST_RECORDS} records before RAM", offset=head.after)


def read_start(data: Data, start: int = 0) -> tuple[Configuration | None, int]:
    """What stands before all sections, and the offset behind it."""
    cursor = Cursor(data, start)
    _read_magic(cursor)
    if cursor.peek() != CONFIGURATION:
        return None, cursor.at
    cursor.skip(1)
    return _read_configuration(cursor), cursor.at


_HEAD_RECORDS = (b"\x01", b"\x04", b"\x08")


def _read_magic(cursor: Cursor) -> None:
    at = cursor.at
    magic = cursor.data[at : at + len(MAGIC)]
    if magic != MAGIC:
        raise NotAStream(f"it begins with {magic!r}, not with {MAGIC!r}", offset=at)
    cursor.skip(len(MAGIC))
    version = cursor.integer(4)
    if version == OBSOLETE_VERSION:
        reason = "VM state version 2, which QEMU gave up before 1.0"
        raise UnsupportedContainer(reason, offset=at + 4)
    if version != VERSION:
        raise NotAStream(f"VM state version {version}, not {VERSION}", offset=at + 4)


def _read_configuration(cursor: Cursor) -> Configuration:
    length = cursor.integer(4)
    if length > LARGEST_NAME:
        raise LimitExceeded(f"a machine name of {length} bytes", offset=cursor.at)
    configuration = Configuration(readable(cursor.take(length)))
    while cursor.peek() == SUBSECTION:
        configuration = _read_tail(cursor, configuration)
    return configuration


def _read_tail(cursor: Cursor, configuration: Configuration) -> Configuration:
    """`configuration` with what one of its subsections adds."""
    at = cursor.at
    cursor.skip(1)
    name, version = cursor.text(), cursor.integer(4)
    if version == 1 and name == "configuration/target-page-bits":
        return attrs.evolve(configuration, target_page_bits=cursor.integer(4))
    if version == 1 and name == "configuration/capabilities":
        return attrs.evolve(configuration, capabilities=_read_capabilities(cursor))
    if version == 1 and name == "configuration/uuid":
        return attrs.evolve(configuration, uuid=cursor.take(16))
    raise UnsupportedContainer(f"configuration subsection {name!r} version {version}", offset=at)


def _read_capabilities(cursor: Cursor) -> tuple[str, ...]:
    count = cursor.integer(4)
    if count > MOST_CAPABILITIES:
        raise LimitExceeded(f"{count} capabilities", offset=cursor.at)
    return tuple(cursor.text() for _ in range(count))


def _page_size(configuration: Configuration | None, description: Description | None) -> int:
    """From the description, or else the configuration, or else what x86 and s390x have."""
    size = description.page_size if description else 0
    if not size:
        bits = configuration.target_page_bits if configuration else None
        size = 1 << min(bits or 12, 32)
    if size not in {1 << bits for bits in range(10, 17)}:
        raise LimitExceeded(f"a guest page size of {size} bytes")
    return size


def _step(data: Data, head: Head, description: Description | None) -> Head:
    """`head` with one more record walked."""
    kind = data[head.after]
    if kind == COMMAND:
        return attrs.evolve(head, after=read_command(data, head.after).end)
    header = read_header(data, head.after)
    if kind == SectionKind.FULL:
        return _add_early(data, head, header, description)
    return _add_live(data, head, header)


def _add_live(data: Data, head: Head, header: Header) -> Head:
    cursor = Cursor(data, header.start)
    if header.idstr == RAM:
        blocks = read_ram_start(cursor, header.version_id, head.page_size, head.capabilities)
        head = attrs.evolve(head, blocks=blocks)
    elif header.idstr == STORAGE_ATTRIBUTES:
        skip_attributes(cursor)
    else:
        reason = f"live section {header.idstr!r}, whose length only its own code knows"
        return attrs.evolve(head, stopped=reason)
    section = _close(data, head, header, cursor.at)
    if section is None:
        raise BadFooter(f"section {header.idstr!r} is not closed where it ends", offset=cursor.at)
    live = (*head.live, section)
    return attrs.evolve(head, live=live, footers=section.footer, after=section.after)


def _add_early(data: Data, head: Head, header: Header, description: Description | None) -> Head:
    end = _early_end(data, head, header, description)
    section = None if end is None else _close(data, head, header, end)
    if section is None:
        return attrs.evolve(head, stopped=f"section {header.idstr!r} has no certain end")
    early = (*head.early, section)
    return attrs.evolve(head, early=early, footers=section.footer, after=section.after)


def _early_end(
    data: Data, head: Head, header: Header, description: Description | None
) -> int | None:
    """Where an early section ends, by the description, or else by its footer."""
    if description is not None:
        device = description.devices[len(head.early) : len(head.early) + 1]
        named = device and (device[0].idstr, device[0].instance_id)
        fits = named == (header.idstr, header.instance_id)
        return header.start + device[0].size if fits else None
    footer = re.escape(b"\x7e" + header.section_id.to_bytes(4, "big")) + rb"(?=[\x01-\x04\x08])"
    found = re.compile(footer).search(data, header.start, header.start + EARLY_WINDOW)
    return found.start() if found else None


def _close(data: Data, head: Head, header: Header, end: int) -> Section | None:
    """The section, if it is closed as the ones before it are; None if it is not."""
    if end + FOOTER_SIZE > len(data):
        raise Truncated("the file ends before the footer", offset=len(data))
    footer = has_footer(data, end, header.section_id)
    if head.footers not in (None, footer) or (not footer and data[end : end + 1] not in _RECORDS):
        return None
    return header.closed(end, footer=footer)


_RECORDS = tuple(bytes([kind]) for kind in (0, 1, 2, 3, 4, 8))
