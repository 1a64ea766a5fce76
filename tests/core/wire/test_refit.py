"""Counts and conditional fields follow from the rest, wherever they stand; nothing else changes."""

from __future__ import annotations

from typing import Any

import attrs

from virtmig.wire.compound import array, marked, struct, subsection
from virtmig.wire.layout import layout_of
from virtmig.wire.record import record, wire
from virtmig.wire.refit import Refit
from virtmig.wire.scope import Facts, Scope, if_fact, if_feature, if_set, since
from virtmig.wire.types import be16, be32, u8


@record()
class Item:
    """A row with a field that its own flag brings."""

    flag: int = wire(u8, "whether `more` follows")
    more: int | None = wire(be16, "more", when=if_set("flag"))


@record("outer/tail", version=2, minimum=1)
class Tail:
    """A subsection with a field of version 2, and a count."""

    count: int = wire(be16, "items")
    items: tuple[int, ...] = wire(array(be16, "count"), "the items")
    late: int | None = wire(u8, "from version 2 on", when=since(2))


@record("outer")
class Outer:
    """One of everything."""

    count: int = wire(be32, "rows")
    rows: tuple[Item, ...] = wire(array(Item, "count"), "the rows")
    one: Item = wire(struct(Item), "one more row")
    listed: tuple[Item, ...] = wire(marked(Item), "rows without a count")
    feature: int | None = wire(be16, "there with feature 3", when=if_feature(3, "THREE"))
    unknown: int | None = wire(be16, "there if a fact says so", when=if_fact("nobody_knows"))
    tail: Tail | None = wire(subsection(Tail), "a subsection")


ROW = Item(flag=1, more=5)
GOOD = Outer(
    count=2,
    rows=(ROW, Item(flag=0)),
    one=ROW,
    listed=(ROW,),
    tail=Tail(count=1, items=(7,), late=1),
)


def refitted(value: Outer, features: int = 0) -> tuple[Any, Refit]:
    pass_ = Refit(Scope(facts=Facts(), features_lo=features))
    return pass_.record(layout_of(Outer), value, ""), pass_


def test_what_agrees_with_itself_stays():
    made, pass_ = refitted(GOOD)
    assert made == GOOD
    assert (pass_.because, pass_.missing) == ({}, {})


def test_counts_follow():
    wrong = attrs.evolve(GOOD, count=9, tail=Tail(count=0, items=(7,), late=1))
    made, pass_ = refitted(wrong)
    assert made == GOOD
    assert pass_.because == {"count": "it counts `rows`", "outer/tail.count": "it counts `items`"}


def test_fields_whose_condition_is_not_met_go():
    unset = Item(flag=0, more=5)
    wrong = attrs.evolve(GOOD, rows=(unset, unset), one=unset, listed=(unset,), feature=1)
    made, pass_ = refitted(wrong)
    gone = Item(flag=0)
    assert made == attrs.evolve(GOOD, rows=(gone, gone), one=gone, listed=(gone,))
    assert list(pass_.because) == [
        *("rows[0].more", "rows[1].more", "one.more", "listed[0].more", "feature")
    ]


def test_fields_whose_condition_is_met_are_missed():
    made, pass_ = refitted(attrs.evolve(GOOD, one=Item(flag=1)), features=1 << 3)
    assert made.one == Item(flag=1)
    assert pass_.missing == {"one.more": "`flag` is set", "feature": "feature THREE accepted"}


def test_what_depends_on_an_unknown_fact_stays():
    value = attrs.evolve(GOOD, unknown=5)
    assert refitted(value)[0] == value


def test_a_value_of_another_class_is_left_to_the_encoder():
    odd: Any = attrs.evolve(GOOD, one=3)  # type: ignore[arg-type]
    assert refitted(odd)[0].one == 3
