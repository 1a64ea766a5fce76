"""Small streams, built record by record as QEMU writes them."""

from __future__ import annotations

import json
import random
import zlib
from collections.abc import Sequence

import attrs

from virtmig.stream.opening import Stream
from virtmig.stream.ram import RamIndex

PAGE = 4096
EOS = (0x10).to_bytes(8, "big")
RAM_ID = 2
Q35 = "pc-q35-10.0"


def u16(value: int) -> bytes:
    return value.to_bytes(2, "big")


def u32(value: int) -> bytes:
    return value.to_bytes(4, "big")


def u64(value: int) -> bytes:
    return value.to_bytes(8, "big")


def noise(seed: int, size: int = PAGE) -> bytes:
    """Bytes without a pattern, the same ones for the same seed."""
    return random.Random(seed).randbytes(size)  # noqa: S311 - no secret


def str8(text: str) -> bytes:
    return bytes([len(text.encode())]) + text.encode()


def footer(section_id: int) -> bytes:
    return b"\x7e" + u32(section_id)


def configuration(machine: str, capabilities: Sequence[str] = (), uuid: bytes = b"") -> bytes:
    record = b"\x07" + u32(len(machine)) + machine.encode()
    if capabilities:
        names = b"".join(str8(name) for name in capabilities)
        record += b"\x05" + str8("configuration/capabilities") + u32(1)
        record += u32(len(capabilities)) + names
    if uuid:
        record += b"\x05" + str8("configuration/uuid") + u32(1) + uuid
    return record


def header(kind: int, section_id: int, idstr: str, instance: int = 0, version: int = 1) -> bytes:
    return bytes([kind]) + u32(section_id) + str8(idstr) + u32(instance) + u32(version)


@attrs.frozen
class Device:
    """A FULL section and what the description says of it."""

    idstr: str
    payload: bytes
    instance: int = 0
    section_id: int = 0
    """0: the number of the device, from 10 on."""
    said: int | None = None
    """Size in the description, if it lies."""
    version: int = 1

    def described(self) -> dict[str, object]:
        size = len(self.payload) if self.said is None else self.said
        field = {"name": "virtio", "type": "virtio", "size": size}
        about = {"name": self.idstr, "instance_id": self.instance}
        return {**about, "vmsd_name": "virtio-x", "version": 1, "fields": [field]}


@attrs.frozen
class Item:
    """One item of RAM."""

    block: str
    page: int
    kind: int
    data: bytes
    named: bool = False

    def encoded(self, page_size: int = PAGE) -> bytes:
        flags = self.kind if self.named else self.kind | 0x20
        name = str8(self.block) if self.named else b""
        return u64(self.page * page_size | flags) + name + self.data


def page_item(block: str, page: int, content: bytes, *, named: bool = False) -> Item:
    return Item(block, page, 0x08, content, named)


def zero_item(block: str, page: int, fill: int = 0, *, named: bool = False) -> Item:
    return Item(block, page, 0x02, bytes([fill]), named)


def compressed_item(block: str, page: int, content: bytes, *, named: bool = False) -> Item:
    packed = zlib.compress(content)
    return Item(block, page, 0x100, u32(len(packed)) + packed, named)


def xbzrle_item(block: str, page: int, delta: bytes, *, named: bool = False) -> Item:
    return Item(block, page, 0x40, b"\x01" + u16(len(delta)) + delta, named)


def leb(value: int) -> bytes:
    return bytes([value]) if value < 0x80 else bytes([value & 0x7F | 0x80, value >> 7])


BLOCKS = {"pc.ram": 64 * PAGE, "0000:00:01.0/vga.vram": 16 * PAGE}
ITEMS = (
    page_item("pc.ram", 0, b"A" * PAGE, named=True),
    page_item("pc.ram", 1, b"B" * PAGE),
    zero_item("pc.ram", 2),
    zero_item("0000:00:01.0/vga.vram", 0, named=True),
)
DEVICES = (
    Device("timer", bytes(range(40)), section_id=0x31),
    Device("i8259", b"\x11" * 16, 0),
    Device("i8259", b"\x12" * 16, 1),
    Device("0000:00:02.0/virtio-blk", b"\x13" * 300, section_id=7),
    Device("globalstate", b"running" + bytes(20)),
)


@attrs.frozen
class Recipe:
    """All that a small stream is made of."""

    machine: str = Q35
    capabilities: tuple[str, ...] = ()
    blocks: dict[str, int] = BLOCKS
    items: tuple[Item, ...] = ITEMS
    devices: tuple[Device, ...] = DEVICES
    early: tuple[Device, ...] = ()
    footers: bool = True
    described: bool = True
    spaces: bool = False
    """JSON with spaces, as QEMU 5.2 writes it."""
    page_size: int = PAGE
    middle: bytes = b""
    """Records between the first part of RAM and its end."""
    start_extra: bytes = b""
    """Records behind the START of RAM."""

    def build(self) -> bytes:
        return self.head() + self.ram() + self.tail()

    def head(self) -> bytes:
        magic = b"QEVM" + u32(3)
        return magic + (configuration(self.machine, self.capabilities) if self.machine else b"")

    def close(self, section_id: int) -> bytes:
        return footer(section_id) if self.footers else b""

    def ram(self) -> bytes:
        listed = b"".join(self.block(name, size) for name, size in self.blocks.items())
        total = u64(sum(self.blocks.values()) | 4)
        half = len(self.items) // 2
        parts = [self.items[:half], self.items[half:]]
        start = header(1, RAM_ID, "ram", 0, 4) + total + listed + EOS + self.close(RAM_ID)
        early = b"".join(self.section(device, 3 + n) for n, device in enumerate(self.early))
        first, last = (b"".join(i.encoded(self.page_size) for i in part) for part in parts)
        part = b"\x02" + u32(RAM_ID) + first + EOS + self.close(RAM_ID)
        end = b"\x03" + u32(RAM_ID) + last + EOS + self.close(RAM_ID)
        return start + self.start_extra + early + part + self.middle + end

    def block(self, name: str, size: int) -> bytes:
        extra = u64(0) if "x-ignore-shared" in self.capabilities else b""
        return str8(name) + u64(size) + extra

    def section(self, device: Device, number: int) -> bytes:
        section_id = device.section_id or number
        start = header(4, section_id, device.idstr, device.instance, device.version)
        return start + device.payload + self.close(section_id)

    def tail(self) -> bytes:
        sections = (self.section(device, 10 + n) for n, device in enumerate(self.devices))
        return b"".join(sections) + b"\x00" + (self.description() if self.described else b"")

    def description(self) -> bytes:
        devices = [device.described() for device in self.early + self.devices]
        tree = {"page_size": self.page_size, "devices": devices}
        separators = (" , ", " : ") if self.spaces else (",", ":")
        return vmdescription(json.dumps(tree, separators=separators).encode())


def vmdescription(text: bytes) -> bytes:
    return b"\x06" + u32(len(text)) + text


def index_of(*items: Item, recipe: Recipe | None = None) -> RamIndex:
    """The index of a stream whose RAM is sent as these items."""
    return Stream.from_bytes(attrs.evolve(recipe or Recipe(), items=items).build()).ram()


def content(page: int, turn: int = 0, size: int = PAGE) -> bytes:
    """What a page holds when it is sent for the turn-th time."""
    return noise(page * 1000 + turn, size)
