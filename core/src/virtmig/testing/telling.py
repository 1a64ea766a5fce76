"""One fault is told in full once: an exception in a hook or a layout breaks nearly every law."""

from __future__ import annotations

import re
from typing import Any

from virtmig.testing.report import LawBroken

TOLD = "_virtmig_told"


def as_before(cls: type[Any], broken: LawBroken, name: str) -> str:
    """One line, if another law of the class has told this very fault in full; else nothing."""
    if TOLD not in cls.__dict__:
        setattr(cls, TOLD, {})  # of this class alone
    told: dict[tuple[str, str, str], str] = cls.__dict__[TOLD]
    numberless = re.sub(r"[0-9]+", "0", broken.found)
    first = told.setdefault((broken.field, broken.do, numberless), name)
    return "" if first == name else f"law: {name}: broken by the same fault as {first}; see there"
