"""A declaration that could only fail on the first stream fails when its class is made."""

from __future__ import annotations

from typing import Any

import attrs
import pytest

from virtmig.wire.codec import decode, encode
from virtmig.wire.compound import array, buffer, struct, subsection, table
from virtmig.wire.layout import layout_of
from virtmig.wire.record import evolve, record, wire
from virtmig.wire.scope import Condition, if_feature, if_set
from virtmig.wire.types import WireType, be16, be32, u8


@record("parent/child")
class Child:
    value: int = wire(u8, "a value")


@record()
class Pair:
    first: int = wire(u8, "the first byte")
    second: int | None = wire(be16, "two more", when=if_set("first"))


def test_a_record_is_frozen() -> None:
    with pytest.raises(attrs.exceptions.FrozenInstanceError):
        Pair(first=0).first = 1  # type: ignore[misc]


def test_a_record_is_made_by_keyword_only() -> None:
    with pytest.raises(TypeError):
        Pair(1, 2)  # type: ignore[call-arg]


def test_a_record_refuses_a_field_that_it_does_not_declare() -> None:
    with pytest.raises(TypeError, match="third"):
        Pair(first=1, third=3)  # type: ignore[call-arg]


def test_only_conditional_fields_and_subsections_have_a_default_and_it_is_none() -> None:
    assert Pair(first=0).second is None
    with pytest.raises(TypeError, match="first"):
        Pair()  # type: ignore[call-arg]


def test_records_compare_by_value_and_by_class() -> None:
    assert Child(value=1) == Child(value=1)
    assert Child(value=1) != Child(value=2)
    assert Child(value=1) != Pair(first=1)


def test_every_field_is_declared_with_wire() -> None:
    with pytest.raises(TypeError, match=r"Bad\.plain.*wire"):

        @record()
        class Bad:
            plain: int


def test_every_field_has_a_doc() -> None:
    with pytest.raises(TypeError, match=r"Bad\.silent.*doc"):

        @record()
        class Bad:
            silent: int = wire(u8, "")


@pytest.mark.parametrize(
    "kind", [buffer("size"), array(u8, "size"), array(Child, "size")], ids=["bytes", "u8", "rows"]
)
def test_a_count_must_be_an_earlier_field(kind: Any) -> None:
    with pytest.raises(TypeError, match=r"Bad\.data depends on 'size', which is no earlier field"):

        @record()
        class Bad:
            data: Any = wire(kind, "counted by what comes too late")
            size: int = wire(be32, "a count behind what it counts")


def test_a_condition_may_not_look_at_an_unknown_field() -> None:
    with pytest.raises(TypeError, match=r"Bad\.data depends on 'flga'"):

        @record()
        class Bad:
            flag: int = wire(u8, "a flag")
            data: int | None = wire(u8, "there if a misspelt flag is set", when=if_set("flga"))


def test_a_condition_may_not_look_at_itself() -> None:
    with pytest.raises(TypeError, match=r"Bad\.data depends on 'data'"):

        @record()
        class Bad:
            data: int | None = wire(u8, "there if it is there", when=if_set("data"))


def test_a_condition_of_ones_own_is_checked_too() -> None:
    own = Condition("both are set", lambda _, seen: bool(seen["a"] and seen["b"]), ("a", "b"))
    with pytest.raises(TypeError, match=r"Bad\.data depends on 'b'"):

        @record()
        class Bad:
            a: int = wire(u8, "a flag")
            data: int | None = wire(u8, "there if both are set", when=own)


def test_subsections_come_after_all_other_fields() -> None:
    with pytest.raises(TypeError, match=r"Bad\.late: subsections come after all other fields"):

        @record("parent")
        class Bad:
            child: Child | None = wire(subsection(Child), "an optional child")
            late: int = wire(u8, "a field behind it")


def test_a_subsection_needs_the_name_it_has_on_the_wire() -> None:
    with pytest.raises(TypeError, match=r"Pair: .*vmsd name"):
        subsection(Pair)


def test_a_record_with_subsections_needs_a_name() -> None:
    """Without the parent's name every byte 5 that follows would be taken for a subsection."""
    with pytest.raises(TypeError, match="Bad"):

        @record()
        class Bad:
            child: Child | None = wire(subsection(Child), "an optional child")


@pytest.mark.parametrize("vmsd", ["parent/ch", "stranger", "parent/child"])
def test_a_subsection_is_named_after_its_parent(vmsd: str) -> None:
    """A reader at the end of the fields finds it by the parent's name in front of its own."""

    def declare(kind: WireType[Child | None]) -> None:
        @record(vmsd)
        class Bad:
            child: Child | None = wire(kind, "an optional child")

    declare(subsection(Child, misnamed=True))
    if vmsd == "parent/ch":
        declare(subsection(Child))
        return
    with pytest.raises(TypeError, match=rf"Bad\.child: .*{vmsd}/.*'parent/child'.*misnamed=True"):
        declare(subsection(Child))


def test_two_subsections_cannot_have_one_name() -> None:
    with pytest.raises(TypeError, match="parent/child"):

        @record("parent")
        class Bad:
            one: Child | None = wire(subsection(Child), "an optional child")
            two: Child | None = wire(subsection(Child), "the same again")


def test_a_class_that_is_no_record_is_named_where_it_is_used() -> None:
    class Plain:
        pass

    with pytest.raises(TypeError, match="Plain is not a record"):
        layout_of(Plain)


def test_a_subclass_of_a_record_is_no_record_until_it_says_so() -> None:
    """It could have fields that its parent's compiled layout does not know."""

    class Sub(Child):
        pass

    with pytest.raises(TypeError, match="Sub is not a record"):
        layout_of(Sub)


def test_rows_of_a_table_have_a_fixed_width() -> None:
    @record()
    class Bad:
        rows: tuple[Pair, ...] = wire(table(Pair, 4), "rows of two widths")

    with pytest.raises(TypeError, match="Pair"):
        decode(Bad, bytes(12))


@pytest.mark.parametrize("bit", [-1, 32, 34, 64])
def test_a_field_cannot_depend_on_a_feature_that_is_not_known_yet(bit: int) -> None:
    """Features from 32 on are in a subsection that comes after every field."""
    with pytest.raises(ValueError, match=str(bit)):
        if_feature(bit, "LATE")


def test_the_version_read_is_the_version_written_unless_an_older_one_is_declared() -> None:
    @record("parent/versions", version=3, minimum=2)
    class Versions:
        value: int = wire(u8, "a value")

    assert (layout_of(Child).minimum, layout_of(Child).version) == (1, 1)
    assert (layout_of(Versions).minimum, layout_of(Versions).version) == (2, 3)


def test_a_record_without_fields_has_no_bytes() -> None:
    @record()
    class Empty:
        """Nothing."""

    assert encode(Empty()) == b""
    assert decode(Empty, b"") == Empty()


def test_records_nest_and_their_fields_are_found_under_both_names() -> None:
    @record()
    class Outer:
        head: int = wire(be16, "a number in front")
        pair: Pair = wire(struct(Pair), "a record inside")

    value = Outer(head=0x0102, pair=Pair(first=3, second=0x0405))
    assert encode(value) == bytes([1, 2, 3, 4, 5])
    assert decode(Outer, bytes([1, 2, 3, 4, 5])) == value


def test_a_copy_with_changes_is_a_new_record() -> None:
    @record()
    class Pair:
        """Two numbers."""

        one: int = wire(be16, "the first")
        two: int = wire(be16, "the second")

    first = Pair(one=1, two=2)
    assert evolve(first, two=3) == Pair(one=1, two=3)
    assert first.two == 2
    with pytest.raises(TypeError):
        evolve(first, three=3)
