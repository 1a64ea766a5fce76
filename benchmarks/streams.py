"""Synthetic streams for the benchmarks, for when no real one is at hand."""

from __future__ import annotations

import os
import random
import re
from pathlib import Path
from typing import BinaryIO, Literal

from virtmig.stream.opening import open_stream

Kind = Literal["dense", "mixed"]
PAGE = 4096
MACHINE = b"pc-q35-10.0"
EOS = (0x10).to_bytes(8, "big")
FOOTER = b"\x7e\0\0\0\2"


def write_stream(
    path: str, mib: int, kind: Kind = "dense", devices: int = 0, tail: bytes = b""
) -> None:
    """Write a stream with `mib` MiB of RAM and as many devices, or with a real stream's `tail`.

    All pages are full, or ("mixed": the worst case for an index) every other one is zero, by
    chance.
    """
    with Path(path).open("wb") as out:
        total = mib << 20
        _write_head(out, total)
        _write_pages(out, total // PAGE, kind)
        out.write(EOS + FOOTER + b"\3\0\0\0\2" + EOS + FOOTER)
        if tail:
            out.write(tail)
        else:
            _write_devices(out, devices)


def _write_pages(out: BinaryIO, count: int, kind: Kind) -> None:
    data = os.urandom(PAGE * 64)
    chance = random.Random(1)  # noqa: S311 - the same stream every time
    for page in range(count):
        zero = kind == "mixed" and chance.random() < 0.5
        flags = (0x02 if zero else 0x08) | (0x20 if page else 0)
        out.write((page * PAGE | flags).to_bytes(8, "big") + (b"" if page else b"\6pc.ram"))
        at = page % 64 * PAGE
        out.write(b"\0" if zero else data[at : at + PAGE])


def _write_devices(out: BinaryIO, count: int) -> None:
    """Devices of 45 KiB, mostly zero, as virtio devices are; and their description."""
    listed: list[str] = []
    for number in range(count):
        section_id = (number + 3).to_bytes(4, "big")
        name = f"0000:00:{number // 8:02x}.{number % 8}/virtio-blk"
        header = len(name).to_bytes(1, "big") + name.encode() + bytes(4) + b"\0\0\0\2"
        payload = os.urandom(600) + bytes(45000)
        out.write(b"\4" + section_id + header + payload + b"\x7e" + section_id)
        field = f'{{"name":"virtio","type":"virtio","size":{len(payload)}}}'
        listed.append(f'{{"name":"{name}","instance_id":0,"fields":[{field}]}}')
    text = f'{{"page_size":4096,"devices":[{",".join(listed)}]}}'.encode()
    out.write(b"\0\6" + len(text).to_bytes(4, "big") + text)


def repeat_stream(real: str, path: str, mib: int) -> None:
    """Write a stream with the pages of a real one, again and again, until it is `mib` MiB long.

    Each page is sent once, as for a guest that was stopped and has so much more RAM. The devices
    behind it are the real ones.
    """
    data = Path(real).read_bytes()
    with open_stream(real) as stream:
        body, tail = data[stream.live[-1].after : stream.ram().end], data[stream.ram().end :]
    found = re.compile(rb".{6}[\x00-\xf0](?:\x28(.{4096})|\x22(.))", re.DOTALL).findall(body)
    kinds = [(0x28, page) if page else (0x22, zero) for page, zero in found]
    size = sum(8 + len(content) for _, content in kinds)
    turns = max(1, (mib << 20) // size)
    total = (1 + turns * len(kinds)) * PAGE
    with Path(path).open("wb") as out:
        _write_head(out, total)
        out.write((2).to_bytes(8, "big") + b"\6pc.ram\0")
        for turn in range(turns):
            first = 1 + turn * len(kinds)
            pages = enumerate(kinds, first)
            out.write(b"".join((n * PAGE | kind).to_bytes(8, "big") + c for n, (kind, c) in pages))
        out.write(EOS + FOOTER + b"\3\0\0\0\2" + EOS + FOOTER + tail)


def _write_head(out: BinaryIO, total: int) -> None:
    """All up to the first page: `total` bytes of RAM in one block."""
    out.write(b"QEVM\0\0\0\3\7" + len(MACHINE).to_bytes(4, "big") + MACHINE)
    out.write(b"\1\0\0\0\2\3ram" + bytes(4) + b"\0\0\0\4")
    out.write((total | 4).to_bytes(8, "big") + b"\6pc.ram" + total.to_bytes(8, "big"))
    out.write(EOS + FOOTER + b"\2\0\0\0\2")


def tail_of(path: Path) -> bytes:
    """What a stream has behind its RAM."""
    with open_stream(path) as stream:
        return path.read_bytes()[stream.ram().end :]
