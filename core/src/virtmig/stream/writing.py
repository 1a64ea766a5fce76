"""Writing a file that is whole or not there: without a name until all of it is on the disk.

A file that is to replace another one has a name of its own for the blink of an eye, and where the
file system knows no files without a name, all the time. It is locked as long as its writer lives,
so that what a killed one left is known, and removed by the next writer in that folder.
"""

from __future__ import annotations

import errno
import fcntl
import os
import stat
import tempfile
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path
from typing import Protocol, TypeAlias

import attrs

from virtmig.stream.editing import Piece
from virtmig.stream.place import CHUNK, Place
from virtmig.stream.room import room_at

PREFIX = ".virtmig-"
"""How the names of files begin that have no name of their own yet."""
STALE = 60
"""Seconds after which a file of that name that nobody has locked is taken for left over."""
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


def write_pieces(path: str | os.PathLike[str], source: Place, pieces: Iterable[AnyPiece]) -> None:
    """Write `pieces` to `path`, which may be the source's own file."""
    write_file(path, lambda out: put(out, source, pieces), source.file)


def write_file(
    path: str | os.PathLike[str], fill: Callable[[Output], None], like: int | None = None
) -> None:
    """Let `fill` write a file, and put it at `path` when it is whole and on the disk.

    The new file has the permissions of the old one at `path`, or else of the open file `like`, or
    else is the owner's alone: it holds the memory of a guest.
    """
    with room_at(path, "nothing was written: make room, or write to another disk"):
        # Not Path.resolve: links in a circle are no `OSError` for it.
        _write_file(Path(os.path.realpath(path)), path, fill, like)


def _write_file(
    target: Path, path: str | os.PathLike[str], fill: Callable[[Output], None], like: int | None
) -> None:
    mode = _mode(target, like)
    _sweep(target.parent)
    try:
        fresh = _create(target.parent)
    except OSError as error:
        error.filename = os.fspath(path)  # what the caller knows, not the file beside it
        raise
    try:
        out = FileOutput(fresh.file)
        fill(out)
        out.close()
        os.fchmod(fresh.file, mode)
        os.fsync(fresh.file)
        fresh.publish(target)
    finally:
        os.close(fresh.file)
        fresh.discard()
    _sync_folder(target.parent)


def _mode(target: Path, file: int | None) -> int:
    """Permission bits for the new file; refuses to replace what is not a plain file."""
    with suppress(FileNotFoundError):
        mode = target.stat().st_mode
        if not stat.S_ISREG(mode):
            raise OSError(errno.EINVAL, "not a regular file, so not to be replaced", str(target))
        return stat.S_IMODE(mode) & 0o777
    return 0o600 if file is None else stat.S_IMODE(os.fstat(file).st_mode) & 0o777


@attrs.define(eq=False)
class _Fresh:
    """A new file; `name` is where it lies, or None as long as it has no name."""

    file: int
    folder: Path
    name: Path | None = None

    def publish(self, target: Path) -> None:
        """Give it its name; if that is another file's, this one replaces it at once."""
        if self.name is None:
            try:
                self._link(target)
            except FileExistsError:
                self.name = self.folder / f"{PREFIX}{os.urandom(8).hex()}"
                self._link(self.name)
            else:
                return
        self.name.replace(target)
        self.name = None

    def discard(self) -> None:
        """Leave nothing behind of what was not published."""
        if self.name is not None:
            self.name.unlink(missing_ok=True)

    def _link(self, name: Path) -> None:
        """Name a file that has none. Python follows the link to it only if given a folder."""
        folder = os.open(self.folder, os.O_PATH | os.O_DIRECTORY)
        try:
            os.link(f"/proc/self/fd/{self.file}", name, src_dir_fd=folder)
        finally:
            os.close(folder)


def _create(folder: Path) -> _Fresh:
    """A new file without a name, so that no kill leaves it behind; or else with one."""
    fresh: _Fresh | None = None
    with suppress(OSError):
        if Path("/proc/self/fd").is_dir():
            file = os.open(folder, os.O_TMPFILE | os.O_RDWR | os.O_CLOEXEC, 0o600)
            fresh = _Fresh(file, folder)
    if fresh is None:
        file, name = tempfile.mkstemp(prefix=PREFIX, dir=folder)
        fresh = _Fresh(file, folder, Path(name))
    with suppress(OSError):  # a file system without locks
        fcntl.flock(fresh.file, fcntl.LOCK_EX)
    return fresh


def _sweep(folder: Path) -> None:
    """Remove what writers that were killed have left in a folder; nothing depends on it."""
    with suppress(OSError):
        for path in folder.glob(f"{PREFIX}*"):
            about = path.stat(follow_symlinks=False)
            ours = stat.S_ISREG(about.st_mode) and about.st_uid == os.geteuid()
            if ours and time.time() - about.st_mtime > STALE:
                _remove_unlocked(path)


def _remove_unlocked(path: Path) -> None:
    file = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        path.unlink()
    finally:
        os.close(file)


@attrs.frozen(eq=False)
class FileOutput:
    """A file that is written from its start."""

    file: int

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
        while at < piece.stop:
            start = _seek(source.file, at, os.SEEK_DATA, piece.stop)
            self.zeros(start - at)
            at = _seek(source.file, start, os.SEEK_HOLE, piece.stop)
            while start < at:
                start += _copy_some(source.file, self.file, start, min(at - start, COPIED))

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
        self.below.close()


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
