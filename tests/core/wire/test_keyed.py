"""Lists whose items start with a field that is never 0 (resources of virtio-gpu, SCSI requests)."""

from __future__ import annotations

import pytest

from virtmig.api import be16, be32, decode, encode, keyed, record, u8, wire
from virtmig.errors import LimitExceeded, OutOfRange, Truncated


@record()
class Item:
    """One."""

    key: int = wire(be32.from_(1), "never 0")
    value: int = wire(be16, "a value")


@record()
class Box:
    """Items, and a field behind them."""

    items: tuple[Item, ...] = wire(keyed(Item), "the items")
    last: int = wire(be16, "behind the list")


BOX = Box(items=(Item(key=1, value=2), Item(key=0x05000000, value=0)), last=9)
DATA = bytes.fromhex("00000001 0002 05000000 0000 00000000 0009")


def test_a_keyed_list_ends_at_the_first_zero_key() -> None:
    assert encode(BOX) == DATA
    assert decode(Box, DATA) == BOX
    assert decode(Box, bytes(6)) == Box(items=(), last=0)


@pytest.mark.parametrize("length", range(len(DATA)))
def test_every_cut_is_an_error(length: int) -> None:
    with pytest.raises(Truncated):
        decode(Box, DATA[:length])


def test_a_key_of_zero_is_not_written() -> None:
    with pytest.raises(OutOfRange, match=r"items\[0\].key.*below the limit 0x1"):
        encode(Box(items=(Item(key=0, value=1),), last=0))


def test_a_lower_bound_is_kept_both_ways() -> None:
    with pytest.raises(LimitExceeded, match="0x0 is below the limit 0x1"):
        decode(Item, bytes(6))


@record()
class Loose:
    """An item whose first field does not know that it is a key."""

    key: int = wire(be32, "a key")


@record()
class LooseBox:
    """Such items."""

    items: tuple[Loose, ...] = wire(keyed(Loose), "the items")


def test_an_item_that_would_end_the_list_is_refused() -> None:
    with pytest.raises(OutOfRange, match="would end the list"):
        encode(LooseBox(items=(Loose(key=0),)))


@record()
class Short:
    """An item whose key is one byte."""

    key: int = wire(u8.from_(1).upto(2), "1 or 2")
    value: int = wire(be16, "a value")


@record()
class ShortBox:
    """Such items."""

    items: tuple[Short, ...] = wire(keyed(Short, u8), "the items")


def test_a_key_may_be_of_another_width() -> None:
    box = ShortBox(items=(Short(key=1, value=0), Short(key=2, value=7)))
    data = bytes.fromhex("01 0000 02 0007 00")
    assert encode(box) == data
    assert decode(ShortBox, data) == box
    with pytest.raises(LimitExceeded, match=r"items\[0\].key"):
        decode(ShortBox, b"\3" + data[1:])
