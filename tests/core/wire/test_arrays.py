"""Values whose length is a count, a sibling or a computation."""

from __future__ import annotations

import re
import tracemalloc
from typing import Any

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from virtmig.errors import (
    ConditionMismatch,
    CountMismatch,
    EncodeError,
    LimitExceeded,
    NotCanonical,
    OutOfRange,
    Truncated,
)
from virtmig.wire.codec import decode, encode
from virtmig.wire.compound import array, buffer, struct
from virtmig.wire.record import record, wire
from virtmig.wire.scope import Scope, Seen, if_fact, if_set
from virtmig.wire.types import be16, be32, boolean, le16, raw, u8


def _half(_: Scope, seen: Seen) -> int:
    """size / 2"""
    return int(seen["size"]) // 2


def _minus_one(_: Scope, seen: Seen) -> int:
    """size - 1"""
    return int(seen["size"]) - 1


@record()
class Row:
    number: int = wire(be16, "a number")
    flag: bool = wire(boolean, "0 or 1")


@record()
class Ragged:
    flag: int = wire(u8, "whether there is more")
    more: int | None = wire(be16, "there if flagged", when=if_set("flag"))


@record()
class Mixed:
    little: int = wire(le16, "a little endian number")
    big: int = wire(be16, "a big endian number")


def counted(kind: Any) -> Any:
    """A record with a 32-bit count, what it counts, and a byte behind it."""

    @record()
    class Counted:
        size: int = wire(be32, "how many")
        data: Any = wire(kind, "what is counted")
        last: int = wire(u8, "a byte behind it")

    return Counted


ROWS = {
    "bytes": (buffer("size"), b"\1\2\3", b"\1\2\3", 3),
    "u8": (array(u8, "size"), (1, 2), b"\1\2", 2),
    "be16": (array(be16, "size"), (1, 2), b"\0\1\0\2", 2),
    "limited": (array(be16.upto(5), "size"), (1, 5), b"\0\1\0\5", 2),
    "booleans": (array(boolean, "size"), (True, False), b"\1\0", 2),
    "addresses": (array(raw(2), "size"), (b"ab", b"cd"), b"abcd", 2),
    "rows": (
        array(Row, "size"),
        (Row(number=1, flag=True), Row(number=2, flag=False)),
        b"\0\1\1\0\2\0",
        2,
    ),
    "ragged": (array(Ragged, "size"), (Ragged(flag=0), Ragged(flag=1, more=2)), b"\0\1\0\2", 2),
    "mixed": (array(Mixed, "size"), (Mixed(little=1, big=2),), b"\1\0\0\2", 1),
    "computed": (array(u8, _half), (1, 2), b"\1\2", 4),
    "computed bytes": (buffer(_half), b"\1\2", b"\1\2", 5),
}
kinds = pytest.mark.parametrize(("kind", "value", "data", "size"), ROWS.values(), ids=ROWS)


@kinds
def test_counted_values_lie_back_to_back(kind: Any, value: Any, data: bytes, size: int) -> None:
    cls = counted(kind)
    whole = cls(size=size, data=value, last=9)
    expected = size.to_bytes(4, "big") + data + b"\x09"
    assert encode(whole) == expected
    assert decode(cls, expected) == whole


@kinds
def test_every_cut_of_a_counted_value_lies_inside_it(
    kind: Any, value: Any, data: bytes, size: int
) -> None:
    cls = counted(kind)
    whole = encode(cls(size=size, data=value, last=9))
    for length in range(4, len(whole) - 1):
        with pytest.raises(Truncated) as caught:
            decode(cls, whole[:length])
        assert caught.value.where.path.split("[")[0].split(".")[0] == "data"
        assert caught.value.where.offset is not None
        assert 4 <= caught.value.where.offset <= length


@kinds
@pytest.mark.parametrize("count", [0xFFFFFFFF, 0x7FFFFFFF, 1 << 20])
def test_a_hostile_count_dies_at_the_bytes_that_are_missing(
    kind: Any, value: Any, data: bytes, size: int, count: int
) -> None:
    """And it costs nothing: no memory is set aside for what is not there."""
    cls = counted(kind)
    hostile = count.to_bytes(4, "big") + data
    tracemalloc.start()
    with pytest.raises(Truncated) as caught:
        decode(cls, hostile)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert caught.value.where.path.startswith("data")
    assert peak < 100_000


@kinds
def test_a_count_that_does_not_count_its_items_is_refused(
    kind: Any, value: Any, data: bytes, size: int
) -> None:
    cls = counted(kind)
    for wrong in (0, size + 2, 0xFFFFFFFF):
        with pytest.raises(CountMismatch) as caught:
            encode(cls(size=wrong, data=value, last=9))
        assert caught.value.where.path == "data"
        assert str(len(value)) in caught.value.reason


def test_a_computed_count_is_never_negative() -> None:
    """virtio-net counts pairs minus one, and a stream may say that there are none."""
    cls = counted(array(be32, _minus_one))
    assert decode(cls, bytes(5)) == cls(size=0, data=(), last=0)
    assert encode(cls(size=0, data=(), last=0)) == bytes(5)


def test_a_count_that_is_a_number_is_not_on_the_wire() -> None:
    @record()
    class Three:
        data: tuple[int, ...] = wire(array(be16, 3), "three numbers")

    assert encode(Three(data=(1, 2, 3))) == bytes([0, 1, 0, 2, 0, 3])
    with pytest.raises(CountMismatch):
        encode(Three(data=(1, 2)))


@pytest.mark.parametrize(
    ("kind", "data", "error", "path", "offset"),
    [
        (array(be16.upto(5), "size"), b"\0\1\0\6\0\7", LimitExceeded, "data[1]", 6),
        (array(boolean, "size"), b"\0\1\2", NotCanonical, "data[2]", 6),
        (array(Row, "size"), b"\0\0\1\0\0\2\0\0\2", NotCanonical, "data[1].flag", 9),
        (array(struct(Row), "size"), b"\0\0\1\0\0\1\0", Truncated, "data[2].number", 10),
        (array(Ragged, "size"), b"\0\1\0", Truncated, "data[1].more", 6),
        (array(Mixed, "size"), b"\0\0\0\0\0\0\0", Truncated, "data[1].big", 10),
        (array(be16, "size"), b"\0\0\0", Truncated, "data[1]", 6),
    ],
    ids=["limit", "boolean", "row", "cut row", "cut ragged", "cut mixed", "cut scalar"],
)
def test_errors_in_an_array_name_the_item(
    kind: Any, data: bytes, error: type[Exception], path: str, offset: int
) -> None:
    with pytest.raises(error) as caught:
        decode(counted(kind), b"\0\0\0\3" + data)
    where = caught.value.where  # type: ignore[attr-defined]
    assert (where.path, where.offset) == (path, offset)


@pytest.mark.parametrize(
    ("kind", "value", "path"),
    [
        (array(be16, "size"), (1, 0x10000, 3), "data[1]"),
        (array(be16, "size"), (1, 2, "3"), "data[2]"),
        (array(be16.upto(5), "size"), (6, 1, 1), "data[0]"),
        (
            array(Row, "size"),
            (Row(number=1, flag=True),) * 2 + (Row(number=-1, flag=True),),
            "data[2].number",
        ),
        (array(Row, "size"), (Row(number=1, flag=True), None, None), "data[1]"),
        (array(Row, "size"), (None, None, None), "data[0]"),
        (
            array(Ragged, "size"),
            (Ragged(flag=0),) * 2 + (Ragged(flag=1, more=70000),),
            "data[2].more",
        ),
        (buffer("size"), "abc", "data"),
        (buffer("size"), (1, 2, 300), "data"),
        (buffer("size"), None, "data"),
    ],
)
def test_items_that_do_not_fit_are_named(kind: Any, value: Any, path: str) -> None:
    with pytest.raises(OutOfRange) as caught:
        encode(counted(kind)(size=3, data=value, last=0))
    assert caught.value.where.path == path


def test_rows_of_another_record_are_refused_even_if_all_are() -> None:
    @record()
    class Twin:
        number: int = wire(be16, "a number")
        flag: bool = wire(boolean, "0 or 1")

    cls = counted(array(Row, "size"))
    with pytest.raises(OutOfRange) as caught:
        encode(cls(size=2, data=(Twin(number=1, flag=True),) * 2, last=0))
    assert caught.value.where.path.startswith("data")


@record()
class Widening:
    number: int = wire(u8, "a number")
    extra: int | None = wire(u8, "there by a fact", when=if_fact("wide"))


@pytest.mark.parametrize(
    "extras", [(None, None), (2, None), (None, 2)], ids=["none", "first only", "second only"]
)
def test_all_rows_of_an_array_have_the_fields_that_a_fact_gives_them(
    extras: tuple[int | None, ...],
) -> None:
    """Rows without them could not be told from the others when they are read back."""
    cls = counted(array(Widening, "size"))
    rows = tuple(Widening(number=1, extra=extra) for extra in extras)
    with pytest.raises(EncodeError) as caught:
        encode(cls(size=2, data=rows, last=0), Scope(facts={"wide": True}))
    assert re.fullmatch(r"data\[[01]\]\.extra", caught.value.where.path)


def test_no_row_of_an_array_has_a_field_that_a_fact_takes_away() -> None:
    cls = counted(array(Widening, "size"))
    rows = (Widening(number=1, extra=1), Widening(number=1, extra=2))
    with pytest.raises(ConditionMismatch) as caught:
        encode(cls(size=2, data=rows, last=0), Scope(facts={"wide": False}))
    assert re.fullmatch(r"data\[[01]\]\.extra", caught.value.where.path)


@given(numbers=st.lists(st.tuples(st.integers(0, 0xFFFF), st.booleans()), max_size=20))
def test_rows_read_at_once_equal_rows_read_one_by_one(numbers: list[tuple[int, bool]]) -> None:
    rows = tuple(Row(number=number, flag=flag) for number, flag in numbers)
    cls = counted(array(Row, "size"))
    whole = cls(size=len(rows), data=rows, last=1)
    data = encode(whole)
    assert data[4:-1] == b"".join(map(encode, rows))
    assert decode(cls, data) == whole
    singly = [decode(Row, data[at : at + 3]) for at in range(4, len(data) - 1, 3)]
    assert tuple(singly) == rows


def test_evolving_a_record_does_not_touch_its_counts() -> None:
    """A stream may lie about a count; a tool must be able to show it, and not to write it."""
    cls = counted(buffer("size"))
    lying = attrs.evolve(cls(size=3, data=b"abc", last=0), data=b"abcd")
    assert lying.size == 3
    with pytest.raises(CountMismatch, match="4 given, 3 counted"):
        encode(lying)


def test_items_without_bytes_cannot_be_counted_for_ever() -> None:
    """A count of a million of them would cost no byte of the stream."""

    @record()
    class Empty:
        """Nothing."""

    with pytest.raises(Truncated) as caught:
        decode(counted(array(Empty, "size")), (1 << 20).to_bytes(4, "big"))
    assert caught.value.where.path == "data"
