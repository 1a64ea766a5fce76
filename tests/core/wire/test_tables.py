"""Tables of 1,024 slots, of which few are used: the zero tail is no part of the value."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from virtmig.errors import EncodeError, MissingFact, NotCanonical, Truncated
from virtmig.wire.codec import decode, encode
from virtmig.wire.compound import bitmap, marked, struct, table
from virtmig.wire.record import record, wire
from virtmig.wire.scope import Scope, if_set
from virtmig.wire.types import be16, be32, boolean, native64, u8

SLOTS = 64
LITTLE = Scope(facts={"host_byteorder": "little"})
BIG = Scope(facts={"host_byteorder": "big"})


@record()
class Row:
    number: int = wire(be16, "a number")
    flag: bool = wire(boolean, "0 or 1")


@record()
class Table:
    head: int = wire(u8, "a byte in front")
    rows: tuple[Row, ...] = wire(table(Row, SLOTS), "rows by index")
    last: int = wire(u8, "a byte behind")


@record()
class Numbers:
    numbers: tuple[int, ...] = wire(table(be32, SLOTS), "numbers by index")


@record()
class Limited:
    numbers: tuple[int, ...] = wire(table(be32.upto(5), SLOTS), "small numbers by index")


@record()
class Vlans:
    vlans: frozenset[int] = wire(bitmap(64), "two words of bits")


@record()
class Item:
    flag: int = wire(u8, "whether there is more")
    more: int | None = wire(be16, "there if flagged", when=if_set("flag"))


@record()
class Requests:
    requests: tuple[Item, ...] = wire(marked(Item), "a list without a count")
    last: int = wire(u8, "a byte behind it")


@given(numbers=st.lists(st.integers(0, 3) | st.integers(0, 0xFFFFFFFF), max_size=SLOTS))
def test_only_the_zero_tail_is_left_out(numbers: list[int]) -> None:
    used = len(numbers)
    while used and not numbers[used - 1]:
        used -= 1
    data = b"".join(number.to_bytes(4, "big") for number in numbers).ljust(4 * SLOTS, b"\0")
    assert decode(Numbers, data) == Numbers(numbers=tuple(numbers[:used]))
    assert encode(Numbers(numbers=tuple(numbers))) == data


@given(rows=st.lists(st.tuples(st.integers(0, 2), st.booleans()), max_size=SLOTS))
def test_a_zero_row_between_used_ones_is_kept(rows: list[tuple[int, bool]]) -> None:
    made = tuple(Row(number=number, flag=flag) for number, flag in rows)
    data = encode(Table(head=1, rows=made, last=2))
    assert len(data) == 2 + 3 * SLOTS
    found = decode(Table, data).rows
    assert made[: len(found)] == found
    assert all(row == Row(number=0, flag=False) for row in made[len(found) :])
    assert not found or found[-1] != Row(number=0, flag=False)


@pytest.mark.parametrize("used", [0, 1, 2, SLOTS - 1, SLOTS])
def test_a_table_may_be_empty_or_full(used: int) -> None:
    rows = tuple(Row(number=n + 1, flag=True) for n in range(used))
    assert decode(Table, encode(Table(head=0, rows=rows, last=0))).rows == rows


def test_a_table_has_no_more_rows_than_slots() -> None:
    rows = (Row(number=1, flag=True),) * (SLOTS + 1)
    with pytest.raises(EncodeError) as caught:
        encode(Table(head=0, rows=rows, last=0))
    assert caught.value.where.path == "rows"


def test_every_cut_of_a_table_names_its_row_and_field() -> None:
    """Even in the zero tail, which the value leaves out."""
    data = encode(Table(head=0, rows=(Row(number=1, flag=True),), last=0))
    for length in range(1, len(data) - 1):
        row, rest = divmod(length - 1, 3)
        field = "number" if rest < 2 else "flag"
        with pytest.raises(Truncated) as caught:
            decode(Table, data[:length])
        assert caught.value.where.path == f"rows[{row}].{field}"
        assert caught.value.where.offset == 1 + 3 * row + (2 if field == "flag" else 0)


def test_a_bad_row_of_a_table_is_named() -> None:
    data = bytearray(encode(Table(head=0, rows=(Row(number=1, flag=True),) * 9, last=0)))
    data[1 + 3 * 7 + 2] = 9
    with pytest.raises(NotCanonical) as caught:
        decode(Table, bytes(data))
    assert (caught.value.where.path, caught.value.where.offset) == ("rows[7].flag", 24)


def test_a_limit_holds_for_the_numbers_of_a_table() -> None:
    with pytest.raises(EncodeError) as caught:
        encode(Limited(numbers=(1, 6)))
    assert caught.value.where.path == "numbers[1]"


def test_native_numbers_in_a_table_turn_with_the_source_host() -> None:
    @record()
    class Native:
        addresses: tuple[int, ...] = wire(table(native64, 4), "addresses")

    value = Native(addresses=(0x0102030405060708,))
    assert encode(value, LITTLE)[:8] == bytes(range(8, 0, -1))
    assert encode(value, BIG)[:8] == bytes(range(1, 9))
    assert decode(Native, encode(value, BIG), BIG) == value


@given(bits=st.frozensets(st.integers(0, 63)))
def test_bit_n_lies_in_word_n_div_32_of_the_host(bits: frozenset[int]) -> None:
    words = [sum(1 << bit % 32 for bit in bits if bit // 32 == word) for word in (0, 1)]
    for scope, order in ((LITTLE, "little"), (BIG, "big")):
        data = b"".join(word.to_bytes(4, order) for word in words)  # type: ignore[arg-type]
        assert encode(Vlans(vlans=bits), scope) == data
        assert decode(Vlans, data, scope) == Vlans(vlans=bits)


@pytest.mark.parametrize("data", [bytes(8), b"\xff" * 8], ids=["none", "all"])
def test_a_bitmap_that_reads_the_same_both_ways_needs_no_byte_order(data: bytes) -> None:
    assert encode(decode(Vlans, data)) == data


def test_any_other_bitmap_needs_the_byte_order() -> None:
    with pytest.raises(MissingFact) as caught:
        decode(Vlans, b"\1" + bytes(7))
    assert caught.value.where.path == "vlans"
    with pytest.raises(MissingFact):
        encode(Vlans(vlans=frozenset({1})))


@pytest.mark.parametrize("bad", [{64}, {-1}, {5, 1000}, {"1"}, None])
def test_a_bitmap_holds_only_its_own_numbers(bad: Any) -> None:
    with pytest.raises(EncodeError) as caught:
        encode(Vlans(vlans=bad), LITTLE)
    assert caught.value.where.path == "vlans"


def test_every_cut_of_a_bitmap_is_found() -> None:
    for length in range(8):
        with pytest.raises(Truncated) as caught:
            decode(Vlans, bytes(length))
        assert (caught.value.where.path, caught.value.where.offset) == ("vlans", 0)


@pytest.mark.parametrize(
    ("items", "data"),
    [
        ((), b"\0\x09"),
        ((Item(flag=0),), b"\1\0\0\x09"),
        ((Item(flag=1, more=2), Item(flag=0)), b"\1\1\0\2\1\0\0\x09"),
    ],
)
def test_a_marked_list_has_a_byte_in_front_of_each_item(
    items: tuple[Item, ...], data: bytes
) -> None:
    value = Requests(requests=items, last=9)
    assert encode(value) == data
    assert decode(Requests, data) == value


@pytest.mark.parametrize(
    ("data", "error", "path", "offset"),
    [
        (b"", Truncated, "requests", 0),
        (b"\1\0", Truncated, "requests", 2),
        (b"\1\0\1\1\0", Truncated, "requests[1].more", 4),
        (b"\2\0\0\x09", NotCanonical, "requests", 0),
        (b"\1\0\xff", NotCanonical, "requests", 2),
        (b"\1\0\0", Truncated, "last", 3),
    ],
)
def test_errors_in_a_marked_list_name_item_or_marker(
    data: bytes, error: type[Exception], path: str, offset: int
) -> None:
    with pytest.raises(error) as caught:
        decode(Requests, data)
    where = caught.value.where  # type: ignore[attr-defined]
    assert (where.path, where.offset) == (path, offset)


def test_an_item_of_a_marked_list_that_does_not_fit_is_named() -> None:
    items = (Item(flag=0), Item(flag=1, more=1 << 16))
    with pytest.raises(EncodeError) as caught:
        encode(Requests(requests=items, last=0))
    assert caught.value.where.path == "requests[1].more"


def test_a_table_of_nested_rows_is_still_a_table() -> None:
    @record()
    class Deep:
        row: Row = wire(struct(Row), "a row inside a row")
        more: int = wire(u8, "a byte")

    @record()
    class Deeper:
        rows: tuple[Deep, ...] = wire(table(Deep, 3), "rows of rows")

    value = Deeper(rows=(Deep(row=Row(number=1, flag=True), more=2),))
    assert encode(value) == bytes([0, 1, 1, 2]) + bytes(8)
    assert decode(Deeper, encode(value)) == value
    with pytest.raises(Truncated) as caught:
        decode(Deeper, encode(value)[:10])
    assert (caught.value.where.path, caught.value.where.offset) == ("rows[2].row.flag", 10)
