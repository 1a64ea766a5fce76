"""One fault is told in full once: an exception in a hook or a layout breaks nearly every law."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from virtmig.errors import DriverFailed
from virtmig.testing.crash import PLAIN, crash_of, cure, hook_of
from virtmig.testing.report import LawBroken
from virtmig.testing.whole import LIVE

TOLD = "_virtmig_told"

TELLING = (
    "feature_conditions",
    "each_field_occurs",
    "save_twice",
    LIVE,
    "each_field_alone",
    "any_state",
    "one_field_changed",
    "goes_on",
    "load_replaces",
)
"""Laws that tell that the value of a field gets lost."""
FOLLOWING = (
    "each_field_occurs",
    LIVE,
    "each_field_alone",
    "any_state",
    "every_field_changes",
    "full_house",
    "goes_on",
    "goldens_live",
    "load_replaces",
    "names_mean_the_same",
    "nothing_is_forgotten",
    "older_versions",
    "one_field_changed",
    "saved_types",
    "without_subsections",
)
"""Laws that a field whose value gets lost breaks too, by the field or the attribute of its name."""


def explain(broken: LawBroken, package: Path, classes: list[type[Any]]) -> None:
    """Add the line of the plugin's that a fault came out of, and what to do about that line."""
    crash = crash_of(broken, package)
    if crash is not None and crash.place.partition(" ")[0] not in broken.found:
        broken.found = f"{broken.found}; {crash.place}"
    if crash is not None and crash.foreign:
        numberless = re.sub(r":\d+ ", " ", crash.place)  # endless recursion ends in any line
        broken.fault = f"{type(crash.error).__name__} {numberless}"
        if isinstance(broken.__cause__, DriverFailed):
            broken.do = cure(crash, classes, hook_of(broken.__cause__)) or broken.do
    if broken.do == PLAIN:  # whatever such an object is asked for, it has not
        broken.fault = PLAIN


def told_first(cls: type[Any], broken: LawBroken, name: str) -> str:
    """The law of the class that has told this very fault in full; this one, if none has."""
    told = _told(cls)
    plain = broken.field.partition(" (")[0].rpartition(".")[2]
    first = told.get(f"value of {plain}", name) if name in FOLLOWING else name
    if first == name:
        first = told.setdefault(fault_of(broken), name)
    if first == name and name in TELLING and not broken.fault:
        told.setdefault(f"value of {plain}", name)
    return first


def raised_first(cls: type[Any], error: Exception, name: str) -> str:
    """The same for an exception of the test itself, by the line that it came out of."""
    at, line = error.__traceback__, ""
    while at is not None:
        line = f"{at.tb_frame.f_code.co_filename}:{at.tb_lineno}"
        at = at.tb_next
    return _told(cls).setdefault(f"{type(error).__name__} {line}", name)


def _told(cls: type[Any]) -> dict[str, str]:
    """What the laws of one class have told, and which law did."""
    if TOLD not in cls.__dict__:
        setattr(cls, TOLD, {})
    found: dict[str, str] = cls.__dict__[TOLD]
    return found


def fault_of(broken: LawBroken) -> str:
    """What two laws that are broken by one fault have in common."""
    numberless = re.sub(r"[0-9]+", "0", f"{broken.field}\n{broken.do}\n{broken.found}")
    return broken.fault or numberless
