"""Bytes on their way from one pipe to another: looked at, then passed on; few are kept.

What was understood is written before more is read. So memory does not depend on how long the
stream is, and a reader gets all that came before an error.
"""

from __future__ import annotations

import fcntl
import os
import re
import select
import sys
import termios

import attrs

from virtmig.errors import LimitExceeded, Truncated
from virtmig.stream.cursor import Forward

ROOM = 1 << 20
"""Bytes that are held at a time, and that the kernel is asked to hold in a pipe, for speed."""
NARROW = 1 << 12
"""The fewest bytes that a pipe holds."""
WIDE = 1 << 16
"""Bytes that a pipe holds as it is made."""
SIP = 1 << 10
"""Bytes that are read at once by who wants the source to wait."""
TURNS = 50
"""How often we look whether a source that has little room has gone on, before we sleep: it takes a
few microseconds, and to be woken some more."""


@attrs.define(eq=False)
class Flow(Forward):
    """Reads the open file `source`, and writes to the open file `sink` what it passes over.

    Offsets count from the start of the stream. It waits until there is something to read, or room
    to write. What goes wrong with a file is an `OSError`, the end of the stream is `Truncated`.
    """

    source: int
    sink: int
    at: int = attrs.field(default=0, init=False)
    """Offset of the first byte that was not passed over."""
    passed: int = attrs.field(default=0, init=False)
    """How many bytes were written."""
    _base: int = attrs.field(default=0, init=False)
    """Offset of the first byte in the buffer."""
    _written: int = attrs.field(default=0, init=False)
    """Offset of the first byte that still is to be written; not before `_base`."""
    _end: int = attrs.field(default=0, init=False)
    """Offset behind the last byte in the buffer."""
    _buffer: bytearray = attrs.field(factory=lambda: bytearray(ROOM), init=False)
    sipping: bool = attrs.field(default=False, init=False)
    """Whether little is read at once, so that the source waits with what it still has to write."""
    lags: bool = attrs.field(default=False, init=False)
    """Whether who reads `sink` had much left to read when we last wrote; False if it is no pipe."""
    _allowed: int = attrs.field(default=ROOM, init=False)
    """How far ahead the source may be, in bytes."""
    ahead: int | None = attrs.field(init=False)
    """How far ahead it can be: what its pipe holds; None if it has none, and that is not known."""
    _much: int | None = attrs.field(init=False)
    """Half of what the pipe behind us holds; None if there is none."""

    def __attrs_post_init__(self) -> None:
        behind = _resize(self.sink, ROOM) or _capacity(self.sink)
        self._much = behind // 2 if behind is not None else None
        self.ahead = _capacity(self.source)

    def allow(self, ahead: int) -> None:
        """Let the source be so many bytes ahead, rounded down to what a pipe can hold.

        More takes effect at once; less if the pipe is not too full, else step by step, as we read
        on.
        """
        self._allowed = 1 << min(max(ahead, NARROW), ROOM).bit_length() - 1
        if self.ahead is not None and self.ahead < self._allowed:
            self.ahead = _resize(self.source, self._allowed) or self.ahead
        self._narrow()

    def take(self, size: int) -> bytes:
        while self._end - self.at < size:
            self._more()
        start = self.at - self._base
        self.at += size
        return bytes(self._buffer[start : start + size])

    def skip(self, size: int) -> None:
        while size > self._end - self.at:
            size -= self._end - self.at
            self.at = self._end
            self._more()
        self.at += size

    def skip_known(self, pattern: re.Pattern[bytes], size: int) -> int:
        """Pass over the items of `size` bytes that `pattern` matches; how many these were.

        Only whole ones: in Python 3.11.2 a possessive group can end inside the one that fails.
        """
        match = pattern.match(self._buffer, self.at - self._base, self._end - self._base)
        if match is None:
            return 0
        count = (match.end() - match.start()) // size
        self.at += count * size
        return count

    def passed_word(self, size: int) -> int:
        """The 8 bytes that begin the `size` ones that were passed over last, in one call."""
        start = self.at - size - self._base
        return int.from_bytes(self._buffer[start : start + 8], "big")

    def look(self, limit: int) -> bytes:
        """The bytes that come next, at least one more with each call; none is passed over.

        Holding more than `limit` is refused as `LimitExceeded`.
        """
        if self._end - self.at > limit:
            raise LimitExceeded(f"more than {limit} bytes", offset=self.at)
        self._more()
        return bytes(self._buffer[self.at - self._base : self._end - self._base])

    def put(self, data: bytes) -> None:
        """Write `data` behind what was passed over."""
        self._pass_on()
        with memoryview(data) as view:
            self._write(view)

    def replace(self, size: int, data: bytes) -> None:
        """Write `data` in the place of the next `size` bytes, which were looked at."""
        self.put(data)
        self.at += size
        self._written = self.at

    def keep(self) -> bytes:
        """Some bytes that come next, taken out of the stream; none at its end."""
        self._pass_on()
        if self.at == self._end:
            self._base = self._end
            self._end += self._read(0)
        kept = bytes(self._buffer[self.at - self._base : self._end - self._base])
        self.at = self._written = self._end
        return kept

    def _more(self) -> None:
        """Pass on what was passed over, and read more behind what was not."""
        self._pass_on()
        left = self._end - self.at
        self._buffer[:left] = self._buffer[self.at - self._base : self._end - self._base]
        self._base = self.at
        if left == len(self._buffer):
            self._buffer += bytes(left)
        count = self._read(left)
        if not count:
            raise Truncated(
                f"the stream ends, {left} bytes behind the last whole item", offset=self.at
            )
        self._end += count

    def _read(self, place: int) -> int:
        """Read into the buffer from `place` on; how many bytes, 0 at the end of the stream."""
        self._narrow()  # a pipe that is empty already, before its source goes on
        self._look_out()
        end = place + self._sip() if self.sipping else len(self._buffer)
        with memoryview(self._buffer) as whole, whole[place:end] as room:
            while True:
                try:
                    count = os.readv(self.source, [room])
                except BlockingIOError:
                    _wait(self.source, select.POLLIN)
                else:
                    break
        self._narrow()  # as empty as it ever is: a source that is fast fills it again at once
        return count

    def _sip(self) -> int:
        """How many bytes to read while the source is to wait: few, or half of what it has room for.

        Then the room can be halved, if its source was not fast enough to fill the half again.
        """
        return SIP if self.ahead == NARROW else (self.ahead or ROOM) // 2

    def _look_out(self) -> None:
        """Wait a moment for a source that could not be far ahead."""
        if self.ahead is not None and self.ahead < WIDE:
            for _ in range(TURNS):
                if _unread(self.source):
                    return

    def _narrow(self) -> None:
        """Let the source's pipe hold no more than is allowed, or half, if it is not too full."""
        held = self.ahead
        if held is not None and held > self._allowed:
            half = max(held // 2, self._allowed)
            self.ahead = _resize(self.source, self._allowed) or _resize(self.source, half) or held

    def _pass_on(self) -> None:
        with memoryview(self._buffer) as whole:
            self._write(whole[self._written - self._base : self.at - self._base])
        self._written = self.at
        if self._much is not None:
            self.lags = _unread(self.sink) > self._much

    def _write(self, view: memoryview) -> None:
        while view:
            try:
                count = os.write(self.sink, view)
            except BlockingIOError:
                _wait(self.sink, select.POLLOUT)
            else:
                self.passed += count
                view = view[count:]


def _resize(file: int, size: int) -> int | None:
    """Let a pipe hold so many bytes, or what it then does; None if it is none, or does not."""
    try:
        return fcntl.fcntl(file, fcntl.F_SETPIPE_SZ, size)
    except OSError:
        return None


def _capacity(file: int) -> int | None:
    """How many bytes a pipe holds; None if it is none."""
    try:
        return fcntl.fcntl(file, fcntl.F_GETPIPE_SZ)
    except OSError:
        return None


def _unread(file: int) -> int:
    """How many bytes lie in a pipe."""
    count = bytearray(4)
    fcntl.ioctl(file, termios.FIONREAD, count)
    return int.from_bytes(count, sys.byteorder)


def _wait(file: int, event: int) -> None:
    """Wait for a file that another program has switched to give up at once."""
    poll = select.poll()
    poll.register(file, event)
    poll.poll()
