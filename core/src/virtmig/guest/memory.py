"""Guest physical memory: which RAM block and offset an address is, on each kind of machine."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

import attrs

from virtmig.errors import GuestMemoryError, VirtmigError
from virtmig.stream.opening import Stream
from virtmig.stream.ram import RamIndex

GIB = 1 << 30
FOUR_GIB = 4 * GIB


@attrs.frozen
class Span:
    """Guest physical addresses that lie in one piece in the main RAM block."""

    address: int
    """First guest physical address."""
    offset: int
    """Its offset in the block, bytes."""
    size: int
    """Bytes."""


@attrs.frozen(eq=False)
class GuestMemory:
    """Reads main RAM by guest physical address. Hot-plugged memory is not in it."""

    block: str
    """Name of the main RAM block; empty if it is not known."""
    spans: tuple[Span, ...]
    """Where the block lies in guest physical memory; empty if that is not known."""
    _ram: Callable[[], RamIndex]
    _unknown: str = ""
    """Why block or spans are not known."""

    @property
    def available(self) -> bool:
        """Whether main RAM can be read. Walks the stream's RAM the first time."""
        return not self.why_not

    @property
    def why_not(self) -> str:
        """Why main RAM cannot be read; empty if it can."""
        if self._unknown:
            return self._unknown
        try:
            return self._ram().why_absent(self.block)
        except VirtmigError as error:
            return str(error)

    def read(self, address: int, size: int) -> bytes:
        """`size` bytes from a guest physical address on, all in one span of RAM."""
        offset = self._offset(address, size)
        return self._ram().read(self.block, offset, size)

    def places(self, address: int, size: int) -> Iterator[range]:
        """Where these bytes lie in the file, page by page; an error if they do not as they are."""
        offset = self._offset(address, size)
        ram = self._ram()
        while size > 0:
            part = min(size, ram.page_size - offset % ram.page_size)
            yield ram.place(self.block, offset, part)
            offset, size = offset + part, size - part

    def _offset(self, address: int, size: int) -> int:
        """The offset in the block of `size` bytes that lie in one span."""
        if self.why_not:
            raise GuestMemoryError(f"no guest memory: {self.why_not}")
        for span in self.spans:
            skip = address - span.address
            if min(skip, size) >= 0 and skip + size <= span.size:
                return span.offset + skip
        raise GuestMemoryError(f"{size} bytes at {address:#x} are not all in guest RAM")


def guest_memory(stream: Stream, *, below_4g: int | None = None) -> GuestMemory:
    """The main RAM of the guest in a stream.

    `below_4g` is how many bytes of RAM lie below 4 GiB, for a guest that was started with
    `max-ram-below-4g`, which the stream does not say. Without it the machine's default is taken.
    """
    names = [block.name for block in stream.blocks]
    block = _main_block(names)
    if not block:
        return GuestMemory("", (), stream.ram, _no_block(names))
    size = next(each.length for each in stream.blocks if each.name == block)
    kind = _kind(stream)
    if kind is None:
        reason = f"where machine {stream.machine or 'without a name'!r} has its RAM is not known"
        return GuestMemory(block, (), stream.ram, reason)
    low = _LOW_RAM[kind](size) if below_4g is None else below_4g
    return GuestMemory(block, _spans(size, low, _FIRST.get(kind, 0)), stream.ram)


_BOARD_BLOCKS = ("pc.ram", "s390.ram", "microvm.ram", "mach-virt.ram")
_NOT_MAIN = re.compile(
    r"/rom@|[0-9a-f]{4}:|pc\.|isa-|(system\.|virt\.)flash|vga\.|.*\.(rom|bios|vram)$"
)


def _main_block(names: list[str]) -> str:
    """The board's own block, or the one block that may be a `memory-backend=`."""
    for name in _BOARD_BLOCKS:
        if name in names:
            return name
    backends = _backends(names)
    return backends[0] if len(backends) == 1 else ""


def _backends(names: list[str]) -> list[str]:
    """Blocks that may be a `memory-backend=`."""
    return [name for name in names if not _NOT_MAIN.match(name)]


def _no_block(names: list[str]) -> str:
    backends = _backends(names)
    if not backends:
        return "the stream has no block of main RAM"
    return f"any of the RAM blocks {', '.join(backends)} may be main RAM, or a part of it"


_KINDS = (
    (re.compile(r"s390-ccw-virtio"), "s390"),
    (re.compile(r"pc-q35-"), "q35"),
    (re.compile(r"pc-(i440fx-)?\w|xenfv"), "pc"),
    (re.compile(r"microvm"), "microvm"),
    (re.compile(r"virt-\d"), "virt"),
)
_ARM_INTERRUPTS = "arm_gic"
"""How the idstr of an Arm machine's interrupt controller starts; machines of other CPUs are named
`virt-7.2` too."""
_CHIPSETS = {"mch": "q35", "I440FX": "pc"}


def _kind(stream: Stream) -> str | None:
    """The machine's memory map, by its name, or without one by its chipset's section."""
    for pattern, kind in _KINDS:
        if pattern.match(stream.machine):
            arm = any(one.idstr.startswith(_ARM_INTERRUPTS) for one in stream.sections)
            return kind if arm or kind != "virt" else None
    if stream.machine:
        return None
    chips = (_CHIPSETS.get(section.idstr.rpartition("/")[2]) for section in stream.sections)
    return next((chip for chip in chips if chip), None)


_LOW_RAM: dict[str, Callable[[int], int]] = {
    "s390": lambda size: size,
    "q35": lambda size: size if size < 0xB0000000 else 2 * GIB,
    "pc": lambda size: size if size < 0xE0000000 else 3 * GIB,
    "microvm": lambda size: size if size < 0xC0000000 else 3 * GIB,
    "virt": lambda size: size,
}
"""Bytes of RAM below 4 GiB (on s390x and Arm: in all), by the size of all main RAM."""
_FIRST = {"virt": GIB}
"""Guest physical address of the first byte of RAM, where it is not 0."""


def _spans(size: int, low: int, first: int) -> tuple[Span, ...]:
    """All RAM from address `first` on, but what is above `low` from 4 GiB on."""
    if size <= low:
        return (Span(first, 0, size),)
    return (Span(first, 0, low), Span(FOUR_GIB, low, size - low))
