"""A process that imports a plugin's module and tells what that did beside defining things."""

from __future__ import annotations

import contextlib
import io
import json
import os
import sys
import threading
import time
from typing import Any

TOUCHED = (
    "socket.connect",
    "socket.bind",
    "subprocess.Popen",
    "os.system",
    "os.fork",
    "os.putenv",
    "os.unsetenv",
    "os.mkdir",
    "os.remove",
    "os.rename",
    "shutil.rmtree",
    "urllib.Request",
)
"""Audit events that an import has no reason for."""
SLOW = 5.0
CACHES = (".pyc", "__pycache__")


def main() -> None:
    """Import the module that the command line names, and print one line of JSON."""
    module, *others = sys.argv[1:]
    events: list[str] = []

    def hook(event: str, arguments: Any) -> None:
        if event in TOUCHED and not any(part in repr(arguments) for part in CACHES):
            events.append(f"{event} {arguments!r:.60}")
        if event == "open" and isinstance(arguments[1], str) and set(arguments[1]) & set("wax+"):
            events.append(f"opens {arguments[0]!r:.60} for writing")

    __import__("virtmig.api")
    place, environment = os.getcwd(), dict(os.environ)  # noqa: PTH109  what os.chdir changes
    answer, said = sys.stdout, io.StringIO()
    sys.addaudithook(hook)
    with contextlib.redirect_stdout(said), contextlib.redirect_stderr(said):
        start = time.perf_counter()
        __import__(module)
        seconds = time.perf_counter() - start
    done = list(events)
    if said.getvalue():
        done.append(f"prints {said.getvalue()[:60]!r}")
    if seconds > SLOW:
        done.append(f"takes {seconds:.1f} seconds")
    if os.getcwd() != place:  # noqa: PTH109
        done.append("changes the current directory")
    if dict(os.environ) != environment:
        done.append("changes the environment")
    if threading.active_count() > 1:
        done.append("starts a thread")
    found = [name for name in others if name in sys.modules]
    answer.write(json.dumps({"done": done, "others": found}) + "\n")


if __name__ == "__main__":
    main()
