"""Trees: a be32 count and as many marked items (virtio-iommu's domains and mappings)."""

from __future__ import annotations

import pytest

from virtmig.api import be16, decode, encode, record, tree, wire
from virtmig.errors import LimitExceeded, Truncated


@record()
class Item:
    """One."""

    value: int = wire(be16, "a value")


@record()
class Box:
    """Items, and a field behind them."""

    items: tuple[Item, ...] = wire(tree(Item), "the items")
    last: int = wire(be16, "behind the tree")


BOX = Box(items=(Item(value=2), Item(value=0)), last=9)
DATA = bytes.fromhex("00000002 01 0002 01 0000 00 0009")


def test_a_tree_is_its_count_and_its_marked_items() -> None:
    assert encode(BOX) == DATA
    assert decode(Box, DATA) == BOX
    assert decode(Box, bytes(7)) == Box(items=(), last=0)


@pytest.mark.parametrize("length", range(len(DATA)))
def test_every_cut_is_an_error(length: int) -> None:
    with pytest.raises(Truncated):
        decode(Box, DATA[:length])


@pytest.mark.parametrize("count", [1, 3, 0xFFFFFFFF])
def test_a_count_that_the_list_does_not_have_is_refused(count: int) -> None:
    with pytest.raises(LimitExceeded):
        decode(Box, count.to_bytes(4, "big") + DATA[4:])
