"""Writing a file that is whole or not there: beside the target, then renamed over it."""

from __future__ import annotations

import errno
import os
import stat
import tempfile
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

import attrs

from virtmig.stream.cursor import Data
from virtmig.stream.editing import Piece

CHUNK = 64 << 20
"""Bytes that the kernel is asked to copy at once."""
_NOT_HERE = {errno.EXDEV, errno.ENOSYS, errno.EINVAL, errno.EOPNOTSUPP, errno.EBADF}
"""Errors that say: this kind of copy is not possible between these two files."""


@attrs.frozen(eq=False)
class Source:
    """Where pieces are copied from."""

    data: Data
    file: int | None = None
    """The open file that `data` maps; None if the bytes are in memory only."""


def write_pieces(path: str | os.PathLike[str], source: Source, pieces: Iterable[Piece]) -> None:
    """Write `pieces` to `path`, which may be the source's own file.

    The new file has the permissions of the old one at `path`, or else of the source's file, or
    else is the owner's alone: it holds the memory of a guest.
    """
    target = Path(path).resolve()
    mode = _mode(target, source.file)
    try:
        handle, name = tempfile.mkstemp(prefix=".virtmig-", dir=target.parent)
    except OSError as error:
        error.filename = os.fspath(path)  # what the caller knows, not the file beside it
        raise
    beside = Path(name)
    try:
        with os.fdopen(handle, "wb", buffering=0) as out:
            for piece in pieces:
                _write(out.fileno(), source, piece)
            os.ftruncate(out.fileno(), os.lseek(out.fileno(), 0, os.SEEK_CUR))
            os.fchmod(out.fileno(), mode)
            os.fsync(out.fileno())
        beside.replace(target)
    except BaseException:
        beside.unlink(missing_ok=True)
        raise
    _sync_folder(target.parent)


def _mode(target: Path, file: int | None) -> int:
    """Permission bits for the new file; refuses to replace what is not a plain file."""
    with suppress(FileNotFoundError):
        mode = target.stat().st_mode
        if not stat.S_ISREG(mode):
            raise OSError(errno.EINVAL, "not a regular file, so not to be replaced", str(target))
        return stat.S_IMODE(mode) & 0o777
    return 0o600 if file is None else stat.S_IMODE(os.fstat(file).st_mode) & 0o777


def _write(out: int, source: Source, piece: Piece) -> None:
    """Append a piece to the file that is written."""
    if isinstance(piece, range) and source.file is not None:
        _copy_data(source.file, out, piece)
        return
    content = source.data[piece.start : piece.stop] if isinstance(piece, range) else piece
    view = memoryview(content)
    while view:
        view = view[os.write(out, view) :]


def _copy_data(file: int, out: int, piece: range) -> None:
    """Copy a range of a file; holes stay holes, and a mapped-ram stream is mostly made of them."""
    at = piece.start
    while at < piece.stop:
        start = _seek(file, at, os.SEEK_DATA, piece.stop)
        os.lseek(out, start - at, os.SEEK_CUR)
        at = _seek(file, start, os.SEEK_HOLE, piece.stop)
        while start < at:
            start += _copy_some(file, out, start, min(at - start, CHUNK))


def _seek(file: int, at: int, whence: int, end: int) -> int:
    """The next data or hole at or behind `at`, but `end` at most."""
    try:
        return min(os.lseek(file, at, whence), end)
    except OSError as error:
        if error.errno == errno.ENXIO:  # there is none
            return end
        raise


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


def _sync_folder(path: Path) -> None:
    """Make a rename last."""
    folder = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
