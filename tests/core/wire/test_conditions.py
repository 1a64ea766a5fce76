"""When a field is on the wire, and what happens if its value says otherwise."""

from __future__ import annotations

from typing import Any

import pytest

from virtmig.errors import ConditionMismatch, MissingFact
from virtmig.wire.codec import decode, encode
from virtmig.wire.compound import array
from virtmig.wire.counted import depends_on
from virtmig.wire.record import record, wire
from virtmig.wire.scope import Condition, Scope, Seen, if_fact, if_feature, if_set, since
from virtmig.wire.types import be16, be32, u8


@record()
class Flagged:
    flag: int = wire(u8, "a flag")
    value: int | None = wire(be16, "there if flagged", when=if_set("flag"))


@record()
class Featured:
    value: int | None = wire(be16, "there with a feature", when=if_feature(5, "FIVE"))


@record()
class Factual:
    value: int | None = wire(be16, "there by a fact", when=if_fact("colour", equals="red"))


@record()
class Versioned:
    value: int | None = wire(be16, "there from version 3 on", when=since(3))


@record()
class Chained:
    first: int = wire(u8, "whether there is a second")
    second: int | None = wire(u8, "whether there is a third", when=if_set("first"))
    third: int | None = wire(u8, "there if the second is set", when=if_set("second"))


CASES = {
    "feature": (Featured, Scope(features_lo=0x20), Scope(features_lo=0xFFFFFFDF)),
    "fact": (
        Factual,
        Scope(facts={"colour": "red"}),
        Scope(facts={"colour": "blue"}),
    ),
    "version": (Versioned, Scope(version=3), Scope(version=2)),
}
cases = pytest.mark.parametrize(("cls", "met", "unmet"), CASES.values(), ids=CASES)


@cases
def test_a_field_is_there_if_its_condition_is_met(cls: Any, met: Scope, unmet: Scope) -> None:
    assert decode(cls, b"\0\5", met) == cls(value=5)
    assert encode(cls(value=5), met) == b"\0\5"
    assert decode(cls, b"", unmet) == cls(value=None)
    assert encode(cls(value=None), unmet) == b""


@cases
def test_a_value_that_contradicts_its_condition_is_refused(
    cls: Any, met: Scope, unmet: Scope
) -> None:
    with pytest.raises(ConditionMismatch) as unset:
        encode(cls(value=None), met)
    with pytest.raises(ConditionMismatch) as set_:
        encode(cls(value=0), unmet)
    text = cls.__attrs_attrs__[0].metadata["virtmig.wire"][2].text
    for caught, words in ((unset, "unset, but"), (set_, "set, but")):
        assert caught.value.where.path == "value"
        assert caught.value.reason.startswith(words)
        assert text in caught.value.reason


@pytest.mark.parametrize(("flag", "value"), [(1, None), (255, None), (0, 0), (0, 7)])
def test_a_flag_that_contradicts_its_field_is_refused(flag: int, value: int | None) -> None:
    with pytest.raises(ConditionMismatch) as caught:
        encode(Flagged(flag=flag, value=value))
    assert caught.value.where.path == "value"
    assert "`flag` is set" in caught.value.reason


def test_a_fact_that_nobody_knows_is_missing_when_it_is_needed_to_read() -> None:
    with pytest.raises(MissingFact, match="colour"):
        decode(Factual, b"\0\5")


@pytest.mark.parametrize("value", [None, 5])
def test_a_fact_that_nobody_knows_contradicts_nothing_when_writing(value: int | None) -> None:
    assert encode(Factual(value=value)) == (b"" if value is None else b"\0\5")


@pytest.mark.parametrize(
    ("data", "value"),
    [
        (b"\0", Chained(first=0)),
        (b"\1\0", Chained(first=1, second=0)),
        (b"\1\1\7", Chained(first=1, second=1, third=7)),
    ],
)
def test_a_flag_that_is_not_there_is_not_set(data: bytes, value: Chained) -> None:
    assert decode(Chained, data) == value
    assert encode(value) == data


def test_a_condition_may_look_at_parts_that_were_read_before() -> None:
    """A queue has a vector if the proxy in front of it has MSI-X."""

    @record()
    class Queue:
        vector: int | None = wire(
            be16,
            "a vector",
            when=Condition("there are vectors", lambda scope, _: scope.parts["config"] > 0),
        )

    assert decode(Queue, b"\0\1", Scope(parts={"config": 2})) == Queue(vector=1)
    assert decode(Queue, b"", Scope(parts={"config": 0})) == Queue(vector=None)


def test_a_condition_says_in_words_what_it_tests() -> None:
    assert if_set("flag").text == "`flag` is set"
    assert if_feature(5, "FIVE").text == "feature FIVE accepted"
    assert if_fact("colour", equals="red").text == "colour is red"
    assert if_fact("colour", text="it is red").text == "it is red"
    assert since(3).text == "version ≥ 3"


def test_a_count_function_says_which_fields_it_looks_at() -> None:
    """Then a declaration that could not work is refused, as with a plain name."""

    @depends_on("size")
    def twice(_: Scope, seen: Seen) -> int:
        """size * 2"""
        return 2 * int(seen["size"])

    @record()
    class Twice:
        size: int = wire(be32, "half of how many")
        data: tuple[int, ...] = wire(array(u8, twice), "numbers")

    assert encode(Twice(size=1, data=(1, 2))) == b"\0\0\0\1\1\2"
    with pytest.raises(TypeError, match=r"Bad\.data depends on 'size'"):

        @record()
        class Bad:
            data: tuple[int, ...] = wire(array(u8, twice), "numbers without a size")
