"""Files that hold a stream, made by hand: libvirt images, qcow2 images with snapshots."""

from __future__ import annotations

import bz2
import gzip
import lzma
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Literal

import attrs
import lzallright
import pytest

from tests.core.stream.building import Recipe, u16, u32, u64
from virtmig.containers import lzop
from virtmig.errors import VirtmigError
from virtmig.stream.opening import Stream, open_stream

zstd = pytest.importorskip("backports.zstd")

PLAIN = Recipe().build()
SAMPLE = Path(__file__).parents[3] / "samples/x86-q35.mig"
Order = Literal["little", "big"]


def lzop_file(data: bytes, flags: int = 0x0300_0001) -> bytes:
    """As the lzop program writes it, by its format's description; flags: which checksums."""
    header = bytes.fromhex("1040 20a0 0940 01 05") + u32(flags) + bytes(12) + b"\x05a.mig"
    out = lzop.MAGIC + header + u32(sum_of(header, flags & 0x1000))
    if flags & 0x40:
        out += u32(3) + b"any" + u32(0)
    for at in range(0, len(data), 1 << 18):
        out += lzop_block(data[at : at + (1 << 18)], flags)
    return out + u32(0)


def sum_of(data: bytes, crc: int) -> int:
    import zlib  # noqa: PLC0415

    return zlib.crc32(data) if crc else zlib.adler32(data)


def lzop_block(block: bytes, flags: int) -> bytes:
    packed = bytes(lzallright.LZOCompressor().compress(block))
    packed = packed if len(packed) < len(block) else block
    sums = [sum_of(block, crc) for flag, crc in ((1, 0), (0x100, 1)) if flags & flag]
    if len(packed) < len(block):
        sums += [sum_of(packed, crc) for flag, crc in ((2, 0), (0x200, 1)) if flags & flag]
    return u32(len(block)) + u32(len(packed)) + b"".join(map(u32, sums)) + packed


PACK: Mapping[str, Callable[[bytes], bytes]] = {
    "gzip": gzip.compress,
    "bzip2": bz2.compress,
    "xz": lzma.compress,
    "lzma": lambda data: lzma.compress(data, format=lzma.FORMAT_ALONE),
    "lzop": lzop_file,
    "zstd": zstd.compress,
}
"""What makes a compressed file of each kind: not virtmig."""
FORMATS = ("raw", "gzip", "bzip2", "xz", "lzop", "zstd", "sparse")
"""The numbers in libvirt's header."""
XML = b"<domain type='kvm'><name>a</name></domain>\0"
COOKIE = b"<qemusave/>\0"


def libvirt_image(
    inside: bytes,
    stored: str = "raw",
    order: Order = "little",
    *,
    magic: bytes = b"LibvirtQemudSave",
    room: int = 100,
    unknown: int = 0,
) -> bytes:
    """An image as libvirt writes it; unknown: what stands in the words that it does not use."""
    body = XML + COOKIE + bytes(room)
    words = (2, len(body), 1, FORMATS.index(stored), len(XML), *(unknown,) * 14)
    return magic + b"".join(word.to_bytes(4, order) for word in words) + body + inside


def wrapped() -> dict[str, bytes]:
    """The same stream in everything that it can be in."""
    found = {name: pack(PLAIN) for name, pack in PACK.items()}
    orders: tuple[Order, ...] = ("little", "big")
    for order in orders:
        for stored in FORMATS[:-1]:
            inside = PACK[stored](PLAIN) if stored in PACK else PLAIN
            found[f"libvirt {stored} {order}"] = libvirt_image(inside, stored, order)
    found["gzip of libvirt of zstd"] = gzip.compress(libvirt_image(zstd.compress(PLAIN), "zstd"))
    return found


@attrs.frozen(kw_only=True)
class Qcow2:
    """A qcow2 image with snapshots: name to stream."""

    snapshots: Mapping[str, bytes]
    version: int = 3
    cluster_bits: int = 12
    size: int = 1 << 20
    features: int = 0
    encrypted: int = 0
    large_sizes: bool = True
    """Whether snapshots have the 64-bit size of the VM state, which old images lack."""
    repeated: int = 1
    """How often the stream's clusters are listed."""
    holes: int = 0
    """Bytes that each stream is longer, in the tables of level 1 alone."""
    l2_entry: Callable[[int], int] = lambda at: at | 1 << 63
    """What stands in a level 2 table for a cluster at this offset."""

    def build(self) -> bytes:
        header = b"QFI\xfb" + u32(self.version) + bytes(12) + u32(self.cluster_bits)
        header += u64(self.size) + u32(self.encrypted) + bytes(24) + u32(len(self.snapshots))
        rest = u64(self.features) + u64(0) + u64(0) + u32(4) + u32(104)
        image = bytearray(header + u64(0) + (rest if self.version > 2 else b""))
        tables = [
            (name, self._add(image, data), len(data) * self.repeated + self.holes)
            for name, data in self.snapshots.items()
        ]
        self._align(image)
        image[64:72] = u64(len(image))
        for number, (name, (l1, l1_size), size) in enumerate(tables, 1):
            image += bytes(-len(image) % 8)
            image += self._entry(str(number), name, l1, l1_size, size)
        return bytes(image)

    def _align(self, image: bytearray) -> None:
        image += bytes(-len(image) % (1 << self.cluster_bits))

    def _entry(self, key: str, name: str, l1: int, l1_size: int, size: int) -> bytes:
        extra = u64(size) + u64(self.size) if self.large_sizes else b""
        small = 0 if self.large_sizes else size
        start = u64(l1) + u32(l1_size) + u16(len(key)) + u16(len(name.encode())) + bytes(16)
        return start + u32(small) + u32(len(extra)) + extra + key.encode() + name.encode()

    def _add(self, image: bytearray, data: bytes) -> tuple[int, int]:
        """Clusters of the stream, with its tables; a cluster of zeros is none."""
        cluster = 1 << self.cluster_bits
        entries: list[int] = []
        for at in range(0, len(data), cluster):
            block = data[at : at + cluster]
            self._align(image)
            entries.append(self.l2_entry(len(image)) if block.strip(b"\0") else 0)
            image += block if block.strip(b"\0") else b""
        self._align(image)
        entries *= self.repeated
        per_table = cluster // 8
        l1 = [0] * -(-self.size // (cluster * per_table))
        for at in range(0, len(entries), per_table):
            l1.append(len(image) | 1 << 63)
            image += b"".join(map(u64, entries[at : at + per_table]))
            self._align(image)
        l1 += [0] * -(-self.holes // (cluster * per_table))
        place = len(image)
        image += b"".join(map(u64, l1))
        return place, len(l1)


def opened(tmp_path: Path, data: bytes, **how: object) -> Stream:
    """The stream in a file."""
    path = tmp_path / "file"
    path.write_bytes(data)
    return open_stream(path, **how)  # type: ignore[arg-type]


def refused(tmp_path: Path, data: bytes, **how: object) -> VirtmigError:
    """The error that opening ends with; nothing is kept open."""
    descriptors = Path("/proc/self/fd")
    before = len([*descriptors.iterdir()])
    with pytest.raises(VirtmigError) as caught:
        opened(tmp_path, data, **how)
    assert len([*descriptors.iterdir()]) == before
    return caught.value


def payloads(stream: Stream) -> list[bytes]:
    """What is in all sections."""
    return [stream.payload(section) for section in stream.sections]


EXPECTED = payloads(Stream.from_bytes(PLAIN))
