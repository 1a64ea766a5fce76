"""What the stream does not say: named, found by trying, and never guessed silently.

A layout can depend on properties of the source's device that are not in the bytes (how many
queue pairs it was created with, say). Such a fact is *open*: every candidate is tried, and the
section's end is the judge.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum
from typing import Any

import attrs

from virtmig.errors import MissingFact
from virtmig.wire import scope


class Source(Enum):
    """Where a fact comes from."""

    DERIVED = "derived"
    """Only this candidate fits the bytes."""
    GIVEN = "given"
    """The caller said so."""
    ASSUMED = "assumed"
    """Several candidates fit; this is the one that its declaration prefers."""


@attrs.frozen
class Fact:
    """One fact with the value that was used and the reason why."""

    name: str
    value: Any
    source: Source


@attrs.frozen
class OpenFact:
    """A question that a driver's layouts ask.

    candidates: all possible answers, the likeliest first. prefer_first: where several fit and
    differ, take the first as an assumption; otherwise that is an `AmbiguousLayout`. exclusive:
    the candidates' lengths differ by so much that a section cannot end well with two of them, so
    the first that fits is taken.
    """

    name: str
    candidates: tuple[Any, ...]
    doc: str
    prefer_first: bool = False
    exclusive: bool = False

    def parse(self, text: str) -> Any:
        """The candidate that a user's `NAME=text` means."""
        for candidate in self.candidates:
            if str(candidate).lower() == text.lower():
                return candidate
        choices = ", ".join(str(candidate).lower() for candidate in self.candidates)
        raise MissingFact(f"fact {self.name} is one of {choices}, not {text!r}")


HOST_BYTEORDER = OpenFact(
    scope.HOST_BYTEORDER,
    ("little", "big"),
    "byte order of the source host, for the few structures that QEMU copies raw",
    prefer_first=True,
)


class Trial:
    """One assignment of the open facts, and the way to the next.

    A fact counts only once a layout asks for it, so what a section does not depend on costs
    nothing and is not reported.
    """

    def __init__(self, open_facts: Mapping[str, OpenFact], given: Mapping[str, Any]) -> None:
        self._open = open_facts
        self._given = given
        self._asked: dict[str, int] = {}
        self._used: set[str] = set()

    def __getitem__(self, name: str) -> Any:
        if name in self._given:
            if name in self._open:
                self._used.add(name)
            return self._given[name]
        if name not in self._open:
            raise MissingFact(f"no driver declares the fact {name!r} that a layout asks for")
        fact = self._open[name]
        choice = self._asked.setdefault(name, 0)
        return fact.candidates[choice]

    def facts(self, source: Source) -> tuple[Fact, ...]:
        """The facts that were asked for so far."""
        given = [Fact(name, self._given[name], Source.GIVEN) for name in sorted(self._used)]
        tried = [
            Fact(name, self._open[name].candidates[choice], source)
            for name, choice in self._asked.items()
        ]
        return (*given, *tried)

    def advance(self, *, fitted: bool) -> bool:
        """Go to the next assignment; False when all have been tried.

        fitted: this one explains the whole section, so rivals of exclusive facts are left out.
        """
        while self._asked:
            name, choice = self._asked.popitem()
            if fitted and self._open[name].exclusive:
                continue
            if choice + 1 < len(self._open[name].candidates):
                self._asked[name] = choice + 1
                return True
        return False
