"""Neighbouring fields read and written in one go behave like one after the other."""

from __future__ import annotations

import struct
from typing import Any

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from virtmig.errors import LimitExceeded, NotCanonical, OutOfRange, Truncated
from virtmig.wire.codec import decode, encode
from virtmig.wire.compound import struct as nested
from virtmig.wire.layout import layout_of
from virtmig.wire.record import record, wire
from virtmig.wire.scope import Scope, if_fact, if_set
from virtmig.wire.types import be16, be32, be64, boolean, le16, le32, native32, raw, sbe32, u8

SCOPE = Scope(facts={"host_byteorder": "little"})
KINDS = {
    "u8": (u8, ">B", st.integers(0, 0xFF)),
    "be16": (be16, ">H", st.integers(0, 0xFFFF)),
    "be32": (be32, ">I", st.integers(0, 0xFFFFFFFF)),
    "be64": (be64, ">Q", st.integers(0, (1 << 64) - 1)),
    "sbe32": (sbe32, ">i", st.integers(-(1 << 31), (1 << 31) - 1)),
    "le16": (le16, "<H", st.integers(0, 0xFFFF)),
    "le32": (le32, "<I", st.integers(0, 0xFFFFFFFF)),
    "native32": (native32, "<I", st.integers(0, 0xFFFFFFFF)),
    "bool": (boolean, ">?", st.booleans()),
    "raw3": (raw(3), ">3s", st.binary(min_size=3, max_size=3)),
}


def made(kinds: list[str]) -> Any:
    """A record with a field `f0`, `f1`, ... of each of these kinds."""
    fields = {f"f{n}": wire(KINDS[kind][0], kind) for n, kind in enumerate(kinds)}
    annotations = dict.fromkeys(fields, object)
    return record()(type("Made", (), {**fields, "__annotations__": annotations}))


@st.composite
def cases(draw: st.DrawFn) -> tuple[list[str], list[Any]]:
    kinds = draw(st.lists(st.sampled_from(sorted(KINDS)), min_size=1, max_size=8))
    return kinds, [draw(KINDS[kind][2]) for kind in kinds]


@given(case=cases())
def test_any_mix_of_fixed_fields_has_the_bytes_of_its_fields(
    case: tuple[list[str], list[Any]],
) -> None:
    kinds, values = case
    cls = made(kinds)
    value = cls(**{f"f{n}": item for n, item in enumerate(values)})
    expected = b"".join(
        struct.pack(KINDS[kind][1], item) for kind, item in zip(kinds, values, strict=True)
    )
    assert encode(value, SCOPE) == expected
    assert decode(cls, expected, SCOPE) == value


@given(case=cases(), data=st.data())
def test_a_cut_names_the_first_field_that_is_not_whole(
    case: tuple[list[str], list[Any]], data: st.DataObject
) -> None:
    kinds, values = case
    cls = made(kinds)
    whole = encode(cls(**{f"f{n}": item for n, item in enumerate(values)}), SCOPE)
    length = data.draw(st.integers(0, len(whole) - 1))
    ends = [0]
    for kind in kinds:
        ends.append(ends[-1] + struct.calcsize(KINDS[kind][1]))
    missed = next(n for n, end in enumerate(ends[1:]) if end > length)
    with pytest.raises(Truncated) as caught:
        decode(cls, whole[:length], SCOPE)
    assert (caught.value.where.path, caught.value.where.offset) == (f"f{missed}", ends[missed])


@given(case=cases(), data=st.data())
def test_a_value_that_does_not_fit_is_named_wherever_it_stands(
    case: tuple[list[str], list[Any]], data: st.DataObject
) -> None:
    kinds, values = case
    wrong = data.draw(st.integers(0, len(kinds) - 1))
    values = [*values[:wrong], None, *values[wrong + 1 :]]
    value = made(kinds)(**{f"f{n}": item for n, item in enumerate(values)})
    with pytest.raises(OutOfRange) as caught:
        encode(value, SCOPE)
    assert caught.value.where.path == f"f{wrong}"


def test_neighbours_of_one_byte_order_become_one_run() -> None:
    """It makes decoding fast; the other tests show that nobody notices."""
    plan = layout_of(made(["u8", "be16", "bool", "be64", "raw3"])).plan(SCOPE)
    assert plan.row is not None
    assert plan.row.run.codes == "BHBQ3s"
    mixed = layout_of(made(["be16", "u8", "le16", "be32"])).plan(SCOPE)
    assert mixed.row is None
    assert [len(step.names) for step in mixed.steps if hasattr(step, "names")] == [2, 1, 1]


@record()
class Inner:
    flag: bool = wire(boolean, "0 or 1")
    small: int = wire(be16.upto(9), "a small number")


@record()
class Outer:
    head: int = wire(be32, "a number")
    inner: Inner = wire(nested(Inner), "a record of fixed width")
    tail: int = wire(u8, "a byte")


def test_a_record_of_fixed_width_inside_another_is_part_of_its_run() -> None:
    plan = layout_of(Outer).plan(SCOPE)
    assert plan.row is not None
    assert plan.row.run.names == ("head", "inner.flag", "inner.small", "tail")


@pytest.mark.parametrize(
    ("bad", "error", "path", "offset"),
    [
        (bytes([0, 0, 0, 0, 2, 0, 0, 0]), NotCanonical, "inner.flag", 4),
        (bytes([0, 0, 0, 0, 1, 0, 10, 0]), LimitExceeded, "inner.small", 5),
        (bytes([0, 0, 0, 0, 1, 0]), Truncated, "inner.small", 5),
        (bytes([0, 0, 0, 0, 1, 0, 9]), Truncated, "tail", 7),
    ],
    ids=["boolean", "limit", "cut inside", "cut behind"],
)
def test_errors_inside_a_nested_record_name_their_path(
    bad: bytes, error: type[Exception], path: str, offset: int
) -> None:
    with pytest.raises(error) as caught:
        decode(Outer, bad)
    where = caught.value.where  # type: ignore[attr-defined]
    assert (where.path, where.offset) == (path, offset)


@pytest.mark.parametrize(
    ("change", "path"),
    [
        ({"inner": Inner(flag=True, small=10)}, "inner.small"),
        ({"inner": Inner(flag=1, small=1)}, "inner.flag"),  # type: ignore[arg-type]
        ({"tail": 256}, "tail"),
        ({"head": -1}, "head"),
    ],
)
def test_values_inside_a_nested_record_are_refused_by_their_path(
    change: dict[str, Any], path: str
) -> None:
    good = Outer(head=1, inner=Inner(flag=True, small=9), tail=1)
    with pytest.raises(OutOfRange) as caught:
        encode(attrs.evolve(good, **change))
    assert caught.value.where.path == path


@pytest.mark.parametrize("wrong", [None, 5, (), Outer])
def test_what_is_no_record_is_refused_where_a_record_belongs(wrong: Any) -> None:
    with pytest.raises(OutOfRange) as caught:
        encode(Outer(head=1, inner=wrong, tail=1))
    assert caught.value.where.path == "inner"


def test_a_record_of_another_class_is_refused_even_if_its_bytes_would_fit() -> None:
    @record()
    class Twin:
        flag: bool = wire(boolean, "0 or 1")
        small: int = wire(be16.upto(9), "a small number")

    with pytest.raises(OutOfRange) as caught:
        encode(Outer(head=1, inner=Twin(flag=True, small=1), tail=1))  # type: ignore[arg-type]
    assert caught.value.where.path == "inner"


@record()
class Optional:
    always: int = wire(u8, "always there")
    by_fact: int | None = wire(be16, "there by a fact", when=if_fact("wide"))
    last: int = wire(u8, "behind it")


@pytest.mark.parametrize("wide", [True, False])
def test_a_field_that_depends_on_a_fact_leaves_the_rest_one_run(wide: bool) -> None:
    scope = Scope(facts={"wide": wide})
    value = Optional(always=1, by_fact=0x0203 if wide else None, last=4)
    data = bytes([1, 2, 3, 4] if wide else [1, 4])
    assert decode(Optional, data, scope) == value
    assert encode(value, scope) == data
    plan = layout_of(Optional).plan(scope)
    assert plan.row is not None
    assert plan.row.run.size == len(data)


@record()
class Flagged:
    flag: int = wire(u8, "whether there is a value")
    value: int | None = wire(be16, "there if flagged", when=if_set("flag"))
    last: int = wire(u8, "behind it")


@pytest.mark.parametrize(("flag", "value"), [(0, None), (1, 7), (200, 0)])
def test_a_field_that_depends_on_a_sibling_is_there_or_none(flag: int, value: int | None) -> None:
    whole = Flagged(flag=flag, value=value, last=9)
    data = bytes([flag, *([] if value is None else [0, value]), 9])
    assert decode(Flagged, data) == whole
    assert encode(whole) == data
