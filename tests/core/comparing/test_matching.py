"""Which section is which: by name, by what it says, or by what it nearly says."""

from __future__ import annotations

from collections.abc import Mapping

from virtmig.comparing.matching import MOST_TRIED, Matching, match
from virtmig.stream.sections import Section, SectionKind


def section(idstr: str, number: int, instance: int = 0) -> Section:
    return Section(
        kind=SectionKind.FULL,
        section_id=number,
        idstr=idstr,
        instance_id=instance,
        version_id=1,
        header=number,
        start=number,
        end=number,
        footer=True,
    )


def matched(
    ours: Mapping[str, bytes], theirs: Mapping[str, bytes], *, nearest: bool = True
) -> Matching:
    sides = [
        {section(name, number): payload for number, (name, payload) in enumerate(side.items())}
        for side in (ours, theirs)
    ]
    return match(
        list(sides[0]), list(sides[1]), sides[0].__getitem__, sides[1].__getitem__, nearest=nearest
    )


def names(found: Matching) -> list[tuple[str, str]]:
    return [(pair.one.idstr, pair.other.idstr) for pair in found.pairs]


def test_a_name_counts_more_than_what_is_said() -> None:
    found = matched({"a/blk": b"1", "b/blk": b"2"}, {"b/blk": b"1", "a/blk": b"2"})
    assert names(found) == [("a/blk", "a/blk"), ("b/blk", "b/blk")]
    assert not any(pair.moved for pair in found.pairs)


def test_instances_of_one_name_are_told_apart() -> None:
    ours = [section("i8259", 1, 0), section("i8259", 2, 1)]
    theirs = [section("i8259", 1, 1), section("i8259", 2, 0)]
    found = match(ours, theirs, lambda _: b"", lambda _: b"", nearest=False)
    assert [(p.one.instance_id, p.other.instance_id) for p in found.pairs] == [(0, 0), (1, 1)]


def test_what_says_the_same_under_another_name_has_moved() -> None:
    found = matched({"a/blk": b"1", "b/blk": b"2"}, {"c/blk": b"2", "d/blk": b"1"}, nearest=False)
    assert names(found) == [("a/blk", "d/blk"), ("b/blk", "c/blk")]
    assert all(pair.moved for pair in found.pairs)


def test_only_sections_of_one_kind_are_paired() -> None:
    found = matched({"a/blk": b"1"}, {"b/net": b"1"})
    assert names(found) == []
    assert [len(found.ours), len(found.theirs)] == [1, 1]


def test_of_several_the_nearest_are_paired_first() -> None:
    ours = {"a/blk": b"aaaaaaaa", "b/blk": b"bbbbbbbb"}
    found = matched(ours, {"c/blk": b"bbbbbbbc", "d/blk": b"aaaaacca", "e/blk": b"zz"})
    assert names(found) == [("a/blk", "d/blk"), ("b/blk", "c/blk")]
    assert [one.idstr for one in found.theirs] == ["e/blk"]


def test_without_nearest_what_says_something_else_has_no_partner() -> None:
    found = matched({"a/blk": b"1"}, {"b/blk": b"2"}, nearest=False)
    assert names(found) == []


def test_a_crowd_is_not_compared_each_with_all() -> None:
    crowd = {f"{number}/blk": b"%d" % number for number in range(MOST_TRIED + 1)}
    others = {f"x{number}/blk": b"x%d" % number for number in range(MOST_TRIED + 1)}
    assert names(matched(crowd, others)) == []


def test_two_sections_of_one_name_are_paired_in_their_order() -> None:
    ours, theirs = ([section("twin", number) for number in range(2)] for _ in range(2))
    found = match(ours, theirs, lambda _: b"", lambda _: b"", nearest=False)
    assert [(p.one.header, p.other.header) for p in found.pairs] == [(0, 0), (1, 1)]
