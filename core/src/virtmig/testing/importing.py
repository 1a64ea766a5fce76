"""A process that imports a plugin's module and tells what that did beside defining things."""

from __future__ import annotations

import contextlib
import io
import json
import sys
import time

from virtmig.testing.process import audited, changes, shared_state

SLOW = 5.0


def main() -> None:
    """Import the module that the command line names, and print one line of JSON."""
    module, *others = sys.argv[1:]
    __import__("virtmig.api")
    answer, said = sys.stdout, io.StringIO()
    before = shared_state()
    quiet = contextlib.redirect_stdout(said), contextlib.redirect_stderr(said)
    with audited(module.partition(".")[0]) as done, quiet[0], quiet[1]:
        start = time.perf_counter()
        __import__(module)
        seconds = time.perf_counter() - start
    if said.getvalue():
        done.append(f"prints {said.getvalue()[:60]!r}")
    if seconds > SLOW:
        done.append(f"takes {seconds:.1f} seconds")
    done += changes(before, shared_state())
    found = [name for name in others if name in sys.modules]
    answer.write(json.dumps({"done": done, "others": found}) + "\n")


if __name__ == "__main__":
    main()
