"""Runs of pages that overlap: the one that was sent last holds."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from virtmig.stream.runs import Runs

SHIFT = 12
SPANS = st.lists(st.tuples(st.integers(0, 60), st.integers(1, 20)), max_size=30)


def filled(spans: list[tuple[int, int]]) -> Runs:
    runs = Runs(SHIFT)
    for number, (first, count) in enumerate(spans):
        runs.add(first << SHIFT | 0x28, number * 100_000, count)
    return runs


@given(SPANS)
def test_the_last_run_that_covers_a_page_is_found(spans: list[tuple[int, int]]):
    last: dict[int, int] = {}
    for number, (first, count) in enumerate(spans):
        last.update(dict.fromkeys(range(first, first + count), number))
    runs = filled(spans)
    assert {page: runs.find(page) for page in range(90)} == {
        page: last.get(page) for page in range(90)
    }


@given(SPANS, st.integers(0, 90))
def test_the_run_before_another_that_covers_a_page_is_found(
    spans: list[tuple[int, int]], page: int
):
    covering = [n for n, (first, count) in enumerate(spans) if first <= page < first + count]
    runs = filled(spans)
    for before, index in zip([None, *covering], covering, strict=False):
        assert runs.earlier(index, page) == before


@given(SPANS)
def test_the_end_is_that_of_the_highest_run(spans: list[tuple[int, int]]):
    assert filled(spans).end == max((first + count for first, count in spans), default=0)


def test_a_run_says_what_was_added():
    run = filled([(3, 4), (9, 1)])[1]
    assert (run.flags, run.page, run.place, run.count) == (0x28, 9, 100_000, 1)
