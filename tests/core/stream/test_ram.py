"""The RAM index: whatever the order, the encoding and the block, the page that was sent last."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.core.stream.building import (
    DEVICES,
    EOS,
    PAGE,
    RAM_ID,
    Item,
    Recipe,
    compressed_item,
    content,
    footer,
    header,
    index_of,
    leb,
    noise,
    page_item,
    str8,
    u32,
    u64,
    xbzrle_item,
    zero_item,
)
from virtmig.errors import (
    BadFooter,
    GuestMemoryError,
    LimitExceeded,
    UnsupportedContainer,
    VirtmigError,
)
from virtmig.stream.opening import Stream, open_stream

MAIN = "pc.ram"
PAGES = 64


def run(pages: list[int], turn: int = 0, block: str = MAIN) -> list[Item]:
    """Plain pages, the first with the block's name."""
    return [
        page_item(block, page, content(page, turn), named=number == 0)
        for number, page in enumerate(pages)
    ]


def test_pages_are_read_back_as_they_were_sent():
    ram = index_of(*run([*range(40)]))
    assert ram.read(MAIN, 0, 40 * PAGE) == b"".join(map(content, range(40)))


def test_a_read_may_begin_and_end_inside_pages():
    ram = index_of(*run([3, 4]))
    assert ram.read(MAIN, 4 * PAGE - 5, 9) == content(3)[-5:] + content(4)[:4]


def test_consecutive_pages_make_one_run_and_a_gap_makes_another():
    ram = index_of(*run([*range(20), *range(30, 50)]))
    assert ram.run_count < 8
    assert ram.read(MAIN, 35 * PAGE, PAGE) == content(35)


def test_a_page_that_was_never_sent_is_zero():
    ram = index_of(*run([1]))
    assert ram.read(MAIN, 5 * PAGE, 10) == bytes(10)


def test_a_zero_page_has_the_fill_byte_that_was_sent():
    items = (zero_item(MAIN, 0, named=True), zero_item(MAIN, 1, 0x5A), zero_item(MAIN, 2))
    assert index_of(*items).read(MAIN, PAGE - 1, PAGE + 2) == b"\0" + b"\x5a" * PAGE + b"\0"


def test_a_filled_page_among_zero_pages_keeps_its_fill_byte():
    items = [zero_item(MAIN, page, 0x11 if page == 6 else 0) for page in range(12)]
    ram = index_of(zero_item(MAIN, 20, named=True), *items)
    assert ram.read(MAIN, 6 * PAGE - 1, PAGE + 2) == b"\0" + b"\x11" * PAGE + b"\0"


def test_a_page_that_was_sent_again_has_its_last_content():
    items = [*run([*range(30)]), *run([5, 6, 20], 1), *run([6], 2), zero_item(MAIN, 20)]
    ram = index_of(*items)
    expected = {5: content(5, 1), 6: content(6, 2), 7: content(7), 20: bytes(PAGE)}
    assert {page: ram.read(MAIN, page * PAGE, PAGE) for page in expected} == expected


def test_shuffled_addresses_in_one_unbroken_row_are_each_indexed_right():
    """Nothing but the address tells these apart from a run of consecutive pages."""
    pages = sorted(range(PAGES), key=noise)
    ram = index_of(*run(pages))
    for page in pages:
        assert ram.read(MAIN, page * PAGE, PAGE) == content(page)


@pytest.mark.parametrize("odd", [1, 15, 16, 31, 32, 62])
def test_one_wrong_address_in_a_long_run_is_noticed(odd: int):
    pages = [*range(PAGES)]
    pages[odd] = 0
    ram = index_of(*run(pages))
    assert ram.read(MAIN, 0, PAGE) == content(0)
    assert ram.read(MAIN, odd * PAGE, PAGE) == bytes(PAGE)
    assert ram.read(MAIN, 63 * PAGE, PAGE) == content(63)


@pytest.mark.parametrize("stride", [16, 256, 4096, 1 << 16])
def test_addresses_that_differ_in_higher_bytes_only_are_not_taken_for_a_run(stride: int):
    """The low bytes go on as if the pages were consecutive; a higher one jumps."""
    pages = [*range(8), *(page + stride for page in range(8, 16)), *range(16, 24)]
    blocks = {MAIN: ((1 << 17) + 64) * PAGE}
    ram = index_of(*run(pages), recipe=Recipe(blocks=blocks))
    for page in pages:
        assert ram.read(MAIN, page * PAGE, PAGE) == content(page)
    assert ram.read(MAIN, 9 * PAGE, PAGE) == bytes(PAGE)


def test_runs_longer_than_a_region_are_whole():
    """Zero pages, since they are small: 40 MiB of them, with one full page in their midst."""
    count = 10_000
    items = [zero_item(MAIN, page) for page in range(count)]
    items[0] = zero_item(MAIN, 0, named=True)
    items[7000] = page_item(MAIN, 7000, content(7000))
    ram = index_of(*items, recipe=Recipe(blocks={MAIN: count * PAGE}))
    assert ram.run_count < 50
    assert ram.read(MAIN, 7000 * PAGE - 1, PAGE + 2) == b"\0" + content(7000) + b"\0"


def test_a_mapped_file_is_indexed_like_bytes_in_memory(tmp_path: Path):
    """Large enough for the walk to hand parts of the file back to the kernel on its way."""
    count = 24 * 256
    recipe = Recipe(blocks={MAIN: count * PAGE}, items=tuple(run([*range(count)])))
    (tmp_path / "a.mig").write_bytes(recipe.build())
    with open_stream(tmp_path / "a.mig") as stream:
        for page in (0, 1, 2000, 4095, 4096, count - 1):
            assert stream.ram().read(MAIN, page * PAGE, PAGE) == content(page)


def test_page_data_that_looks_like_headers_is_not_taken_for_headers():
    """A guest can fill its memory with end marks, names and page headers."""
    trap = (EOS + footer(RAM_ID) + b"\x03" + u32(RAM_ID) + u64(0x3000 | 0x28)) * 200
    items = [page_item(MAIN, page, trap[page : page + PAGE]) for page in range(32)]
    items[0] = page_item(MAIN, 0, trap[:PAGE], named=True)
    ram = index_of(*items)
    assert ram.read(MAIN, 3 * PAGE, PAGE) == trap[3 : 3 + PAGE]


@pytest.mark.parametrize("page_size", [1024, 2048, 4096, 8192, 16384, 65536])
def test_other_page_sizes_work_the_same(page_size: int):
    pages = [*range(20), 40, 41, 21]
    items = tuple(
        page_item(MAIN, page, content(page, size=page_size), named=number == 0)
        for number, page in enumerate(pages)
    )
    recipe = Recipe(page_size=page_size, blocks={MAIN: page_size * PAGES}, items=items)
    ram = Stream.from_bytes(recipe.build()).ram()
    for page in pages:
        assert ram.read(MAIN, page * page_size, page_size) == content(page, size=page_size)


def test_items_go_on_with_the_same_block_in_the_next_section():
    items = (page_item(MAIN, 0, content(0), named=True), page_item(MAIN, 1, content(1)))
    assert index_of(*items).read(MAIN, 0, 2 * PAGE) == content(0) + content(1)


def test_compressed_pages_are_inflated():
    items = (
        compressed_item(MAIN, 0, b"abcd" * 1024, named=True),
        compressed_item(MAIN, 1, content(1)),
    )
    assert index_of(*items).read(MAIN, 0, 2 * PAGE) == b"abcd" * 1024 + content(1)


def test_differences_are_applied_to_what_the_page_was_before():
    first = leb(5) + leb(3) + b"XYZ" + leb(300) + leb(2) + b"!!"
    second = leb(0) + leb(1) + b"_"
    items = [
        *run([0, 1, 2]),
        xbzrle_item(MAIN, 1, first),
        *run([2], 1),
        xbzrle_item(MAIN, 1, second),
    ]
    expected = bytearray(content(1))
    expected[5:8], expected[308:310], expected[0:1] = b"XYZ", b"!!", b"_"
    assert index_of(*items).read(MAIN, PAGE, PAGE) == expected


def test_a_difference_to_a_page_never_sent_is_one_to_zeros():
    items = (zero_item(MAIN, 0, named=True), xbzrle_item(MAIN, 9, leb(1) + leb(1) + b"x"))
    assert index_of(*items).read(MAIN, 9 * PAGE, 3) == b"\0x\0"


@pytest.mark.parametrize(
    "delta",
    [leb(4095) + leb(2) + b"ab", leb(0) + leb(9) + b"a", leb(16383) + leb(1) + b"a", b"\x80"],
)
def test_a_difference_that_does_not_fit_its_page_is_refused(delta: bytes):
    ram = index_of(*run([0]), xbzrle_item(MAIN, 0, delta))
    with pytest.raises(VirtmigError):
        ram.read(MAIN, 0, 1)


@pytest.mark.parametrize("packed", [b"not zlib", b"\x78\x9c\x03\x00\x00\x00\x00\x01"])
def test_a_compressed_page_that_is_damaged_is_refused(packed: bytes):
    ram = index_of(*run([0]), Item(MAIN, 1, 0x100, u32(len(packed)) + packed))
    with pytest.raises(BadFooter, match="compressed page"):
        ram.read(MAIN, PAGE, 1)


def test_a_compressed_page_does_not_unpack_to_more_than_a_page():
    ram = index_of(*run([0]), compressed_item(MAIN, 1, bytes(50 << 20)))
    assert ram.read(MAIN, PAGE, PAGE) == bytes(PAGE)


def test_flushes_of_multifd_are_passed_over_and_say_that_pages_are_elsewhere():
    """Behind the list and behind pages. A page may have been sent here, and again elsewhere."""
    data = Recipe(items=(*run([0]), *run([1]))).build()
    for next_record in (b"\x02", b"\x03"):
        end = EOS + footer(RAM_ID) + next_record
        data = data.replace(end, u64(0x200) + end, 1)
    stream = Stream.from_bytes(data)
    assert [stream.payload(one) for one in stream.sections] == [one.payload for one in DEVICES]
    assert not stream.ram().holds(MAIN)
    with pytest.raises(GuestMemoryError, match=r"multifd.*other channels"):
        stream.ram().read(MAIN, PAGE, PAGE)


def test_a_guest_of_which_only_zero_pages_were_sent_has_its_ram_elsewhere():
    """As QEMU up to 8.0 writes the main channel of a multifd migration."""
    recipe = Recipe(blocks={MAIN: 300 * PAGE}, items=(zero_item(MAIN, 7, named=True),))
    ram = Stream.from_bytes(recipe.build()).ram()
    assert "multifd" in ram.why_absent(MAIN)


@pytest.mark.parametrize(
    ("items", "error"),
    [
        ((page_item(MAIN, 0, bytes(PAGE)),), BadFooter),
        ((page_item("nobody", 0, bytes(PAGE), named=True),), BadFooter),
        ((page_item(MAIN, PAGES, bytes(PAGE), named=True),), BadFooter),
        ((Item(MAIN, 0, 0x80, b"", named=True),), UnsupportedContainer),
        ((Item(MAIN, 0, 0x01, b"", named=True),), BadFooter),
        ((Item(MAIN, 0, 0x0A, b"", named=True),), BadFooter),
    ],
    ids=["no block", "unknown block", "beyond the end", "RDMA", "unknown flag", "two kinds"],
)
def test_items_that_cannot_be_are_refused(items: tuple[Item, ...], error: type[VirtmigError]):
    with pytest.raises(error):
        index_of(*items)


@pytest.mark.parametrize(
    ("offset", "size"), [(-1, 4), (PAGES * PAGE - 3, 4), (0, -1), (1 << 70, 1)]
)
def test_a_read_outside_the_block_is_refused(offset: int, size: int):
    with pytest.raises(GuestMemoryError):
        index_of(*run([0])).read(MAIN, offset, size)


def test_a_read_of_an_unknown_block_is_refused():
    with pytest.raises(GuestMemoryError, match="nobody"):
        index_of(*run([0])).read("nobody", 0, 1)


def test_a_block_left_out_by_ignore_shared_is_not_taken_for_zeros():
    recipe = Recipe(capabilities=("x-ignore-shared",))
    ram = index_of(zero_item("0000:00:01.0/vga.vram", 0, named=True), recipe=recipe)
    assert ram.holds("0000:00:01.0/vga.vram")
    assert not ram.holds(MAIN)
    with pytest.raises(GuestMemoryError, match="not in the stream"):
        ram.read(MAIN, 0, 1)


def test_huge_page_sizes_that_postcopy_adds_to_the_list_are_passed_over():
    class WithPageSize(Recipe):
        def block(self, name: str, size: int) -> bytes:
            return str8(name) + u64(size) + (u64(1 << 21) if name == MAIN else b"")

    assert Stream.from_bytes(WithPageSize().build()).ram().read(MAIN, 0, 1) == b"A"


@pytest.mark.parametrize("extra", [u64(0), u64(3 << 20), u64(1 << 50)])
def test_what_is_no_page_size_is_not_passed_over_in_the_list(extra: bytes):
    class WithMore(Recipe):
        def block(self, name: str, size: int) -> bytes:
            return str8(name) + u64(size) + extra

    with pytest.raises(VirtmigError):
        Stream.from_bytes(WithMore().build())


def test_block_lists_that_lie_are_refused():
    total = sum(Recipe().blocks.values())
    data = Recipe().build()
    for wrong in (total - PAGE, total + PAGE, 1 << 62):
        with pytest.raises(VirtmigError):
            Stream.from_bytes(data.replace(u64(total | 4), u64(wrong | 4), 1))


def test_a_block_list_without_end_is_refused():
    start = header(1, RAM_ID, "ram", 0, 4) + u64(0x1000 | 4)
    names = b"".join(str8(f"{number:06}") + u64(0) for number in range(70_000))
    with pytest.raises(LimitExceeded):
        Stream.from_bytes(Recipe().head() + start + names)


def test_two_blocks_of_one_name_are_refused():
    data = Recipe().build().replace(b"vga.vram", b"vga.vrax")
    twice = data.replace(str8("0000:00:01.0/vga.vrax"), str8(MAIN), 1)
    with pytest.raises(BadFooter, match="two RAM blocks"):
        Stream.from_bytes(twice)
