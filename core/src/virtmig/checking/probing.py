"""Importing plugins in a process of their own, so that none can hurt this one or the next.

A process that dies or hangs is blamed on the driver that it was at, and another process goes on
with the rest.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import IO, Any

import attrs

from virtmig.hooks.contract import Finding
from virtmig.hooks.discovery import Installed

PATIENCE = 5.0
"""Seconds beyond the limit of an import after which a process that is silent is ended."""
STEP = 0.02


@attrs.define
class Probed:
    """What became known of one driver. facts: as its row in `virtmig plugins list`.

    stage: what the process was doing with it when it was last heard of; empty before.
    """

    source: Installed
    findings: list[Finding] = attrs.field(factory=list[Finding])
    facts: dict[str, Any] = attrs.field(factory=dict[str, Any])
    stage: str = ""

    def blame(self, ended: int | None, said: str, limit: float) -> None:
        """Note that the process came to its end at this driver, and how."""
        doing = f"{self.stage} {self.source.value!r}"
        if ended is None:
            code, what = "import-hangs", f"{doing} took longer than {limit:g} s"
            do = "wait for nothing there"
        else:
            how = f"with exit code {ended}" if ended >= 0 else f"by signal {-ended}"
            code, what = "import-ends-process", f"{doing} ended the process {how}{said}"
            do = "raise an exception instead"
        self.findings.append(Finding(code=code, where=self.source.value, what=what, do=do))


def probe(sources: Sequence[Installed], limit: float, path: Sequence[str] = ()) -> list[Probed]:
    """Import and bind each driver. path: where modules are that are not installed."""
    found = [Probed(one) for one in sources]
    while waiting := {number: one for number, one in enumerate(found) if not one.stage}:
        _process(waiting, limit, path)
        if not any(one.stage for one in waiting.values()):  # it did not even start
            first = next(iter(waiting.values()))
            what = "the process that imports plugins could not be started"
            first.findings.append(Finding(code="no-process", what=what))
            break
    return found


def _process(waiting: dict[int, Probed], limit: float, path: Sequence[str]) -> None:
    """Run one process, and take over what it tells of these drivers."""
    drivers = [(number, attrs.asdict(one.source)) for number, one in waiting.items()]
    with tempfile.TemporaryDirectory() as folder:
        request, output, errors = (Path(folder) / name for name in ("request", "output", "errors"))
        asked = {"path": [*path, *sys.path], "drivers": drivers, "limit": limit}
        request.write_text(json.dumps(asked))
        output.touch()
        with errors.open("wb") as stderr:
            ended = _run(request, output, stderr, limit + PATIENCE)
        last: Probed | None = None
        for line in output.read_text().splitlines():
            told = json.loads(line)
            last = None if "complete" in told else waiting[told["number"]]
            if last is not None:
                _take(last, told)
        if last is not None:
            said = errors.read_text(errors="replace").strip().splitlines()[-1:]
            last.blame(ended, "".join(f": {line}" for line in said), limit)


def _run(request: Path, output: Path, stderr: IO[bytes], patience: float) -> int | None:
    """The exit code of the process, or None if it was ended for saying nothing for too long."""
    command = [sys.executable, "-P", "-m", "virtmig.checking.probe", str(request), str(output)]
    with subprocess.Popen(  # noqa: S603  our own module
        command, stdin=subprocess.DEVNULL, stdout=stderr, stderr=stderr
    ) as process:
        size, heard = 0, time.monotonic()
        while process.poll() is None:
            time.sleep(STEP)
            if output.stat().st_size != size:
                size, heard = output.stat().st_size, time.monotonic()
            if time.monotonic() - heard > patience:
                process.kill()
                return None
        return process.returncode


def _take(one: Probed, told: dict[str, Any]) -> None:
    """Take over one line."""
    if "stage" in told:
        one.stage = told["stage"]
    elif "finding" in told:
        one.findings.append(Finding(**told["finding"]))
    else:
        one.facts = told["facts"]
