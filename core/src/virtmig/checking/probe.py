"""The process in which plugins are imported to be checked; it may hang, and die.

It reads a request from one file and appends a line of JSON to another whenever it knows more, so
that whatever happens to it, what came before is known (`virtmig.checking.probing`).
"""

from __future__ import annotations

import io
import json
import os
import sys
import threading
import traceback
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import attrs

from virtmig.checking.modules import package_folder, top_of
from virtmig.checking.survey import driver_facts
from virtmig.errors import VirtmigError, shown, told
from virtmig.hooks.contract import Finding, contract_findings
from virtmig.hooks.discovery import Installed
from virtmig.hooks.importing import Attempt
from virtmig.hooks.registry import BINDERS
from virtmig.virtio.drivers import TransportDriver

SLOW = 1.0
"""Seconds that an import may take without a remark."""
PLACES = (
    ("0000:00:02.0", "pc"),
    ("0000:00:02.0:00.0", "pc-q35-7.2"),
    ("0000:00:1e.0:01.0:02.0", "pc-q35-7.2"),
    ("/fe.0.0001", "s390-ccw-virtio-7.2"),
    ("", "s390-ccw-virtio-2.4"),
    ("virtio-mmio@000000000a003e00", "virt-7.2"),
    ("", "virt-2.6"),
)
"""Paths of real devices, with the types of their machines."""


def main() -> None:
    """Check one entry point after the other, and tell of each."""
    asked, output = map(Path, sys.argv[1:])
    request = json.loads(asked.read_text())
    sys.path[:] = request["path"]

    def tell(**what: Any) -> None:
        with output.open("a") as file:
            file.write(json.dumps(what) + "\n")

    for number, fields in request["drivers"]:
        fields["requires"] = tuple(fields["requires"])
        one = Installed(**fields)
        tell(number=number, stage="importing")
        done, found = _import(one, request["limit"])
        for finding in found:
            tell(number=number, finding=attrs.asdict(finding))
        facts: dict[str, Any] = {"seconds": round(done.seconds, 3)}
        if not done.late and done.error is None:
            tell(number=number, stage="binding")
            for finding in _bind(one, done.value, facts):
                tell(number=number, finding=attrs.asdict(finding))
        tell(number=number, facts=facts)
    tell(complete=True)
    os._exit(0)  # threads that a plugin started may never end


def _import(one: Installed, limit: float) -> tuple[Attempt, list[Finding]]:
    """Import one driver, and note what else that does."""
    threads = set(threading.enumerate())
    printed = io.StringIO()
    kept, sys.stderr = sys.stderr, printed
    try:
        done = one.attempt(limit)
    finally:
        sys.stderr = kept
    found = list(_habits(one, done, printed.getvalue().strip()))
    if done.late or done.error is not None:
        return done, [*found, _not_imported(one, done, limit)]
    for thread in set(threading.enumerate()) - threads:
        if not thread.daemon:
            what = f"importing {one.value!r} starts the thread {thread.name!r}"
            do = "start none: the command would not end"
            found.append(_warning("thread", one, what, do))
    return done, found


def _habits(one: Installed, done: Attempt, printed: str) -> Iterator[Finding]:
    """What works and is a nuisance all the same."""
    if printed:
        what = f"{one.value} prints while it is imported: {shown(printed)}"
        yield _warning("prints", one, what, "be silent: what the command prints is an answer")
    if done.seconds > SLOW:
        what = f"importing {one.value!r} takes {done.seconds:.1f} s"
        yield _warning("slow-import", one, what, "import what is heavy where it is used")


def _warning(code: str, one: Installed, what: str, do: str) -> Finding:
    return Finding(code=code, severity="warning", where=one.value, what=what, do=do)


def _not_imported(one: Installed, done: Attempt, limit: float) -> Finding:
    if done.error is None:
        what = f"importing {one.value!r} took longer than {limit:g} s"
        where = _place(one, _frames_of(f"import of {one.value}"))
        return Finding(code="import-hangs", where=where, what=what, do="wait for nothing there")
    what = f"importing {one.value!r} failed: {told(done.error)}"
    where = _place(one, traceback.extract_tb(done.error.__traceback__))
    return Finding(code="import-failed", where=where, what=what, do="mend it there")


def _frames_of(name: str) -> list[traceback.FrameSummary]:
    """Where the thread of an import that hangs is now."""
    frames = sys._current_frames()  # noqa: SLF001  # pyright: ignore[reportPrivateUsage]
    for thread in threading.enumerate():
        if thread.name == name and thread.ident in frames:
            return traceback.extract_stack(frames[thread.ident])
    return []


def _place(one: Installed, frames: list[traceback.FrameSummary]) -> str:
    """File and line of the plugin's own code that was reached last."""
    top = top_of(one.value)
    folder = package_folder(top)
    for frame in reversed(frames):
        path = Path(frame.filename)
        if folder is not None and path.is_relative_to(folder):
            return f"{path.relative_to(folder.parent)}:{frame.lineno}"
        if folder is None and path.stem == top:
            return f"{path.name}:{frame.lineno}"
    return one.value


def _bind(one: Installed, plugin: Any, facts: dict[str, Any]) -> list[Finding]:
    """All that is wrong with an imported plugin; `facts` gets what it says of itself."""
    kind: Any = BINDERS[one.group]
    try:
        driver = kind(plugin, one.name, str(one)).driver
        found = contract_findings(driver)
        if not any(finding.severity == "error" for finding in found):
            facts |= driver_facts(driver)
            if isinstance(driver, TransportDriver):
                facts["claims"] = [place for place in PLACES if driver.claims(*place)]
    except VirtmigError as error:
        what = error.reason.removeprefix(f"{one}: ")
        return [Finding(code="contract", where=one.value, what=what, do=error.hint)]
    except (Exception, SystemExit) as error:  # noqa: BLE001  a property or __repr__ of the plugin's
        what = f"binding it failed: {told(error)}"
        return [Finding(code="contract", where=one.value, what=what)]
    return found


if __name__ == "__main__":
    main()
