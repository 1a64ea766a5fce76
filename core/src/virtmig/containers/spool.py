"""Bytes that come one after another, put into a file without a name, so that they can be mapped.

Blocks of zeros become holes. How much may come is limited: a small file can unpack to any size.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterable

import attrs

from virtmig.environment import UNPACK_LIMIT, UNPACK_RATIO, unpack_limit, unpack_ratio
from virtmig.errors import LimitExceeded, Truncated
from virtmig.stream.output import FileOutput, Zeros
from virtmig.stream.place import Place, mapped
from virtmig.stream.room import room_at

BLOCK = 1 << 16
"""Bytes that become a hole if they are all zero."""
SMALL = 1 << 30
"""Up to so many bytes a file may grow to whatever times its size."""
_NOTHING = bytes(BLOCK)


def spool(chunks: Iterable[bytes | Zeros], packed: int = 0) -> tuple[Place, str]:
    """The bytes in a file, and why there are no more of them if they end too early.

    packed: how many bytes they come from; 0 if what comes is as large as what it comes from.
    """
    folder = _folder()
    with tempfile.TemporaryFile(dir=folder) as named:
        file = os.dup(named.fileno())
    advice = "what is read is unpacked there: set TMPDIR to a folder with more room"
    try:
        with room_at(folder, advice):
            cut = _Spool(FileOutput(file), packed).fill(chunks)
            return mapped(file), cut
    except BaseException:
        os.close(file)
        raise


def _folder() -> str:
    """Where large files may lie: the usual folder is often in memory."""
    default = "/var/tmp"  # noqa: S108  the file has no name
    usable = "TMPDIR" not in os.environ and os.access(default, os.W_OK)
    return default if usable else tempfile.gettempdir()


@attrs.define
class _Spool:
    out: FileOutput
    packed: int
    size: int = 0
    """Bytes so far, the holes too."""

    def fill(self, chunks: Iterable[bytes | Zeros]) -> str:
        """Take all chunks; why they end too early, or nothing."""
        limit = self._limit()
        cut = ""
        try:
            for chunk in chunks:
                self.size += chunk.size if isinstance(chunk, Zeros) else len(chunk)
                if self.size > limit:
                    raise self._too_large(limit)
                self._add(chunk)
        except Truncated as error:
            cut = error.reason
        self.out.close()
        return cut

    def _add(self, chunk: bytes | Zeros) -> None:
        if isinstance(chunk, Zeros):
            self.out.zeros(chunk.size)
            return
        for at in range(0, len(chunk), BLOCK):
            block = chunk[at : at + BLOCK]
            if block == _NOTHING[: len(block)]:
                self.out.zeros(len(block))
            else:
                self.out.write(block)

    def _limit(self) -> int:
        limit = unpack_limit()
        return min(limit, max(SMALL, self.packed * unpack_ratio())) if self.packed else limit

    def _too_large(self, limit: int) -> LimitExceeded:
        if limit == unpack_limit():
            reason = f"more than {limit} bytes come out of it"
            return LimitExceeded(reason, hint=f"a larger {UNPACK_LIMIT.name} allows more")
        reason = f"its {self.packed} bytes unpack to more than {limit}"
        hint = f"is it a bomb? Else a {UNPACK_RATIO.name} above {unpack_ratio()} allows more"
        return LimitExceeded(reason, hint=hint)
