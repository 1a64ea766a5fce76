"""What all code of a process shares: what it was, what has changed, and what is done to it."""

from __future__ import annotations

import atexit
import inspect
import logging
import os
import random
import signal
import sys
import threading
import types
import warnings
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

TOUCHED = (
    "socket.connect",
    "socket.bind",
    "socket.getaddrinfo",
    "subprocess.Popen",
    "os.system",
    "os.fork",
    "os.putenv",
    "os.unsetenv",
    "os.mkdir",
    "os.remove",
    "os.rename",
    "os.chdir",
    "shutil.rmtree",
    "urllib.Request",
)
"""Audit events that a plugin has no reason for."""
CACHES = (".pyc", "__pycache__")
OWN_OF_OS = ("os", "collections", "_collections_abc")
"""Modules between who asks for a variable of the environment and its value."""
OPENED = "opens {} for writing", "reads {}"
_heard: list[list[str]] = []
"""Where audit events go; empty while nobody listens."""
_hooked: list[bool] = []


def shared_state() -> dict[str, Any]:
    """What all code of the process shares, by what it is called."""
    root = logging.getLogger()
    return {
        "the current directory": os.getcwd(),  # noqa: PTH109  what os.chdir changes
        "the environment": dict(os.environ),
        "sys.path": list(sys.path),
        "the filters of warnings": list(warnings.filters),
        "the root logger": (root.level, *map(id, root.handlers)),
        "the dice of `random` (seed a random.Random of your own)": random.getstate(),
        "a signal's handler": [signal.getsignal(one) for one in sorted(signal.valid_signals())],
        "the recursion limit": sys.getrecursionlimit(),
        "threads": {one for one in threading.enumerate() if one.is_alive()},
        "virtmig": core_attributes(),
    }


def core_attributes() -> dict[str, Any]:
    """All functions and class attributes of the core's modules that are loaded, by name."""
    found: dict[str, Any] = {}
    for name, module in list(sys.modules.items()):
        if name.partition(".")[0] == "virtmig" and not name.startswith("virtmig.testing"):
            for key, value in vars(module).items():
                if isinstance(value, types.FunctionType):
                    found[f"{name}.{key}"] = value
                if isinstance(value, type) and value.__module__ == name:
                    found |= {f"{name}:{key}.{one}": held for one, held in vars(value).items()}
    return found


def changes(before: dict[str, Any], after: dict[str, Any]) -> Iterator[str]:
    """What has changed, as something that was done."""
    for name, old in before.items():
        new = after[name]
        if name == "threads":
            if new - old:
                yield "starts a thread"
        elif name == "virtmig":
            found = (one.rpartition(":")[2] for one in _patched(old, new))
            yield from (f"changes {one} of virtmig" for one in found)
        elif old != new:
            yield f"changes {name}"


def _patched(old: dict[str, Any], new: dict[str, Any]) -> list[str]:
    """Attributes that are others now, or are new in a class that was there before."""
    classes = {name.rpartition(".")[0] for name in old}
    return [
        name
        for name, value in new.items()
        if not str(getattr(value, "__module__", "")).startswith("virtmig.testing.")
        if (name in old and old[name] is not value and callable(old[name]))
        or (name not in old and _added(name) and name.rpartition(".")[0] in classes)
    ]


def _added(name: str) -> bool:
    """Whether a name is no special one, and one of a class."""
    plain = not name.rpartition(".")[2].startswith("_")
    return plain and ":" in name


@contextmanager
def unusual() -> Generator[None]:
    """What is often set to the same value is another one inside, so that setting it shows."""
    dice, limit = random.getstate(), sys.getrecursionlimit()
    random.seed(0x5EED)
    sys.setrecursionlimit(limit + 7)
    try:
        yield
    finally:
        random.setstate(dice)
        sys.setrecursionlimit(limit)


@contextmanager
def audited(package: str) -> Generator[list[str]]:
    """What is done inside that reaches out of the process, in words.

    package: the one whose look-ups in the environment count.
    """
    if not _hooked:
        _hooked.append(True)
        sys.addaudithook(_audit)
    found: list[str] = []
    _heard.append(found)
    try:
        with _registered(found), _environment_read(found, package):
            yield found
    finally:
        _heard.remove(found)


def _audit(event: str, arguments: Any) -> None:
    if not _heard or (event != "open" and event not in TOUCHED):
        return
    if any(part in repr(arguments) for part in CACHES):
        return
    text = f"calls {event}: {arguments!r:.60}"
    if event == "open":
        text = _opened(arguments[0], str(arguments[1] or ""))
    if text:
        _heard[-1].append(text)


def _opened(path: Any, mode: str) -> str:
    """What opening a file is called; nothing if it is one that Python itself reads."""
    writes, reads = OPENED
    if set(mode) & set("wax+"):
        return writes.format(f"{path!r:.60}")
    name = "" if isinstance(path, int) else os.fsdecode(path or "")
    if not mode or not name or name.endswith((".py", ".pth")):
        return ""
    own = [sys.prefix, sys.base_prefix, *(one for one in sys.path if one)]
    whole = Path(name).absolute()
    return "" if any(whole.is_relative_to(one) for one in own) else reads.format(f"{path!r:.60}")


@contextmanager
def _registered(found: list[str]) -> Generator[None]:
    """Take note of functions that are to run at the end of the process."""
    register = atexit.register

    def note(function: Callable[..., Any], *given: Any, **named: Any) -> Callable[..., Any]:
        if next(_callers(), "").partition(".")[0] not in sys.stdlib_module_names:
            found.append("registers a function with atexit")
        return register(function, *given, **named)

    at_end: Any = atexit
    at_end.register = note
    try:
        yield
    finally:
        at_end.register = register


@contextmanager
def _environment_read(found: list[str], package: str) -> Generator[None]:
    """Take note of variables of the environment that a package looks up by name."""
    kind: Any = type(os.environ)
    get = kind.__getitem__

    def look(self: Any, key: str) -> str:
        if _asks(package):
            found.append(f"reads {key!r} of the environment")
        value: str = get(self, key)
        return value

    kind.__getitem__ = look
    try:
        yield
    finally:
        kind.__getitem__ = get


def _asks(package: str) -> bool:
    """Whether it is this package that asks for a variable."""
    tops = (name.partition(".")[0] for name in _callers())
    return next((top for top in tops if top not in OWN_OF_OS), "") == package


def _callers() -> Iterator[str]:
    """Names of the modules whose functions are running, innermost first; this one is left out."""
    at = inspect.currentframe()
    while at is not None:
        name = str(at.f_globals.get("__name__", ""))
        if name != __name__:
            yield name
        at = at.f_back
