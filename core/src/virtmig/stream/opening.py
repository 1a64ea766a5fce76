"""Opening a stream: the way in for everything that reads a file of QEMU's."""

from __future__ import annotations

import mmap
import os
import stat
from collections.abc import Mapping
from typing import Self

import attrs

from virtmig.errors import NotAStream
from virtmig.stream.blocks import Block
from virtmig.stream.containers import refuse_wrapped
from virtmig.stream.cursor import Data
from virtmig.stream.description import Description
from virtmig.stream.editing import plan
from virtmig.stream.framing import Layout, index_ram, locate
from virtmig.stream.ram import RamIndex
from virtmig.stream.sections import Configuration, Section
from virtmig.stream.writing import Source, write_pieces

FETCHED = 1 << 20
"""Bytes at the end of a file that the kernel is asked to read at once: the device state."""


@attrs.define(eq=False)
class Stream:
    """A stream with all its FULL sections framed; payloads and RAM are fetched when asked for.

    Use it as a context manager, or close it: it holds the file open.
    """

    _data: Data
    _file: int | None = None
    _layout: Layout = attrs.field(init=False)
    _ram: RamIndex | None = attrs.field(default=None, init=False)

    def __attrs_post_init__(self) -> None:
        refuse_wrapped(self._data)
        self._layout = locate(self._data)

    @classmethod
    def from_bytes(cls, data: bytes) -> Self:
        """A stream in memory."""
        return cls(data)

    @property
    def configuration(self) -> Configuration | None:
        """The record that opens the stream; None with machine types up to 2.3."""
        return self._layout.head.configuration

    @property
    def machine(self) -> str:
        """Machine class name, e.g. `pc-q35-10.0`; empty if there is no configuration."""
        return self.configuration.machine if self.configuration else ""

    @property
    def sections(self) -> tuple[Section, ...]:
        """The FULL sections, in stream order."""
        return self._layout.sections

    @property
    def live(self) -> tuple[Section, ...]:
        """The START sections: RAM, and what else is sent while the guest runs."""
        return self._layout.head.live

    @property
    def description(self) -> Description | None:
        """The JSON at the end, if it is there and whole."""
        return self._layout.description

    @property
    def remark(self) -> str:
        """What to know of how sure the framing is; empty if it is proven."""
        return self._layout.remark

    @property
    def page_size(self) -> int:
        """Guest page size in bytes."""
        return self._layout.head.page_size

    @property
    def blocks(self) -> tuple[Block, ...]:
        """The RAM blocks that the source listed."""
        return self._layout.head.blocks

    def payload(self, section: Section) -> bytes:
        """The bytes of a section, without header and footer."""
        return self._data[section.start : section.end]

    def ram(self) -> RamIndex:
        """The guest's RAM; the first call walks all of it (about 0.1 s for 2 GiB)."""
        if self._ram is None:
            self._ram = index_ram(self._data, self._layout)
        return self._ram

    def write(self, path: str | os.PathLike[str], payloads: Mapping[Section, bytes]) -> None:
        """Write the stream with other payloads in some sections; every other byte stays.

        If a length changes, the description's size of that section changes too, or, where that
        cannot be done, `CountMismatch` is raised. `path` is replaced at once when all is written;
        it may be this stream's own file, and this object goes on to show what was there before.
        """
        pieces = plan(self._data, self._layout, payloads)
        write_pieces(path, Source(self._data, self._file), pieces)

    def close(self) -> None:
        """Let go of the file."""
        if isinstance(self._data, mmap.mmap):
            self._data.close()
        if self._file is not None:
            os.close(self._file)
            self._file = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def open_stream(path: str | os.PathLike[str]) -> Stream:
    """Open a file that QEMU saved, and frame its sections; RAM is not read.

    A file that cannot be opened is an `OSError`, one that is no stream a `StreamError`. The file
    must not be shortened while it is open: it is mapped.
    """
    file = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    try:
        return Stream(_map(file), file)
    except BaseException:
        os.close(file)
        raise


def _map(file: int) -> Data:
    """The bytes of an open file, mapped."""
    status = os.fstat(file)
    if not stat.S_ISREG(status.st_mode):
        hint = "copy the stream to a file first"
        raise NotAStream("it is a directory, a pipe or a device, not a file", hint=hint)
    if not status.st_size:
        return b""
    data = mmap.mmap(file, 0, prot=mmap.PROT_READ)
    data.madvise(mmap.MADV_RANDOM)  # framing reads a few places; the walk over RAM undoes it
    os.posix_fadvise(file, max(0, len(data) - FETCHED), FETCHED, os.POSIX_FADV_WILLNEED)
    return data
