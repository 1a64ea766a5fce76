"""PCI configuration space: the type 0 header as fields, the capability list as a view."""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from typing import Any

from virtmig.api import (
    Verdict,
    conditional,
    encode,
    le16,
    le32,
    raw,
    record,
    u8,
    unsafe,
    wire,
)

HEADER_SIZE = 64
MSIX = 0x11
HAS_CAPABILITIES = 1 << 4

COMMAND = {0: "I/O", 1: "memory", 2: "bus-master", 10: "INTx-off"}
CAPABILITY_NAMES = {
    0x01: "power management",
    0x05: "MSI",
    0x09: "vendor specific",
    0x10: "PCI Express",
    0x11: "MSI-X",
}

ANOTHER_DEVICE = unsafe(
    "QEMU compares it with the target's device and refuses what is different", always=True
)
KNOWN = conditional("QEMU takes it as it is, and a guest that has read the old one is not told")
PIN = unsafe("the device would interrupt the guest by another line")


def status_changed(old: Any, new: Any) -> Verdict:
    """Of the status register: one bit is the device's, the others tell of errors."""
    if old is None or new is None or (old ^ new) & HAS_CAPABILITIES:
        return ANOTHER_DEVICE
    return KNOWN


def region_moved(old: Any, new: Any) -> Verdict:
    """Of a base address register: its lowest bits say of what kind the region is."""
    kind = 0b11 if old and old & 1 else 0b1111
    if old is None or new is None or (old ^ new) & kind:
        return ANOTHER_DEVICE
    return unsafe("QEMU maps the region there, and the guest driver goes on where it was")


@record()
class PciHeader:
    """The type 0 header (PCI 3.0 section 6.1), little endian."""

    vendor_id: int = wire(le16, "0x1af4 for virtio")
    device_id: int = wire(le16, "0x1000 to 0x103f transitional, 0x1040 + device id modern")
    command: int = wire(
        le16,
        "bit 0 I/O, bit 1 memory, bit 2 bus master, bit 10 INTx off",
        edit=unsafe("the guest driver relies on what it has switched on"),
        bits=COMMAND,
    )
    status: int = wire(
        le16, "bit 4: capability list; the interrupt bit 3 is saved as 0", edit=status_changed
    )
    revision_id: int = wire(u8, "0 transitional, 1 modern")
    prog_if: int = wire(u8, "programming interface")
    class_id: int = wire(le16, "base class in the high byte, sub-class in the low byte")
    cache_line_size: int = wire(u8, "in 32-bit words", edit=KNOWN)
    latency_timer: int = wire(u8, "in bus clocks", edit=KNOWN)
    header_type: int = wire(u8, "0, or 0x80 for one of several functions")
    bist: int = wire(u8, "built-in self test", edit=KNOWN)
    bar0: int = wire(le32, "base address register 0", edit=region_moved)
    bar1: int = wire(le32, "base address register 1", edit=region_moved)
    bar2: int = wire(le32, "base address register 2", edit=region_moved)
    bar3: int = wire(le32, "base address register 3", edit=region_moved)
    bar4: int = wire(le32, "base address register 4", edit=region_moved)
    bar5: int = wire(le32, "base address register 5", edit=region_moved)
    cardbus_cis: int = wire(le32, "CardBus CIS pointer", edit=KNOWN)
    subsystem_vendor_id: int = wire(le16, "0x1af4", edit=KNOWN)
    subsystem_id: int = wire(
        le16, "virtio device id of transitional devices, else 0x1100", edit=KNOWN
    )
    expansion_rom: int = wire(le32, "expansion ROM base address", edit=region_moved)
    capabilities_pointer: int = wire(u8, "offset of the first capability")
    reserved: bytes = wire(raw(7), "zero")
    interrupt_line: int = wire(u8, "written by firmware", edit=KNOWN)
    interrupt_pin: int = wire(u8, "1: INTA", edit=PIN)
    min_gnt: int = wire(u8, "in quarter microseconds", edit=KNOWN)
    max_lat: int = wire(u8, "in quarter microseconds", edit=KNOWN)


def capabilities(header: PciHeader, rest: bytes) -> Iterator[tuple[int, int, bytes]]:
    """Each capability: its offset, its id, and the bytes from the id on."""
    if header.status & HAS_CAPABILITIES:
        yield from _walk(header.capabilities_pointer, rest)


def _walk(offset: int, rest: bytes) -> Iterator[tuple[int, int, bytes]]:
    """A list that leaves the first 256 bytes or comes back to itself ends there.

    The guest cannot write it, but a stream's bytes are anybody's.
    """
    visited: set[int] = set()
    while offset & 0xFC >= HEADER_SIZE and offset not in visited:
        visited.add(offset)
        start = (offset & 0xFC) - HEADER_SIZE
        yield offset, rest[start], rest[start:192]
        offset = rest[start + 1]


def msix_vectors(header: PciHeader, rest: bytes) -> int:
    """Vectors in the MSI-X table; 0 without MSI-X (PCI 3.0 section 6.8.2.3)."""
    if not header.status & HAS_CAPABILITIES:
        return 0
    return _msix_vectors(header.capabilities_pointer, rest[:192])


@lru_cache(maxsize=64)
def _msix_vectors(pointer: int, rest: bytes) -> int:
    """The same; each section asks several times, so the walk is remembered."""
    for _, number, body in _walk(pointer, rest):
        if number == MSIX and len(body) >= 4:
            return (int.from_bytes(body[2:4], "little") & 0x7FF) + 1
    return 0


def msix_enabled(header: PciHeader, rest: bytes) -> bool:
    """Whether the guest switched MSI-X on (bit 15 of message control)."""
    for _, number, body in capabilities(header, rest):
        if number == MSIX and len(body) >= 4:
            return bool(body[3] & 0x80)
    return False


def summary(header: PciHeader, rest: bytes) -> dict[str, Any]:
    """Registers and capabilities for people."""
    return {
        "id": f"{header.vendor_id:04x}:{header.device_id:04x}",
        "subsystem": f"{header.subsystem_vendor_id:04x}:{header.subsystem_id:04x}",
        "size": len(encode(header)) + len(rest),
        "command": _command(header.command),
        "bars": [f"{getattr(header, f'bar{number}'):#010x}" for number in range(6)],
        "capabilities": [
            f"{offset:#04x} {CAPABILITY_NAMES.get(number, hex(number))}"
            + (f", {msix_vectors(header, rest)} vectors" if number == MSIX else "")
            for offset, number, _ in capabilities(header, rest)
        ],
    }


def _command(command: int) -> list[str]:
    return [name for bit, name in COMMAND.items() if command >> bit & 1]
