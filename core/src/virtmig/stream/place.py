"""Where a stream, or a file around one, begins: in the bytes of a file, mapped, or in memory."""

from __future__ import annotations

import errno
import mmap
import os
from collections.abc import Iterator
from pathlib import Path

import attrs

from virtmig.stream.cursor import Data

CHUNK = 1 << 20
"""Bytes that are read at once where all bytes are read."""
FETCHED = 1 << 20
"""Bytes at the end of a file that the kernel is asked to read at once: the device state."""


@attrs.frozen(eq=False)
class Place:
    """Bytes from `at` to the end of `data`; `file` is the open file that `data` maps, if one is."""

    data: Data
    at: int = 0
    file: int | None = None

    @property
    def size(self) -> int:
        """How many bytes."""
        return max(0, len(self.data) - self.at)

    def start(self, size: int) -> bytes:
        """The first bytes, up to `size`."""
        return self.data[self.at : self.at + size]

    def moved(self, at: int) -> Place:
        """The same bytes from another offset on."""
        return attrs.evolve(self, at=at)

    def chunks(self, piece: range | None = None) -> Iterator[bytes]:
        """All bytes in order, or those of a range of offsets; never many at a time."""
        piece = range(self.at, len(self.data)) if piece is None else piece
        for at in range(piece.start, piece.stop, CHUNK):
            yield self._read(at, min(CHUNK, piece.stop - at))

    def _read(self, at: int, size: int) -> bytes:
        """Read, not mapped: what is mapped counts as memory of the process."""
        if self.file is None:
            return self.data[at : at + size]
        content = os.pread(self.file, size, at)
        if len(content) < size:
            raise OSError(errno.EIO, "the file became shorter while it was read")
        return content

    def close(self) -> None:
        """Let go of the file; what `data` held cannot be read any more."""
        if isinstance(self.data, mmap.mmap):
            self.data.close()
        if self.file is not None:
            os.close(self.file)


def mapped(file: int) -> Place:
    """All of an open file, which the place now owns."""
    if not os.fstat(file).st_size:
        return Place(b"", file=file)
    data = mmap.mmap(file, 0, prot=mmap.PROT_READ)
    data.madvise(mmap.MADV_RANDOM)  # framing reads a few places; the walk over RAM undoes it
    os.posix_fadvise(file, max(0, len(data) - FETCHED), FETCHED, os.POSIX_FADV_WILLNEED)
    return Place(data, file=file)


def is_at(place: Place, path: str | os.PathLike[str]) -> bool:
    """Whether a path, through whatever links, leads to the very file that a place is in."""
    if place.file is None:
        return False
    try:
        return os.path.samestat(Path(path).stat(), os.fstat(place.file))
    except OSError:  # there is no file yet, or none that could be replaced
        return False
