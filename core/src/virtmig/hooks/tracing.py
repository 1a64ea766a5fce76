"""A trace of every hook call: what `VIRTMIG_TRACE_PLUGINS` asks for.

The wrappers are made from the hook specifications, so that a new hook is traced from its first day.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Generator
from datetime import datetime
from functools import wraps
from pathlib import Path
from types import ModuleType
from typing import Any

from virtmig.environment import TRACE
from virtmig.errors import printable, shown, told
from virtmig.hooks import hookspecs

Write = Callable[[str], None]


def hook_specs() -> dict[str, Callable[..., Any]]:
    """Every hook specification by its name, in call order."""
    mark = f"{hookspecs.PROJECT}_spec"
    return {name: one for name, one in vars(hookspecs).items() if hasattr(one, mark)}


def trace_output() -> Write | None:
    """Where the environment wants the trace; None if it wants none."""
    target = TRACE.text
    if not target or target == "0":
        return None
    return _to_stderr if target == "1" else _to_file(Path(target))


def _to_stderr(text: str) -> None:
    sys.stderr.write(text)
    sys.stderr.flush()


def _to_file(path: Path) -> Write:
    def write(text: str) -> None:
        # Opened each time: what was written is there even if the process is killed by a hook.
        with path.open("a", encoding="utf-8", errors="backslashreplace") as file:
            file.write(text)

    return write


class _Call:
    """One line of the trace: its first half is written before the call, in case that never ends."""

    def __init__(self, write: Write, owner: str, what: str) -> None:
        self._write = write
        write(f"{datetime.now():%H:%M:%S.%f} {printable(owner)}: {printable(what)} ")  # noqa: DTZ005
        self._start = time.perf_counter()

    def returned(self, value: object) -> None:
        self._end("None" if value is None else type(value).__name__)

    def raised(self, error: BaseException) -> None:
        self._end(f"raised {told(error)}")

    def _end(self, result: str) -> None:
        spent = (time.perf_counter() - self._start) * 1000
        self._write(f"-> {printable(result)}, {spent:.2f} ms\n")


def traced(write: Write | None, owner: str, what: str, function: Callable[[], Any]) -> Any:
    """Call a function, as a line of the trace if there is one."""
    if write is None:
        return function()
    call = _Call(write, owner, what)
    try:
        value = function()
    except BaseException as error:
        call.raised(error)
        raise
    call.returned(value)
    return value


def observer(owner: str, write: Write) -> Any:
    """A plugin of wrappers that traces all hooks of the one driver that it is registered with."""
    found = ModuleType("trace")  # pluggy takes any object that has functions
    for name, spec in hook_specs().items():
        setattr(found, name, _wrapper(name, spec, owner, write))
    return found


def _wrapper(
    name: str, spec: Callable[..., Any], owner: str, write: Write
) -> Callable[..., Generator[None, Any, Any]]:
    names = spec.__code__.co_varnames[: spec.__code__.co_argcount]

    @hookspecs.hookimpl(wrapper=True)
    @wraps(spec)  # pluggy asks the wrapped function for the names of its arguments
    def watched(*values: Any) -> Generator[None, Any, Any]:
        pairs = zip(names, values, strict=True)
        arguments = ", ".join(f"{key}={_short(value)}" for key, value in pairs)
        call = _Call(write, owner, f"{name}({arguments})")
        try:
            result = yield
        except BaseException as error:
            call.raised(error)
            raise
        call.returned(result)
        return result

    return watched


def _short(value: Any) -> str:
    """A value in a few letters: a record or a device is thousands."""
    plain = value is None or isinstance(value, int | str)
    return shown(value) if plain else type(value).__name__
