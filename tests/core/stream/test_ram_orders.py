"""The RAM index under drawn orders and encodings, held against the plainest replay."""

from __future__ import annotations

import zlib

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.core.stream.building import (
    PAGE,
    Item,
    Recipe,
    compressed_item,
    content,
    index_of,
    leb,
    page_item,
    xbzrle_item,
    zero_item,
)


@st.composite
def sent_pages(draw: st.DrawFn) -> list[Item]:
    """Rows of pages of two blocks, in any order, of all kinds, with repeats."""
    items: list[Item] = []
    blocks = st.sampled_from([*Recipe().blocks])
    for _ in range(draw(st.integers(1, 12))):
        block, first = draw(blocks), draw(st.integers(0, 15))
        count = draw(st.integers(1, min(14, Recipe().blocks[block] // PAGE - first)))
        turn = len(items)
        kind = draw(st.sampled_from(["page", "zero", "fill", "deflate", "delta"]))
        step = draw(st.sampled_from([1, 1, 1, -1]))
        for page in list(range(first, first + count))[::step]:
            named = not items or items[-1].block != block or draw(st.integers(0, 9)) == 0
            items.append(make(kind, block, page, turn, named=named))
    return items


def make(kind: str, block: str, page: int, turn: int, *, named: bool) -> Item:
    if kind == "page":
        return page_item(block, page, content(page, turn), named=named)
    if kind == "deflate":
        return compressed_item(block, page, content(page, turn), named=named)
    if kind == "delta":
        return xbzrle_item(block, page, leb(page) + leb(2) + bytes([turn, page]), named=named)
    return zero_item(block, page, 0 if kind == "zero" else turn & 0xFF, named=named)


def replay(items: list[Item]) -> dict[tuple[str, int], bytes]:
    """What memory is after the items, by the plainest means."""
    memory: dict[tuple[str, int], bytes] = {}
    for item in items:
        key = (item.block, item.page)
        if item.kind == 0x08:
            memory[key] = item.data
        elif item.kind == 0x02:
            memory[key] = item.data * PAGE
        elif item.kind == 0x100:
            memory[key] = zlib.decompress(item.data[4:])
        else:
            page = bytearray(memory.get(key, bytes(PAGE)))
            page[item.page : item.page + 2] = item.data[-2:]
            memory[key] = bytes(page)
    return memory


@settings(max_examples=150)
@given(sent_pages())
def test_any_order_of_any_kinds_of_pages_is_read_back_right(items: list[Item]):
    ram = index_of(*items)
    memory = replay(items)
    for block, size in Recipe().blocks.items():
        for page in range(size // PAGE):
            expected = memory.get((block, page), bytes(PAGE))
            assert ram.read(block, page * PAGE, PAGE) == expected
