"""A long file on its way to the disk while it is still written, so that its end need not wait.

Without this, the kernel begins late, and `fsync` finds gigabytes still to do: a third of the time
that a stream of 4 GiB takes. Nothing depends on it but time.
"""

from __future__ import annotations

import os
from contextlib import suppress
from typing import TYPE_CHECKING, Self

import attrs

if TYPE_CHECKING:
    from concurrent.futures import ThreadPoolExecutor


@attrs.define(eq=False)
class Writeback:
    """Goes along with the writing of one open file."""

    file: int
    _beside: ThreadPoolExecutor | None = attrs.field(default=None, init=False)

    def room(self, at: int, size: int) -> None:
        """Take room on the disk for bytes that come next: cheaper at once than block by block.

        Asked for through a file that appends, since then the C library does not write zeros itself
        where the file system cannot do it. A full disk shows when the bytes are written.
        """
        with suppress(OSError):
            file = os.open(f"/proc/self/fd/{self.file}", os.O_WRONLY | os.O_APPEND | os.O_CLOEXEC)
            try:
                os.posix_fallocate(file, at, size)
            finally:
                os.close(file)

    def written(self, at: int, size: int) -> None:
        """Let the kernel begin with bytes that are written; a thread does it, for it takes time."""
        if self._beside is None:
            from concurrent.futures import ThreadPoolExecutor  # noqa: PLC0415  long files only

            self._beside = ThreadPoolExecutor(1)
        self._beside.submit(os.posix_fadvise, self.file, at, size, os.POSIX_FADV_DONTNEED)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        """Wait until the kernel has begun with all; the file stays open."""
        if self._beside is not None:
            self._beside.shutdown()
