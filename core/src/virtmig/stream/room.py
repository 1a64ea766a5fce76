"""What to say when there is no room for a file, on the disk or in memory: where, and a way out."""

from __future__ import annotations

import errno
import os
from collections.abc import Generator
from contextlib import contextmanager

_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
_MEMORY = "the memory that this process may have is limited: see ulimit -v"


@contextmanager
def room_at(path: str | os.PathLike[str], advice: str) -> Generator[None, None, None]:
    """Let errors of a disk that is full, or of memory, name the path and what can be done."""
    try:
        yield
    except OSError as error:
        if error.errno not in (*_FULL, errno.ENOMEM):
            raise
        way = _MEMORY if error.errno == errno.ENOMEM else advice
        told = error.strerror or os.strerror(error.errno)
        reason = f"{told} ({way})" if way else told
        raise OSError(error.errno, reason, os.fspath(path)) from error
