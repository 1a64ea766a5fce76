"""What a plugin does beside its work: which hooks run, what they print, what they look at early."""

from __future__ import annotations

import contextlib
import io
import logging
import os
import random
import sys
import tempfile
import time
from collections.abc import Generator
from pathlib import Path
from types import CodeType, FrameType
from typing import Any

from virtmig.errors import NotYetLoaded, told
from virtmig.hooks.tracing import hook_specs

CLOCKS = ("time", "time_ns", "monotonic", "monotonic_ns", "perf_counter", "perf_counter_ns")
DAY = 86400
_late: Any = NotYetLoaded


def hook_codes(plugin: Any) -> dict[CodeType, str]:
    """The functions of a plugin object that implement hooks, by their code."""
    found: dict[CodeType, str] = {}
    for name in hook_specs():
        function = getattr(plugin, name, None)
        code = getattr(getattr(function, "__func__", function), "__code__", None)
        if isinstance(code, CodeType):
            found[code] = name
    return found


@contextlib.contextmanager
def calls_of(plugin: Any) -> Generator[list[str]]:
    """Every call of a hook function of this plugin, by whomever, in order."""
    codes = hook_codes(plugin)
    found: list[str] = []
    before = sys.getprofile()

    def look(frame: FrameType, event: str, _: object) -> None:
        if event == "call" and frame.f_code in codes:
            found.append(codes[frame.f_code])

    sys.setprofile(look)
    try:
        yield found
    finally:
        sys.setprofile(before)


@contextlib.contextmanager
def printed() -> Generator[list[str]]:
    """What is printed inside; the list has one text when it is done."""
    found: list[str] = []
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err), _written() as below:
        yield found
    found.append((out.getvalue() + err.getvalue() + below[0]).strip())


@contextlib.contextmanager
def logged() -> Generator[list[logging.LogRecord]]:
    """What is logged inside, of warnings and above, whatever levels are set."""
    found: list[logging.LogRecord] = []
    make = logging.getLogRecordFactory()

    def remembered(*args: Any, **kwargs: Any) -> logging.LogRecord:
        record = make(*args, **kwargs)
        if record.levelno >= logging.WARNING:
            found.append(record)
        return record

    logging.setLogRecordFactory(remembered)
    try:
        yield found
    finally:
        logging.setLogRecordFactory(make)


@contextlib.contextmanager
def _written() -> Generator[list[str]]:
    """What is written to the descriptors of output and errors themselves."""
    found: list[str] = []
    kept = [(descriptor, os.dup(descriptor)) for descriptor in (1, 2)]
    with tempfile.TemporaryFile() as file:
        for descriptor, _ in kept:
            os.dup2(file.fileno(), descriptor)
        try:
            yield found
        finally:
            for descriptor, copy in kept:
                os.dup2(copy, descriptor)
                os.close(copy)
            file.seek(0)
            found.append(file.read().decode("utf-8", "replace"))


@contextlib.contextmanager
def early_looks() -> Generator[list[str]]:
    """Reasons of all `NotYetLoaded` that are raised inside, also of those that are swallowed."""
    found: list[str] = []
    make = NotYetLoaded.__init__

    def note(self: NotYetLoaded, reason: str, **more: Any) -> None:
        found.append(reason)
        make(self, reason, **more)

    _late.__init__ = note
    try:
        yield found
    finally:
        _late.__init__ = make


@contextlib.contextmanager
def unraised(package: Path) -> Generator[list[str]]:
    """Exceptions of a package's own that Python drops inside, as what is freed has no caller."""
    found: list[str] = []
    before = sys.unraisablehook

    def note(one: Any) -> None:
        at = one.exc_traceback
        while at is not None and at.tb_next is not None:
            at = at.tb_next
        if at is not None and Path(at.tb_frame.f_code.co_filename).is_relative_to(package):
            found.append(f"{told(one.exc_value)}, in {at.tb_frame.f_code.co_name}")
        else:
            before(one)

    sys.unraisablehook = note
    try:
        yield found
    finally:
        sys.unraisablehook = before


@contextlib.contextmanager
def another_day() -> Generator[None]:
    """Clocks go a day ahead, and chance is another one, as far as that can be arranged."""
    clocks = {name: getattr(time, name) for name in CLOCKS}
    dice = random.getstate()
    for name, clock in clocks.items():
        ahead = DAY * (10**9 if name.endswith("_ns") else 1)
        setattr(time, name, lambda clock=clock, ahead=ahead: clock() + ahead)
    random.seed(20260101)
    try:
        yield
    finally:
        random.setstate(dice)
        for name, clock in clocks.items():
            setattr(time, name, clock)
