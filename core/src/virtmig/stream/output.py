"""What pieces of a stream are appended to: a file, or a container that packs them."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterable
from typing import Protocol, TypeAlias

import attrs

from virtmig.stream.editing import Piece
from virtmig.stream.holes import extents
from virtmig.stream.place import CHUNK, Place
from virtmig.stream.writeback import Writeback

COPIED = 64 << 20
"""Bytes that the kernel is asked to copy at once."""
_NOT_HERE = {errno.EXDEV, errno.ENOSYS, errno.EINVAL, errno.EOPNOTSUPP, errno.EBADF}
"""Errors that say: this kind of copy is not possible between these two files."""


@attrs.frozen
class Zeros:
    """A piece of nothing but zeros: a hole, where the file can have one."""

    size: int


AnyPiece: TypeAlias = Piece | Zeros


class Output(Protocol):
    """What pieces are appended to."""

    def write(self, content: bytes) -> None:
        """Append bytes."""

    def copy(self, source: Place, piece: range) -> None:
        """Append a range of offsets in a source."""

    def zeros(self, size: int) -> None:
        """Append zeros."""

    def close(self) -> None:
        """Append what was held back until the end is known."""


def put(out: Output, source: Place, pieces: Iterable[AnyPiece]) -> None:
    """Append pieces; the ranges are those of `source`."""
    for piece in pieces:
        if isinstance(piece, range):
            out.copy(source, piece)
        elif isinstance(piece, Zeros):
            out.zeros(piece.size)
        else:
            out.write(piece)


@attrs.frozen(eq=False)
class FileOutput:
    """A file that is written from its start."""

    file: int
    writeback: Writeback | None = None

    def write(self, content: bytes) -> None:
        """Append bytes."""
        view = memoryview(content)
        while view:
            view = view[os.write(self.file, view) :]

    def copy(self, source: Place, piece: range) -> None:
        """Append a range; holes stay holes, and a mapped-ram stream is mostly made of them."""
        if source.file is None:
            self.write(source.data[piece.start : piece.stop])
            return
        at = piece.start
        for extent in extents(source, piece):
            self.zeros(extent.start - at)
            at = extent.start
            while at < extent.stop:
                at += self._copy_some(source.file, at, min(extent.stop - at, COPIED))
        self.zeros(piece.stop - at)

    def _copy_some(self, source: int, start: int, size: int) -> int:
        """Append up to `size` bytes of a file; how many it was."""
        if self.writeback is None or size < COPIED:  # nothing to gain
            return _copy_some(source, self.file, start, size)
        at = os.lseek(self.file, 0, os.SEEK_CUR)
        self.writeback.room(at, size)
        copied = _copy_some(source, self.file, start, size)
        self.writeback.written(at, copied)
        return copied

    def zeros(self, size: int) -> None:
        """Append a hole."""
        os.lseek(self.file, size, os.SEEK_CUR)

    def close(self) -> None:
        """Make a hole at the end part of the file; the file stays open."""
        os.ftruncate(self.file, os.lseek(self.file, 0, os.SEEK_CUR))


class Packer(Protocol):
    """Turns bytes into those of a container, as `zlib.compressobj` does."""

    def compress(self, data: bytes, /) -> bytes:
        """What is to be written for more bytes; perhaps nothing yet."""
        ...

    def flush(self) -> bytes:
        """What is still to be written when no more bytes come."""
        ...


@attrs.frozen(eq=False)
class PackedOutput:
    """What is written is packed, and the packed bytes go to another output."""

    packer: Packer
    below: Output
    behind: tuple[Place, range] | None = None
    """What of a source follows the packed bytes as it is."""

    def write(self, content: bytes) -> None:
        """Append bytes."""
        self.below.write(self.packer.compress(content))

    def copy(self, source: Place, piece: range) -> None:
        """Append a range."""
        for chunk in source.chunks(piece):
            self.write(chunk)

    def zeros(self, size: int) -> None:
        """Append zeros."""
        for at in range(0, size, CHUNK):
            self.write(bytes(min(CHUNK, size - at)))

    def close(self) -> None:
        """Append what the packer held back."""
        self.below.write(self.packer.flush())
        if self.behind is not None:
            self.below.copy(*self.behind)
        self.below.close()


def _copy_some(file: int, out: int, at: int, size: int) -> int:
    """Let the kernel copy up to `size` bytes; how many it did."""
    try:
        copied = os.copy_file_range(file, out, size, offset_src=at)
    except OSError as error:
        if error.errno not in _NOT_HERE:
            raise
        copied = os.sendfile(out, file, at, size)
    if not copied:
        raise OSError(errno.EIO, "the stream became shorter while it was copied")
    return copied
