"""Whatever the bytes: a result or a typed error, and no more memory than the file is worth."""

from __future__ import annotations

import os
import tracemalloc
from collections.abc import Iterator
from pathlib import Path

import attrs
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.core.stream.building import (
    BLOCKS,
    DEVICES,
    EOS,
    ITEMS,
    PAGE,
    RAM_ID,
    Device,
    Recipe,
    footer,
    header,
    str8,
    u16,
    u32,
    u64,
)
from tests.core.stream.test_mapped_ram import mapped_stream
from virtmig.errors import BadFooter, LimitExceeded, VirtmigError
from virtmig.guest.memory import guest_memory
from virtmig.stream.editing import Edits
from virtmig.stream.opening import Stream, open_stream

MIB = 1 << 20
CSS = Device("s390_css", b"0" * 60 + b"123" * 20, said=80)
SMALL = Recipe(
    capabilities=("x-ignore-shared",),
    items=ITEMS,
    devices=(*DEVICES[:3], CSS, *DEVICES[3:]),
    early=(Device("early", b"early"),),
)
KINDS = {
    "described": SMALL,
    "undescribed": attrs.evolve(SMALL, described=False),
    "without footers": attrs.evolve(SMALL, machine="", capabilities=(), footers=False, early=()),
}


def use(data: bytes) -> Stream | None:
    """Do with a stream all that can be done; None if a typed error came of it."""
    try:
        stream = Stream.from_bytes(data)
        for section in stream.sections:
            assert len(stream.payload(section)) == section.size
        memory = guest_memory(stream)
        if memory.available:
            memory.read(0, 2 * PAGE)
        for block in stream.blocks:
            stream.ram().read(block.name, 0, min(block.length, 3 * PAGE))
    except VirtmigError as error:
        assert str(error)
        return None
    return stream


def truncations(data: bytes) -> Iterator[bytes]:
    """Every one, but inside page data only some."""
    for end in range(len(data)):
        if end % 97 == 0 or data[max(0, end - 20) : end + 20] not in b"A" * 40 + b"B" * 40:
            yield data[:end]


@pytest.mark.parametrize("recipe", KINDS.values(), ids=KINDS)
def test_every_truncation_is_refused_or_has_all_devices(recipe: Recipe):
    whole = Stream.from_bytes(recipe.build())
    expected = [whole.payload(section) for section in whole.sections]
    for cut in truncations(recipe.build()):
        stream = use(cut)
        if stream is None or "headers alone" in stream.remark:
            continue  # without footers a cut inside the last section cannot be noticed
        assert [stream.payload(section) for section in stream.sections] == expected


@pytest.mark.parametrize("recipe", KINDS.values(), ids=KINDS)
def test_every_flipped_bit_outside_page_data_gives_a_result_or_a_typed_error(recipe: Recipe):
    data = recipe.build()
    pages = range(data.index(b"A" * PAGE), data.index(b"B" * PAGE) + PAGE)
    for at in range(len(data)):
        if at not in pages or at % 500 == 0:
            use(data[:at] + bytes([data[at] ^ 1 << at % 8]) + data[at + 1 :])


@settings(max_examples=300)
@given(st.sampled_from([*KINDS]), st.data())
def test_any_bytes_put_anywhere_give_a_result_or_a_typed_error(kind: str, choose: st.DataObject):
    data = bytearray(KINDS[kind].build())
    for _ in range(choose.draw(st.integers(1, 4))):
        at = choose.draw(st.integers(0, len(data) - 1))
        new = choose.draw(st.binary(max_size=9))
        data[at : at + choose.draw(st.sampled_from([0, len(new)]))] = new
    use(bytes(data))


@settings(max_examples=100)
@given(st.binary(max_size=400), st.booleans())
def test_any_bytes_behind_the_magic_give_a_typed_error(data: bytes, machine):
    use(b"QEVM" + u32(3) + (b"\x07" + u32(2) + b"pc" if machine else b"") + data)


@settings(max_examples=60)
@given(st.data())
def test_any_bytes_in_the_head_of_a_mapped_ram_stream_give_a_result_or_a_typed_error(
    choose: st.DataObject,
):
    data = bytearray(mapped_stream({}))
    at = choose.draw(st.integers(0, 200))
    new = choose.draw(st.binary(min_size=1, max_size=9))
    data[at : at + len(new)] = new
    use(bytes(data))


RAM_START = Recipe().head() + header(1, RAM_ID, "ram", 0, 4)
ZERO = u64(0x22) + b"\0"
WHOLE = RAM_START + u64(BLOCKS["pc.ram"] | 4) + str8("pc.ram") + u64(BLOCKS["pc.ram"]) + EOS
PART = WHOLE + footer(RAM_ID) + b"\x02" + u32(RAM_ID) + u64(2) + str8("pc.ram") + b"\0"
COUNTS = {
    "a block list of 2^52 entries": RAM_START + u64(1 << 63 | 4) + (str8("b") + u64(0)) * 1000,
    "blocks without length": RAM_START
    + u64(PAGE | 4)
    + b"".join(str8(f"{number}") + u64(0) for number in range(100_000)),
    "a block of 2^62 bytes": RAM_START
    + (u64(1 << 62 | 4) + str8("pc.ram") + u64(1 << 62) + EOS + footer(RAM_ID))
    + (b"\x03" + u32(RAM_ID) + EOS + footer(RAM_ID))
    + Recipe().tail(),
    "a description of 4 GiB": Recipe(described=False).build() + b"\x06" + u32(0xFFFFFFFF) + b"{",
    "a command beyond the end": Recipe().head() + b"\x08" + u16(1) + u16(0xFFFF),
    "a million commands": WHOLE + footer(RAM_ID) + (b"\x08" + u16(1) + u16(0)) * 1_000_000,
    "commands between parts": PART + EOS + footer(RAM_ID) + (b"\x08" + u32(1 << 16)) * 500_000,
    "a hundred thousand early sections": Recipe(described=False).head()
    + b"".join(header(4, n, "e") + footer(n) for n in range(100_000)),
    "a name of 2^32 bytes": b"QEVM" + u32(3) + b"\x07" + u32(0xFFFFFFFF),
    "headers like grains of sand": Recipe(described=False).head()
    + Recipe().ram()
    + (footer(10) + header(4, 10, "x")) * 200_000,
    "compressed page of 4 GiB": PART + u64(0x120) + u32(0xFFFFFFFF),
    "storage attributes of 2^64 bytes": Recipe().head()
    + header(1, 3, "s390-storage_attributes", 0, 0)
    + u64(2)
    + u64((1 << 64) - 1),
    "zero pages in falling order": PART
    + b"".join(u64(page * PAGE | 0x22) + b"\0" for page in range(200_000, 0, -1)),
}


@pytest.mark.parametrize("data", COUNTS.values(), ids=COUNTS)
def test_absurd_counts_cost_no_more_memory_than_the_file_is_worth(data: bytes):
    tracemalloc.start()
    try:
        use(data)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 24 * len(data) + 60 * MIB


def test_a_description_at_the_limit_costs_bounded_memory():
    devices = b'{"devices":[' + b"[]," * 250_000 + b"[]]}"
    data = Recipe(described=False).build() + b"\x06" + u32(len(devices)) + devices
    tracemalloc.start()
    try:
        use(data)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 64 * MIB


def test_a_long_chain_of_differences_is_applied_without_recursion():
    item = u64(0x60) + b"\x01" + u16(3) + b"\x01\x01x"
    end = EOS + footer(RAM_ID) + b"\x03" + u32(RAM_ID) + EOS + footer(RAM_ID)
    stream = Stream.from_bytes(PART + item * 20_000 + end + Recipe().tail())
    assert stream.ram().read("pc.ram", 0, 3) == b"\0x\0"


LONG = 1 << 40
"""Bytes of a hole; read or mapped, page by page, they would take hours."""


def file_of(path: Path, *parts: bytes | int) -> Path:
    """A file of these bytes, with holes of so many bytes between them."""
    with path.open("wb") as file:
        for part in parts:
            if isinstance(part, int):
                file.seek(part, os.SEEK_CUR)
            else:
                file.write(part)
        file.truncate(file.tell())
    return path


@pytest.mark.parametrize("real", [0, 3 << 20], ids=["holes", "zeros and holes"])
def test_a_hole_behind_a_stream_is_not_read(tmp_path: Path, real: int):
    data = Recipe().build()
    path = file_of(tmp_path / "file", data, LONG, bytes(real), LONG, bytes(real))
    with open_stream(path) as stream:
        assert len(stream.sections) == len(DEVICES)
        assert stream.remark == f"{2 * (LONG + real)} bytes follow the stream, all zero"
        stream.write(tmp_path / "new", Edits(payloads={stream.sections[0]: b"new" * 9}))
    with open_stream(tmp_path / "new") as stream:
        assert stream.payload(stream.sections[0]) == b"new" * 9
        assert stream.remark == f"{2 * (LONG + real)} bytes follow the stream, all zero"


@pytest.mark.parametrize("recipe", [Recipe(), Recipe(described=False)])
@pytest.mark.parametrize("cut", [20, 400])
def test_a_hole_behind_a_cut_stream_is_not_read(tmp_path: Path, recipe: Recipe, cut: int):
    data = recipe.build()[:-cut]
    path = file_of(tmp_path / "file", data, LONG)
    with pytest.raises(BadFooter) as caught:
        open_stream(path)
    assert "cut or damaged" in str(caught.value)
    with pytest.raises(BadFooter) as small:
        Stream.from_bytes(data + bytes(4096))
    assert str(small.value) == str(caught.value)


def with_a_hole(described: bool) -> list[bytes | int]:
    """A stream with a device whose state is mostly a hole."""
    mark = b"MARK" * 4
    device = Device("huge", mark + mark, said=LONG + len(mark) * 2)
    devices = (*DEVICES[:2], device, *DEVICES[2:])
    before, after = Recipe(devices=devices, described=described).build().split(mark * 2)
    return [before, mark, LONG, mark, after]


@pytest.mark.parametrize("described", [True, False])
def test_a_hole_in_a_device_is_refused_with_the_limit(tmp_path: Path, *, described: bool):
    path = file_of(tmp_path / "file", *with_a_hole(described))
    with pytest.raises(LimitExceeded, match=f"more than {1 << 30}") as caught:
        open_stream(path)
    assert ("the largest section, 'huge', has" in caught.value.hint) is described


def test_a_hole_between_ram_and_the_devices_is_not_searched(tmp_path: Path):
    data = Recipe().build()
    with Stream.from_bytes(data) as stream:
        begin = stream.sections[0].header
    path = file_of(tmp_path / "file", data[:begin], b"\x7e" + bytes(7), LONG, data[begin - 5 :])
    with open_stream(path) as stream, pytest.raises(BadFooter, match="device state begins at"):
        stream.ram()
