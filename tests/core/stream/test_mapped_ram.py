"""Streams of the mapped-ram capability: pages at fixed places, and a bitmap of those there are."""

from __future__ import annotations

import attrs
import pytest

from tests.core.stream.building import (
    DEVICES,
    EOS,
    PAGE,
    RAM_ID,
    Recipe,
    footer,
    header,
    noise,
    str8,
    u32,
    u64,
)
from virtmig.errors import BadFooter, VirtmigError
from virtmig.stream.opening import Stream

ALIGNMENT = 1 << 20
RECIPE = Recipe(capabilities=("mapped-ram",))
SIZES = {"pc.ram": 100 * PAGE, "0000:00:01.0/vga.vram": 3 * PAGE}


def mapped_stream(
    present: dict[str, dict[int, bytes]],
    *,
    shared: bool = False,
    page_size: int = PAGE,
    recipe: Recipe = RECIPE,
) -> bytes:
    """A stream with those pages of each block."""
    if shared:
        recipe = attrs.evolve(recipe, capabilities=("x-ignore-shared", "mapped-ram"))
    early = b"".join(recipe.section(device, 3 + n) for n, device in enumerate(recipe.early))
    data = bytearray(recipe.head() + early + header(1, RAM_ID, "ram", 0, 4))
    data += u64(sum(SIZES.values()) | 4)
    for name, size in SIZES.items():
        pages = present.get(name, {})
        data += str8(name) + u64(size) + (u64(0) if shared else b"")
        bitmap = len(data) + 28
        start = -(-(bitmap + -(-size // PAGE // 64) * 8) // ALIGNMENT) * ALIGNMENT
        data += u32(1) + u64(page_size) + u64(bitmap) + u64(start)
        bits = sum(1 << page for page in pages)
        data += bits.to_bytes(-(-size // PAGE // 64) * 8, "little")
        data += bytes(start + size - len(data))
        for page, content in pages.items():
            data[start + page * PAGE : start + (page + 1) * PAGE] = content
    data += EOS + footer(RAM_ID) + b"\x03" + u32(RAM_ID) + EOS + footer(RAM_ID)
    return bytes(data) + recipe.tail()


@pytest.mark.parametrize("shared", [False, True])
def test_pages_that_are_present_are_read_and_the_others_are_zero(shared):
    pages = {page: noise(page) for page in (0, 7, 8, 63, 64, 99)}
    data = mapped_stream({"pc.ram": pages}, shared=shared)
    ram = Stream.from_bytes(data).ram()
    for page in range(100):
        assert ram.read("pc.ram", page * PAGE, PAGE) == pages.get(page, bytes(PAGE))
    assert ram.holds("pc.ram")
    assert ram.run_count == 0


def test_a_page_whose_bit_is_not_set_is_zero_whatever_lies_in_its_place():
    data = bytearray(mapped_stream({"pc.ram": {5: noise(5)}}))
    bitmap = Stream.from_bytes(bytes(data)).blocks[0].mapped
    assert bitmap is not None
    data[bitmap.bitmap] = 0
    assert Stream.from_bytes(bytes(data)).ram().read("pc.ram", 5 * PAGE, PAGE) == bytes(PAGE)


def test_the_second_block_is_found_behind_the_pages_of_the_first():
    data = mapped_stream({"0000:00:01.0/vga.vram": {2: noise(2)}})
    ram = Stream.from_bytes(data).ram()
    assert ram.read("0000:00:01.0/vga.vram", 2 * PAGE, PAGE) == noise(2)


def test_device_sections_are_found_as_ever():
    stream = Stream.from_bytes(mapped_stream({}))
    assert [stream.payload(s) for s in stream.sections] == [device.payload for device in DEVICES]


def test_a_header_of_another_page_size_or_version_is_refused():
    with pytest.raises(BadFooter, match="mapped-ram"):
        Stream.from_bytes(mapped_stream({}, page_size=8192))


@pytest.mark.parametrize("field", [12, 20])
@pytest.mark.parametrize("value", [0, 1, 1 << 40, (1 << 64) - 1])
def test_offsets_that_lead_elsewhere_are_refused(field: int, value: int):
    data = bytearray(mapped_stream({}))
    at = data.index(str8("pc.ram") + u64(SIZES["pc.ram"])) + 15 + field
    data[at : at + 8] = u64(value)
    with pytest.raises(VirtmigError):
        Stream.from_bytes(bytes(data)).ram().read("pc.ram", 0, 1)
