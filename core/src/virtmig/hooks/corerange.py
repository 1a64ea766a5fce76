"""Which cores a plugin is for, by the requirement that pip reads too.

A plugin declares the range once, in the dependencies of its distribution (`virtmig>=0.1,<0.2`).
pip sees to it on installation; what was installed without it, or upgraded apart, is seen here.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from virtmig.errors import told

CORE = "virtmig"
_OURS = re.compile(rf"\s*{CORE}\s*(?:\[[^]]*\]\s*)?(?![\w.-])", re.IGNORECASE)
_EXTRA = re.compile(r";.*\bextra\s*==")
_PLAIN = re.compile(r"[\s(]*((?:(?:>=|<)\s*\d+(?:\.\d+)*\s*,?\s*)+)\)?\s*")
_CLAUSE = re.compile(r"(>=|<)\s*(\d+(?:\.\d+)*)")
_RELEASE = re.compile(r"\d+(?:\.\d+)*")


class UnreadableRange(ValueError):
    """A requirement that does not follow the rules of Python packaging."""


def on_core(requirements: Iterable[str]) -> tuple[str, ...]:
    """Those lines of a distribution's requirements that are about the core.

    What one of its extras requires (`virtmig[testing]`) is not what the plugin needs.
    """
    return tuple(line for line in requirements if _OURS.match(line) and not _EXTRA.search(line))


def suits(requirements: Sequence[str], version: str) -> bool:
    """Whether a core of this version is within all requirements that `on_core` found."""
    return all(_suits(line, version) for line in requirements)


def shown_range(requirements: Sequence[str]) -> str:
    """The range for people, lower bound first: `>=0.1,<0.2`; empty if there is none."""
    specifiers = [line[_ours(line) :].partition(";")[0] for line in requirements]
    clauses = [one.strip(" ()") for text in specifiers for one in text.split(",")]
    return ",".join(sorted(filter(None, clauses), key=lambda one: one.startswith("<")))


def _ours(line: str) -> int:
    match = _OURS.match(line)
    return match.end() if match else 0


def _suits(line: str, version: str) -> bool:
    """Judge the usual form here: `packaging` costs a twentieth of a whole `virtmig inspect`."""
    plain = _PLAIN.fullmatch(line, _ours(line))
    if plain is None or _RELEASE.fullmatch(version) is None:
        return _suits_by_the_book(line, version)
    have = _numbers(version)
    for sign, wanted in _CLAUSE.findall(plain[1]):
        if (have < _numbers(wanted)) is (sign == ">="):
            return False
    return True


def _numbers(version: str) -> list[int]:
    """The numbers of a release, without the zeros at its end, which count for nothing."""
    numbers = [int(one) for one in version.split(".")]
    while numbers and not numbers[-1]:
        numbers.pop()
    return numbers


def _suits_by_the_book(line: str, version: str) -> bool:
    """Any requirement and any version, as pip judges them but for development versions.

    A core 0.2.0.dev3 is on its way to 0.2.0 and has what a plugin for 0.2 needs, so it may be
    either. pip would take no development version for `>=0.2`.
    """
    from packaging.requirements import InvalidRequirement, Requirement  # noqa: PLC0415  see above
    from packaging.version import Version  # noqa: PLC0415

    try:
        wanted = Requirement(line)
    except InvalidRequirement as error:
        raise UnreadableRange(told(error)) from error
    if wanted.marker is not None and not wanted.marker.evaluate({"extra": ""}):
        return True
    final = Version(version).base_version
    return any(wanted.specifier.contains(one, prereleases=True) for one in (version, final))
