"""What a stream is made of, as frozen values: the configuration, sections, commands.

Every offset counts bytes from the start of the file. A section does not hold its payload, only
where it lies; `Stream.payload` fetches it.
"""

from __future__ import annotations

import enum

import attrs


class SectionKind(enum.IntEnum):
    """The record type byte that opens a section."""

    START = 1
    """First part of a live section: sent while the guest still runs."""
    PART = 2
    """A later part of a live section."""
    END = 3
    """Last part of a live section, sent with the guest stopped."""
    FULL = 4
    """A whole device in one piece."""


@attrs.frozen
class Configuration:
    """The record that opens a stream of machine types 2.4 and later."""

    machine: str
    """Machine class name with its version, e.g. `pc-q35-10.0`."""
    capabilities: tuple[str, ...] = ()
    """Migration capabilities that change the format of RAM and were on."""
    target_page_bits: int | None = None
    """log2 of the guest page size, on targets where it varies and is not the smallest."""
    uuid: bytes | None = None
    """UUID of the virtual machine, 16 bytes, if the source was told to send it."""


@attrs.frozen
class Section:
    """One section, framed: its header's values and where its bytes lie in the file."""

    kind: SectionKind
    section_id: int
    """Number that PART, END and the footer repeat; unique in a stream, of no other meaning."""
    idstr: str
    """Device path and vmsd name, e.g. `0000:00:02.0/virtio-blk`."""
    instance_id: int
    """Tells devices of one idstr apart; 0 wherever the idstr has a path."""
    version_id: int
    """Version of the payload's layout."""
    header: int
    """Offset of the record type byte."""
    start: int
    """Offset of the payload's first byte."""
    end: int
    """Offset just behind the payload; the footer's, if there is one."""
    footer: bool
    """Whether a footer (5 bytes) closes the section; machine types up to 2.3 send none."""

    @property
    def size(self) -> int:
        """Length of the payload in bytes."""
        return self.end - self.start

    @property
    def after(self) -> int:
        """Offset of the next record."""
        return self.end + (FOOTER_SIZE if self.footer else 0)


@attrs.frozen
class Command:
    """A message from source to destination, e.g. 11: the guest is stopped for good."""

    number: int
    start: int
    """Offset of the body's first byte."""
    end: int
    """Offset just behind the body."""


FOOTER_SIZE = 5
"""Bytes of a section footer: 0x7e and the section id."""
