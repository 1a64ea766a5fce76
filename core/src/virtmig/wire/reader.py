"""The cursor that every decoder reads from: one section's payload and a position in it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from virtmig.errors import NotCanonical, Truncated

if TYPE_CHECKING:
    from virtmig.wire.layout import FieldSpec
    from virtmig.wire.run import Run

SUBSECTION = 0x05
"""The byte that starts a subsection (QEMU: QEMU_VM_SUBSECTION)."""


@lru_cache(maxsize=256)
def _zeros(size: int) -> bytes:
    return bytes(size)


class Reader:
    """Takes values off the front of a payload; never reads past `end`.

    Everything a record's bytes consist of goes through these methods, so a subclass that
    invents the answers (see `virtmig.testing`) generates valid records from the declarations.
    """

    __slots__ = ("data", "end", "pos")

    def __init__(self, data: bytes) -> None:
        self.data = data
        self.pos = 0
        self.end = len(data)

    def need(self, size: int) -> None:
        """Fail unless `size` more bytes are there."""
        if size > self.end - self.pos:
            left = self.end - self.pos
            raise Truncated(f"need {size} bytes, {left} left", offset=self.pos)

    def take(self, size: int) -> bytes:
        """The next `size` bytes."""
        self.need(size)
        start = self.pos
        self.pos = start + size
        return self.data[start : self.pos]

    def fixed(self, run: Run, order: str) -> tuple[Any, ...]:
        """The raw values of one run of fixed-width fields."""
        layout = run.structs[order]
        start = self.pos
        if layout.size > self.end - start:
            raise run.truncated(start, self.end - start)
        self.pos = start + layout.size
        return layout.unpack_from(self.data, start)

    def rows(self, run: Run, order: str, count: int, stored: int) -> Iterable[tuple[Any, ...]]:
        """Raw values of `count` equal runs; of the `stored` that lie here the rest is skipped."""
        layout = run.structs[order]
        self.need_rows(run, stored)
        start = self.pos
        self.pos = start + layout.size * stored
        return layout.iter_unpack(self.data[start : start + count * layout.size])

    def used_rows(self, run: Run, stored: int) -> int:
        """How many of the next `stored` runs there are before those that are all zero.

        By halving, so that each byte of the zero tail is compared once and at memcmp's speed.
        """
        self.need_rows(run, stored)
        data, start, size = self.data, self.pos, run.size
        low, high = 0, stored
        while low < high:
            middle = (low + high) // 2
            if data.startswith(_zeros((high - middle) * size), start + middle * size):
                high = middle
            else:
                low = middle + 1
        return low

    def need_rows(self, run: Run, count: int) -> None:
        """Fail unless `count` runs are there, naming the row and field that is cut."""
        left = self.end - self.pos
        if run.size * count > left:
            index, rest = divmod(left, run.size)
            raise run.truncated(self.pos + index * run.size, rest).inside(f"[{index}]")

    def marker(self) -> bool:
        """One flag byte of a list: 1, another item follows; 0, the list ends."""
        start = self.pos
        value = self.take(1)[0]
        if value > 1:
            text = f"list marker is {value:#x}; QEMU writes 0 or 1"
            raise NotCanonical(text, offset=start)
        return bool(value)

    def key(self, size: int) -> bool:
        """Whether an item follows whose first `size` bytes are not all zero; takes zeros if not."""
        self.need(size)
        if any(self.data[self.pos : self.pos + size]):
            return True
        self.pos += size
        return False

    def cut_header(self) -> bool:
        """Whether what is left, and no field takes, begins as a subsection that is cut."""
        left = self.data[self.pos : self.end]
        return left[:1] == bytes([SUBSECTION]) and len(left) < 2 + int.from_bytes(left[1:2], "big")

    def subsection(
        self, parent: str, known: Mapping[str, FieldSpec]
    ) -> tuple[str, int, int] | None:
        """Look at, without taking it, the subsection header that may stand here.

        Returns its name, version and header length, or None where QEMU's reader would stop: the
        next byte is not 5, or the name does not start with the parent's (vmstate.c:
        vmstate_subsection_load, a plain prefix test). Too few bytes for the prefix are none either:
        QEMU would compare what follows the section. `known` are the parent's own, by name; the
        bytes decide which of them is there. One that is declared as misnamed needs no prefix.
        """
        data, pos = self.data, self.pos
        if pos + 1 >= self.end or data[pos] != SUBSECTION:
            return None
        length = data[pos + 1]
        name = data[pos + 2 : pos + 2 + length]
        prefix = parent.encode()
        if length <= len(prefix):
            return None
        if pos + 2 + length > self.end and name.startswith(prefix):
            raise Truncated("subsection name is cut", offset=pos)
        own = known.get(name.decode("latin-1"))
        if not name.startswith(prefix) and (own is None or not own.type.misnamed):
            return None
        header = 2 + length + 4
        if pos + header > self.end:
            raise Truncated("subsection version is cut", offset=pos)
        version = int.from_bytes(data[pos + 2 + length : pos + header], "big")
        return name.decode("latin-1"), version, header
