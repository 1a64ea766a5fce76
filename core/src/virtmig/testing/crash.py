"""An exception that a plugin's own code let out: where it came from, and what to do about it."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import attrs

from virtmig.errors import VirtmigError
from virtmig.testing.report import LawBroken
from virtmig.wire.layout import Layout, layout_of

MISTAKES = (TypeError, AttributeError, NameError, LookupError)
"""Exceptions that say that a line of code is wrong, and seldom that a state does not fit."""
MEND = "mend that line"
PLAIN = "let the create hook make a live object of your own class; the core's has no such state"
NO_FILES = "let a hook read no file: put what it needs into a module, which is always installed"
TRANSFER = "virtmig.live.transfer"
_MISSING = re.compile(r"(\w+)\.__init__\(\) missing \d+ required keyword-only arguments?: (.+)")
_UNEXPECTED = re.compile(r"(\w+)\.__init__\(\) got an unexpected keyword argument '(\w+)'")


@attrs.frozen
class Crash:
    """What was raised, and the last place in the plugin's own files that it went through.

    place: `virtmig_echo/live.py:41 in load_device`. helper: the function of the core's that it
    came out of, if the plugin had called one that moves fields.
    """

    error: BaseException
    place: str
    helper: str = ""

    @property
    def foreign(self) -> bool:
        """Whether it is none of the core's errors."""
        return not isinstance(self.error, VirtmigError)


def crash_of(broken: LawBroken, package: Path) -> Crash | None:
    """The innermost error behind a broken law, if it went through the plugin's own files."""
    error = broken.__cause__
    while isinstance(error, VirtmigError) and error.__cause__ is not None:
        error = error.__cause__
    place = helper = ""
    at = error.__traceback__ if error is not None else None
    while at is not None:
        code, path = at.tb_frame.f_code, Path(at.tb_frame.f_code.co_filename)
        if path.is_relative_to(package):
            place = f"{path.relative_to(package.parent)}:{at.tb_lineno} in {code.co_name}"
        if at.tb_frame.f_globals.get("__name__") == TRANSFER:
            helper = helper or code.co_name
        at = at.tb_next
    return Crash(error, place, helper) if error is not None and place else None


def came_from(error: BaseException, package: Path) -> bool:
    """Whether it is the plugin's own code that raised an error."""
    at = error.__traceback__
    while at is not None and at.tb_next is not None:
        at = at.tb_next
    return at is not None and Path(at.tb_frame.f_code.co_filename).is_relative_to(package)


def hook_of(error: VirtmigError) -> str:
    """The hook that an error of a bound plugin names: `OWNER: HOOK: ...`."""
    return error.reason.partition(": ")[2].partition(":")[0].partition(" ")[0]


def cure(crash: Crash, classes: Iterable[type[Any]], hook: str) -> str:
    """What to do about a mistake in a line; nothing if it need not be the line that is wrong."""
    error = crash.error
    if isinstance(error, FileNotFoundError):
        return NO_FILES
    if not isinstance(error, MISTAKES):
        return ""
    if any(f"'{kind}' object has no" in str(error) for kind in ("VirtioDevice", "Transport")):
        return PLAIN
    layouts = {cls.__name__: layout_of(cls) for cls in classes}
    for text in (*_constructed(error, layouts), *_moved(crash, layouts)):
        return text
    if hook.startswith("load_") and isinstance(error, LookupError):
        return f"{MEND}; or raise DeviceMismatch there, if it is the state that does not fit"
    return MEND


def _constructed(error: BaseException, layouts: dict[str, Layout]) -> Iterator[str]:
    """About a record that was not made as its fields ask for."""
    missing, unexpected = _MISSING.search(str(error)), _UNEXPECTED.search(str(error))
    if missing and missing[1] in layouts:
        layout = layouts[missing[1]]
        given = [_given(layout, name) for name in re.findall(r"'(\w+)'", missing[2])]
        yield f"in that line give {missing[1]} also {' and '.join(given)}"
    if unexpected and unexpected[1] in layouts:
        known = [field.name for field in layouts[unexpected[1]].all_fields]
        near = difflib.get_close_matches(unexpected[2], known, 1)
        named = f"; did you mean {near[0]!r}?" if near else ""
        yield f"{MEND}: {unexpected[1]} has no field {unexpected[2]!r}{named}"


def _moved(crash: Crash, layouts: dict[str, Layout]) -> Iterator[str]:
    """About an attribute that `collect` or `restore` asked a live object for."""
    name = crash.error.name if isinstance(crash.error, AttributeError) else ""
    name = name or next(iter(re.findall(r"'(\w+)'", str(crash.error))), "")
    for layout in layouts.values():
        if name in {field.name for field in layout.all_fields}:
            cls = layout.cls.__name__
            if crash.helper == "collect":
                do = f"give {cls} what the live object does not hold under the field's name: "
                yield f"{do}collect({cls}, ..., {_given(layout, name)})"
            if crash.helper == "restore":
                do = f"name {name!r} in restore(..., {name!r}), which leaves it out, and put it "
                yield f"{do}back yourself"


def _given(layout: Layout, name: str) -> str:
    """How a field is given to a record: a count is made of what it counts."""
    counted = [field.name for field in layout.all_fields if name in field.type.reads]
    if not counted:
        return f"{name}=..."
    return f"{name}=len(...), the number of items of `{counted[0]}`"
