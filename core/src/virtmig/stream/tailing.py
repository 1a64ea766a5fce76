"""What comes behind RAM, kept: the device state, and then the description of it.

A source that writes into a pipe learns that its stream was refused only while it still has
something to write. So the state is handed out as soon as it is there, while the source waits to
write the end of the description, and the rest when that was found good.
"""

from __future__ import annotations

import re

import attrs

from virtmig.errors import LimitExceeded
from virtmig.stream.description import HEADER_SIZE
from virtmig.stream.flow import Flow
from virtmig.stream.sections import FOOTER_SIZE

LARGEST_TAIL = 256 << 20
"""Bytes behind RAM that are kept. A machine with 500 devices has 24 MiB."""
_DESCRIPTION = re.compile(rb"\x7e\x00.{3}\x00(?=\x06(.{4})\{)", re.DOTALL)
"""The last footer, EOF, and the description with its length; machines without footers have none."""
_OVERLAP = FOOTER_SIZE + 1 + HEADER_SIZE


@attrs.define(eq=False)
class Tail:
    """What comes behind RAM, as far as it was read; `limit` bytes at the most."""

    flow: Flow
    limit: int = LARGEST_TAIL
    start: int = attrs.field(init=False)
    """Offset in the stream of its first byte."""
    _data: bytearray = attrs.field(factory=bytearray, init=False)
    _ended: bool = attrs.field(default=False, init=False)

    def __attrs_post_init__(self) -> None:
        self.start = self.flow.at
        self.flow.allow(0)
        self.flow.sipping = True

    def state(self) -> bytes | None:
        """All up to the record EOF, while the source still has more to write than a pipe holds.

        None if that cannot be: it has come already, the source is no pipe, or nothing describes
        the state. What lies in a payload may look like the end; so this is not proven.
        """
        looked = 0
        while self._more():
            found = _DESCRIPTION.search(self._data, max(0, looked - _OVERLAP))
            looked = len(self._data)
            if found is not None:
                end = found.end() + HEADER_SIZE + int.from_bytes(found[1], "big")
                ahead = self.flow.ahead
                waits = ahead is not None and end - looked > ahead
                return bytes(self._data[: found.end()]) if waits else None
        return None

    def all(self) -> bytes:
        """Everything, to the end of the stream."""
        while self._more():
            pass
        return bytes(self._data)

    def _more(self) -> bool:
        """Read some more; False at the end."""
        part = b"" if self._ended else self.flow.keep()
        self._data += part
        self._ended = not part
        if len(self._data) > self.limit:
            raise LimitExceeded(f"more than {self.limit} bytes behind RAM", offset=self.start)
        return not self._ended
