"""A bounds-checked place in a file's bytes; every number in a stream is big endian."""

from __future__ import annotations

import mmap
from typing import TypeAlias

import attrs

from virtmig.errors import Truncated

Data: TypeAlias = bytes | mmap.mmap
"""The bytes of a whole file: mapped, or in memory."""


class Forward:
    """Reads forward from `at`, an offset in the stream, and never beyond the last byte."""

    __slots__ = ()
    at: int

    def take(self, size: int) -> bytes:
        """The next `size` bytes."""
        raise NotImplementedError

    def skip(self, size: int) -> None:
        """Pass over `size` bytes."""
        raise NotImplementedError

    def integer(self, size: int) -> int:
        """The next `size` bytes as an unsigned number."""
        return int.from_bytes(self.take(size), "big")

    def text(self) -> str:
        """A length byte, then that many bytes of text."""
        return readable(self.take(self.integer(1)))


@attrs.define
class Cursor(Forward):
    """A place in the bytes of a whole file; what is passed over is not touched."""

    data: Data
    at: int = 0

    def take(self, size: int) -> bytes:
        self.skip(size)
        return self.data[self.at - size : self.at]

    def skip(self, size: int) -> None:
        left = len(self.data) - self.at
        if size > left:
            raise Truncated(f"need {size} bytes, {max(left, 0)} left", offset=self.at)
        self.at += size

    def peek(self) -> int:
        """The next byte without passing it; -1 at the end of the file."""
        return self.data[self.at] if self.at < len(self.data) else -1


def readable(raw: bytes) -> str:
    """Text of a name, with escapes for what is no text."""
    return raw.decode("utf-8", "backslashreplace")
