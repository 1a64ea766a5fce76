"""Importing a plugin so that whatever it does while it is imported, the command goes on.

An import runs in a daemon thread, and the caller waits for it with a limit. So does the first call
of a driver, `describe_driver`, which every command makes:

- Nothing else can end an import that hangs. An alarm signal reaches the main thread only, which
  a library may not assume to be in, and neither does it get through a lock that is waited for. A
  process could be killed, but cannot hand objects back; `virtmig plugins doctor` and `validate`
  use one, because they need none.
- Import locks are one for each module, so a plugin that hangs keeps only those from being
  imported that import the same module; each of them has the limit of its own.
- Signals stay in the main thread: a real Ctrl-C ends the waiting, while a KeyboardInterrupt that
  the plugin raises is caught in its thread. So the two can be told apart.
- A daemon thread does not keep the process from ending, and neither do the threads that it starts:
  they are daemons like it, if they are not told otherwise.

A plugin cannot install signal handlers while it is imported: that is for the main thread alone.
An import that holds the interpreter's lock in C for ever stops everything; only a process helps.
"""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager
from typing import Any, TextIO

import attrs

_late: dict[str, threading.Thread] = {}
"""Imports that were given up and may still be going on, by what they import."""


@attrs.define
class Attempt:
    """What came of an import: `value`, the `error` that it raised, or neither if it is `late`."""

    value: Any = None
    error: BaseException | None = None
    late: bool = True
    seconds: float = 0.0


def attempt(what: str, load: Callable[[], Any], limit: float) -> Attempt:
    """Call `load` and wait for it, but not longer than `limit` seconds.

    what: names the import. One that was given up before is not waited for a second time.
    """
    earlier = _late.get(what)
    if earlier is not None and earlier.is_alive():
        return Attempt()
    made = Attempt()

    def work() -> None:
        try:
            made.value = load()
        except BaseException as error:  # noqa: BLE001  SystemExit and KeyboardInterrupt too
            made.error = error
        made.late = False

    thread = threading.Thread(target=work, name=f"import of {what}", daemon=True)
    start = time.perf_counter()
    with _output.aside():
        thread.start()
        thread.join(limit)
    if made.late:
        _late[what] = thread
        return Attempt()  # not `made`: the thread may still fill that in
    made.seconds = time.perf_counter() - start
    return made


class _Output:
    """Sends what plugins print while they are imported to standard error.

    Standard output belongs to the answer, which may be JSON. Two threads of a program may import
    at the same time, so the output is put back when the last of them is done.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._inside = 0
        self._own: TextIO | None = None

    @contextmanager
    def aside(self) -> Generator[None, None, None]:
        with self._lock:
            if self._inside == 0:
                self._own, sys.stdout = sys.stdout, sys.stderr
            self._inside += 1
        try:
            yield
        finally:
            with self._lock:
                self._inside -= 1
                if self._inside == 0 and self._own is not None:
                    sys.stdout, self._own = self._own, None


_output = _Output()
