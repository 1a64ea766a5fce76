"""RAM in another form is the same RAM, and all else the same bytes."""

from __future__ import annotations

import json
import tracemalloc
from pathlib import Path

import attrs
import pytest

from tests.core.containers.making import payloads
from tests.core.stream.building import (
    DEVICES,
    EOS,
    PAGE,
    RAM_ID,
    Device,
    Item,
    Recipe,
    compressed_item,
    footer,
    header,
    leb,
    noise,
    page_item,
    u32,
    u64,
    xbzrle_item,
    zero_item,
)
from virtmig.containers.bitmaps import BITMAP_CHUNK
from virtmig.containers.ramforms import ALIGNMENT, Reform
from virtmig.errors import UnsupportedContainer
from virtmig.stream.editing import Edits, replaced
from virtmig.stream.opening import Stream, open_stream
from virtmig.stream.writing import write_pieces

MAIN, VIDEO = "pc.ram", "0000:00:01.0/vga.vram"
ITEMS: dict[str, tuple[Item, ...]] = {
    "nothing but zeros": tuple(zero_item(MAIN, page, named=not page) for page in range(64)),
    "runs and gaps": (
        *(page_item(MAIN, page, noise(page), named=not page) for page in range(20)),
        *(zero_item(MAIN, page) for page in range(20, 40)),
        page_item(MAIN, 63, noise(63)),
        *(page_item(VIDEO, page, noise(page), named=page == 3) for page in range(3, 6)),
    ),
    "every encoding": (
        zero_item(MAIN, 0, 0x5A, named=True),
        compressed_item(MAIN, 1, noise(1)),
        page_item(MAIN, 2, noise(2)),
        xbzrle_item(MAIN, 2, leb(5) + leb(3) + b"new"),
        page_item(MAIN, 3, bytes(PAGE)),
    ),
    "sent again": (
        *(page_item(MAIN, page, noise(page), named=not page) for page in range(30)),
        *(page_item(MAIN, page, noise(page + 99)) for page in range(5, 9)),
        zero_item(MAIN, 12),
        page_item(MAIN, 13, noise(77)),
    ),
}


def reformed(stream: Stream, path: Path, base: int | None, edits: Edits | None = None) -> Stream:
    """The stream in the form mapped-ram to be written from `base` on, or plain if there is none."""
    new = replaced(stream.place.data, stream.layout, edits or Edits())
    reform = Reform(stream.place, stream.layout, stream.ram(), new)
    pieces = reform.plain() if base is None else reform.mapped(base)
    write_pieces(path, stream.place, [bytes(base or 0), *pieces])
    if base:
        assert not path.read_bytes()[:base].strip(b"\0")
        path.write_bytes(b"LibvirtQemudSave" + path.read_bytes()[16:])
    return Stream.from_bytes(path.read_bytes()) if not base else _behind(path, base)


def _behind(path: Path, base: int) -> Stream:
    """The stream behind so many bytes, which are made a libvirt header."""
    words = (2, base - 92, 1, 6, 0, *(0,) * 14)
    data = path.read_bytes()
    front = data[:16] + b"".join(word.to_bytes(4, "little") for word in words)
    return Stream.from_bytes(front + data[92:])


def contents(stream: Stream) -> dict[str, bytes]:
    """All of RAM."""
    return {one.name: stream.ram().read(one.name, 0, one.length) for one in stream.blocks}


@pytest.mark.parametrize("items", ITEMS.values(), ids=ITEMS)
@pytest.mark.parametrize("footers", [True, False])
def test_a_plain_stream_as_mapped_ram_and_back_is_the_same_ram(
    tmp_path: Path, items: tuple[Item, ...], footers
) -> None:
    recipe = Recipe(items=items, footers=footers, early=(Device("early", b"e" * 30),))
    plain = Stream.from_bytes(recipe.build())
    mapped = reformed(plain, tmp_path / "a", 0)
    again = reformed(mapped, tmp_path / "b", None)
    third = reformed(again, tmp_path / "c", 0)
    for stream, capabilities in ((mapped, ("mapped-ram",)), (again, ()), (third, ("mapped-ram",))):
        assert contents(stream) == contents(plain)
        assert payloads(stream) == payloads(plain)
        assert stream.configuration is not None
        assert stream.configuration.capabilities == capabilities
    assert (tmp_path / "a").read_bytes() == (tmp_path / "c").read_bytes()


def test_pages_lie_at_multiples_of_a_mebibyte_and_zeros_are_holes(tmp_path: Path) -> None:
    plain = Stream.from_bytes(Recipe(items=ITEMS["runs and gaps"]).build())
    mapped = reformed(plain, tmp_path / "a", 0)
    for block in mapped.blocks:
        assert block.mapped is not None
        assert block.mapped.pages % ALIGNMENT == 0
    assert (tmp_path / "a").stat().st_blocks * 512 < 1 << 19
    assert len(mapped.place.data) > 2 * ALIGNMENT


@pytest.mark.parametrize("base", [100, 4096, 65628, ALIGNMENT, ALIGNMENT + 1])
def test_behind_something_else_offsets_count_from_the_start_of_the_file(
    tmp_path: Path, base: int
) -> None:
    plain = Stream.from_bytes(Recipe(items=ITEMS["runs and gaps"]).build())
    mapped = reformed(plain, tmp_path / "a", base)
    assert mapped.place.at == base
    assert contents(mapped) == contents(plain)
    moved = reformed(mapped, tmp_path / "b", 0)
    assert contents(moved) == contents(plain)


def test_what_stands_between_ram_and_its_end_stays(tmp_path: Path) -> None:
    """Another live section, and a command, in the midst of RAM."""
    attributes = "s390-storage_attributes"
    start = header(1, 9, attributes, 0, 0) + u64(1) + footer(9)
    parts = b"\x02" + u32(9) + u64(0x3000 | 2) + u64(3) + b"abc" + u64(1) + footer(9)
    end = b"\x03" + u32(9) + u64(8) + u64(1) + footer(9)
    command = b"\x08\x00\x0b\x00\x00"
    recipe = Recipe(items=ITEMS["sent again"], start_extra=start, middle=parts + command + end)
    data = recipe.build()
    mapped = reformed(Stream.from_bytes(data), tmp_path / "a", 0)
    whole = (tmp_path / "a").read_bytes()
    assert whole.count(start) == 1
    assert parts + command + end + b"\x03" + u32(RAM_ID) + EOS + footer(RAM_ID) in whole
    back = reformed(mapped, tmp_path / "b", None)
    assert contents(back) == contents(Stream.from_bytes(data))
    assert parts + command + end in (tmp_path / "b").read_bytes()


def test_the_description_tells_the_capability_if_it_tells_the_configuration(
    tmp_path: Path,
) -> None:
    fields = [{"name": "len", "type": "uint32", "size": 4}]
    recipe = Recipe(items=ITEMS["sent again"])
    tree = json.loads(recipe.description()[5:])
    told = {"configuration": {"vmsd_name": "configuration", "fields": fields}, **tree}
    for separators in ((",", ":"), (", ", ": ")):
        text = json.dumps(told, separators=separators).encode()
        record = b"\x06" + u32(len(text)) + text
        data = attrs.evolve(recipe, described=False).build() + record
        mapped = reformed(Stream.from_bytes(data), tmp_path / "a", 0)
        new = json.loads((tmp_path / "a").read_bytes().rpartition(b"\x06")[2][4:])
        (subsection,) = new["configuration"].pop("subsections")
        assert subsection["vmsd_name"] == "configuration/capabilities"
        assert new == told
        reformed(mapped, tmp_path / "b", None)
        assert (tmp_path / "b").read_bytes().endswith(record)


def test_edits_are_made_on_the_way(tmp_path: Path) -> None:
    recipe = Recipe(items=ITEMS["sent again"], early=(Device("early", b"e" * 30),))
    plain = Stream.from_bytes(recipe.build())
    early, blk = plain.sections[0], plain.sections[4]
    edits = Edits(
        payloads={early: b"another length", blk: b"x" * 999},
        idstrs={blk: "0000:00:1e.0/virtio-blk"},
        machine="pc-q35-9.2",
    )
    mapped = reformed(plain, tmp_path / "a", 0, edits)
    assert contents(mapped) == contents(plain)
    assert mapped.machine == "pc-q35-9.2"
    expected = [b"another length", *(one.payload for one in DEVICES)]
    expected[4] = b"x" * 999
    assert payloads(mapped) == expected
    assert mapped.sections[4].idstr == "0000:00:1e.0/virtio-blk"


def test_page_sizes_of_postcopy_are_left_out_as_mapped_ram_has_none(tmp_path: Path) -> None:
    recipe = Recipe(items=ITEMS["runs and gaps"])
    data = recipe.build()
    for name, size in recipe.blocks.items():
        entry = bytes([len(name)]) + name.encode() + u64(size)
        data = data.replace(entry, entry + u64(2 << 20), 1)
    plain = Stream.from_bytes(data)
    assert contents(reformed(plain, tmp_path / "a", 0)) == contents(plain)


REFUSED = {
    "shared": (Recipe(capabilities=("x-ignore-shared",)), "x-ignore-shared"),
    "old machine": (Recipe(machine="", footers=False), "up to 2.3"),
    "unknown capability": (Recipe(capabilities=("new-form",)), "not known"),
    "more than there is": (Recipe(blocks={MAIN: 1 << 52}), "bytes of RAM"),
    "half a page": (Recipe(blocks={MAIN: PAGE + 96, VIDEO: PAGE - 96}), "a part of a page"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_cannot_be_in_the_other_form_is_refused_with_the_reason(
    tmp_path: Path, name: str
) -> None:
    recipe, reason = REFUSED[name]
    with pytest.raises(UnsupportedContainer, match=reason):
        reformed(Stream.from_bytes(attrs.evolve(recipe, items=()).build()), tmp_path / "a", 0)
    assert not (tmp_path / "a").exists()


def test_a_block_of_a_tebibyte_takes_no_room_but_for_its_pages(tmp_path: Path) -> None:
    """With pages at the edges of what is looked at at once."""
    last = (1 << 40) // PAGE - 1
    edge = BITMAP_CHUNK * 8
    pages = (0, 5, edge - 1, edge, 3 * edge + 7, last)
    items = tuple(page_item(MAIN, page, noise(page), named=not page) for page in pages)
    plain = Stream.from_bytes(Recipe(blocks={MAIN: 1 << 40}, items=items).build())
    reform = Reform(plain.place, plain.layout, plain.ram())
    tracemalloc.start()
    write_pieces(tmp_path / "a", plain.place, reform.mapped(0))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 8 << 20
    assert (tmp_path / "a").stat().st_blocks * 512 < 1 << 20
    with open_stream(tmp_path / "a") as mapped:
        assert all(mapped.ram().read(MAIN, page * PAGE, PAGE) == noise(page) for page in pages)
        bits = mapped.blocks[0].mapped
        assert bits is not None
        raw = mapped.place.data[bits.bitmap : bits.bitmap + (1 << 40) // PAGE // 8]
        assert int.from_bytes(raw, "little").bit_count() == len(pages)


@pytest.mark.parametrize("told", ["5", "[]", '{"subsections": 5}', '{"subsections": [5]}'])
def test_a_description_of_another_make_stays_as_it_is(tmp_path: Path, told: str) -> None:
    recipe = Recipe(items=ITEMS["sent again"])
    text = recipe.description()[5:].replace(b"{", b'{"configuration":%s,' % told.encode(), 1)
    record = b"\x06" + u32(len(text)) + text
    data = attrs.evolve(recipe, described=False).build() + record
    reformed(Stream.from_bytes(data), tmp_path / "a", 0)
    assert (tmp_path / "a").read_bytes().endswith(record)


def test_a_stream_whose_pages_went_elsewhere_is_refused(tmp_path: Path) -> None:
    recipe = Recipe(blocks={MAIN: 300 * PAGE}, items=(zero_item(MAIN, 7, named=True),))
    with pytest.raises(UnsupportedContainer, match="multifd"):
        reformed(Stream.from_bytes(recipe.build()), tmp_path / "a", 0)


def test_open_stream_finds_what_was_written(tmp_path: Path) -> None:
    plain = Stream.from_bytes(Recipe(items=ITEMS["every encoding"]).build())
    reformed(plain, tmp_path / "a", 0)
    with open_stream(tmp_path / "a") as stream:
        assert contents(stream) == contents(plain)
        reformed(stream, tmp_path / "b", None)
    with open_stream(tmp_path / "b") as stream:
        assert contents(stream) == contents(plain)
