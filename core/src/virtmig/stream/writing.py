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

import attrs

from virtmig.stream.output import AnyPiece, FileOutput, Output, put
from virtmig.stream.place import Place
from virtmig.stream.room import room_at
from virtmig.stream.writeback import Writeback

PREFIX = ".virtmig-"
"""How the names of files begin that have no name of their own yet."""
STALE = 60
"""Seconds after which a file of that name that nobody has locked is taken for left over."""


def write_pieces(path: str | os.PathLike[str], source: Place, pieces: Iterable[AnyPiece]) -> None:
    """Write `pieces` to `path`, which may be the source's own file."""
    write_file(path, lambda out: put(out, source, pieces), source.file)


def write_file(
    path: str | os.PathLike[str], fill: Callable[[Output], None], like: int | None = None
) -> None:
    """Let `fill` write a file, and put it at `path` when it is whole and on the disk.

    The new file has the permissions of the old one at `path`, and its owner if we may give it
    away; or else the permissions of the open file `like`; or else it is ours alone, for it holds
    the memory of a guest.
    """
    with room_at(path, "nothing was written: make room, or write to another disk"):
        # Not Path.resolve: links in a circle are no `OSError` for it.
        _write_file(Path(os.path.realpath(path)), path, fill, like)


def _write_file(
    target: Path, path: str | os.PathLike[str], fill: Callable[[Output], None], like: int | None
) -> None:
    old = replaced(target)
    _sweep(target.parent)
    try:
        fresh = _create(target.parent)
    except OSError as error:
        error.filename = os.fspath(path)  # what the caller knows, not the file beside it
        raise
    try:
        with Writeback(fresh.file) as writeback:
            out = FileOutput(fresh.file, writeback)
            fill(out)
            out.close()
        _grant(fresh.file, old, like)
        os.fsync(fresh.file)
        fresh.publish(target)
    finally:
        os.close(fresh.file)
        fresh.discard()
    _sync_folder(target.parent)


def replaced(target: Path) -> os.stat_result | None:
    """What is to be replaced, if anything; refuses what is not a plain file."""
    try:
        old = target.stat()
    except FileNotFoundError:
        return None
    if not stat.S_ISREG(old.st_mode):
        raise OSError(errno.EINVAL, "not a regular file, so not to be replaced", str(target))
    return old


def _grant(file: int, old: os.stat_result | None, like: int | None) -> None:
    """Give a new file its owner and its permissions."""
    if old is not None:
        with suppress(PermissionError):  # only root may give files away
            os.fchown(file, old.st_uid, old.st_gid)
    else:
        old = None if like is None else os.fstat(like)
    os.fchmod(file, 0o600 if old is None else stat.S_IMODE(old.st_mode) & 0o777)


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


def _sync_folder(path: Path) -> None:
    """Make a rename last."""
    folder = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
