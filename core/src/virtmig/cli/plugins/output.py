"""What `doctor` and `validate` print of their findings."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import attrs

from virtmig.checking.probing import Probed
from virtmig.cli import common
from virtmig.errors import PluginError
from virtmig.hooks.contract import Finding

ORDER = ("error", "warning", "note")


def ordered(findings: Iterable[Finding]) -> list[Finding]:
    """Errors first; those of one distribution together."""
    return sorted(findings, key=lambda one: (ORDER.index(one.severity), one.distribution))


def say_findings(findings: Iterable[Finding]) -> None:
    """One line each: severity, code, where, what, what to do."""
    for one in ordered(findings):
        place = ": ".join(filter(None, (one.distribution, one.where, one.what)))
        advice = f" ({one.do})" if one.do else ""
        common.say(f"{one.severity:<8} {one.code:<16} {place}{advice}")


def counted(findings: Iterable[Finding]) -> str:
    """How many of each severity, in words."""
    found = [one.severity for one in findings]
    numbers = [(found.count(name), name) for name in ORDER if name in found]
    return ", ".join(number(n, name) for n, name in numbers) or "no findings"


def number(count: int, name: str) -> str:
    """So many of them, in words."""
    return f"{count} {name}" if count == 1 else f"{count} {name}s"


def as_data(findings: Iterable[Finding], probed: Iterable[Probed]) -> dict[str, Any]:
    """Findings and drivers for JSON."""
    drivers = [
        {
            "kind": one.source.kind,
            "name": one.source.name,
            "distribution": one.source.distribution,
            "entry_point": one.source.value,
            **{key: value for key, value in one.facts.items() if key != "claims"},
        }
        for one in probed
    ]
    return {"drivers": drivers, "findings": [attrs.asdict(one) for one in ordered(findings)]}


def code_of(findings: Iterable[Finding]) -> int:
    """The exit code: that of a broken plugin if any finding is an error."""
    return PluginError.exit_code if any(one.severity == "error" for one in findings) else 0
