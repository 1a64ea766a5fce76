"""Running a law on examples: by Hypothesis where it is installed, else on seeded ones."""

from __future__ import annotations

from collections.abc import Callable

from virtmig.testing.draw import Draw, RandomDraw


def random_examples(check: Callable[[Draw], None], count: int, seed: int) -> None:
    """Run `check` on so many examples, without Hypothesis."""
    for number in range(count):
        check(RandomDraw(seed * 10007 + number))


def examples(check: Callable[[Draw], None], count: int, seed: int) -> None:
    """Run `check` on so many examples; with Hypothesis, one that fails is made small.

    Some are tried without it in any case: then no plugin is red where Hypothesis is missing, and
    green where it is installed.
    """
    try:
        from virtmig.testing.strategies import hypothesis_examples  # noqa: PLC0415  an extra
    except ImportError:
        random_examples(check, count, seed)
    else:
        hypothesis_examples(check, count, seed)
        random_examples(check, 1 + count // 4, seed)
