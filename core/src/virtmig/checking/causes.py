"""What of many findings is a cause, and what follows from another one: each fault is told once."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import attrs

from virtmig.hooks.contract import Finding

STALE = "stale-install"
IN_SOURCE = {"unknown-hook", "hook-argument", "async-hook"}
"""What the source text tells with its line, and binding tells once more."""
LOADING = {"module-missing", "import-failed", "contract", "entry-point"}
"""What can be wrong with an entry point that is no longer the one of the sources."""


def told_once(found: Iterable[Finding]) -> list[Finding]:
    """Each fault once, and before all a stale installation, from which others may follow."""
    once = list(dict.fromkeys(found))
    left = [one for one in once if not any(_again(one, other) for other in once)]
    return _stale_first(left)


def _again(one: Finding, other: Finding) -> bool:
    """Whether a finding is a consequence of the other, which says more."""
    if one.distribution != other.distribution:
        return False
    if one.code == "contract":
        return other.code in IN_SOURCE and one.what.endswith(f": {other.what}")
    if one.code == "import-failed" and other.code == "syntax":
        return ": SyntaxError: " in one.what and other.what.partition(": ")[2] in one.what
    if one.code == "import-failed" and other.code == "module-missing":
        value = other.what.partition(" = ")[2].rpartition(": ")[0]
        return one.what.startswith(f"importing {value} failed: ModuleNotFoundError")
    return False


def _stale_first(found: Sequence[Finding]) -> list[Finding]:
    """A stale installation as the error that it is, where it makes drivers fail."""
    stale = {one.distribution for one in found if one.code == STALE}
    failing = {
        one.distribution for one in found if one.code in LOADING and one.severity == "error"
    } & stale
    causes: list[Finding] = []
    others: list[Finding] = []
    for one in found:
        if one.code == STALE:
            broken = one.distribution in failing
            causes.append(attrs.evolve(one, severity="error") if broken else one)
        elif one.distribution in failing and one.code in LOADING:
            do = f"see {STALE} first, it may be the cause"
            others.append(attrs.evolve(one, do=f"{do}; if not: {one.do}" if one.do else do))
        else:
            others.append(one)
    return [*causes, *others]
