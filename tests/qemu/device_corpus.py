"""Make the streams of devices other than disk and network, and record what QEMU refuses.

    python -m tests.qemu.device_corpus OUT [NAME-PART ...]

writes what `corpus.py` writes, and OUT/refusals.json: the cases QEMU would not start or save,
each with its own words.
"""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor, as_completed
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tests.qemu import device_guest, truth
from tests.qemu.corpus import AT_ONCE, DISK_BYTES, FIRMWARE_SECONDS
from tests.qemu.device_cases import device_cases
from tests.qemu.machine import Install, Qemu, QemuFailed, QemuTimeout, installs
from tests.qemu.qmp import QmpClosed, QmpError
from tests.qemu.vhost_user import serving

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.qemu.device_case import DeviceCase

_refusals_free = threading.Lock()


def prepare(case: DeviceCase, install: Install) -> Qemu:
    """A machine for the case with all its files in place, not yet started."""
    machine = Qemu(install, case.arch, case.args())
    for number in range(3):
        with (machine.work / f"disk{number}.img").open("wb") as disk:
            disk.truncate(DISK_BYTES)
        os.mkfifo(machine.work / f"fifo{number}")
    (machine.work / "shared").mkdir()
    (machine.work / "shared" / "file").write_text("shared\n")
    if case.until != "firmware":
        machine.put(device_guest.kernel(case.arch))
        machine.put(device_guest.initrd(case.arch, tools=case.tools))
    return machine


def reach(case: DeviceCase, machine: Qemu) -> None:
    """Start the machine and bring it to the moment of the save."""
    machine.start()
    if case.until == "tick":
        machine.wait_serial(case.wait)
    elif case.until == "io-error":
        machine.wait_status("io-error")
    elif case.until == "firmware":
        time.sleep(FIRMWARE_SECONDS)  # firmware tells nobody when it is done
    for command, arguments in case.acts:
        machine.qmp.command(command, **arguments)
    time.sleep(case.settle)


def ask(machine: Qemu) -> dict[str, Any]:
    """What the monitor tells, with what it tells of these devices in particular."""
    told = truth.ask(machine)
    for name in ("query-balloon", "query-memory-devices", "query-memory-size-summary"):
        try:
            told[name] = machine.qmp.command(name)
        except QmpError as error:  # no such device
            told[name] = {"error": str(error)}
    told["chardev"] = machine.qmp.command("query-chardev")
    return told


def record(case: DeviceCase, install: Install, out: Path) -> str:
    """Make one stream and its truth; return what to write into the log."""
    stem = out / f"{case.arch}-{install.version}-{case.name}"
    stream = stem.with_name(f"{stem.name}.mig")
    if stream.exists() and stem.with_name(f"{stem.name}.truth.json").exists():
        return f"{stem.name} kept"
    begin = time.monotonic()
    with contextlib.ExitStack() as stack:
        machine = stack.enter_context(prepare(case, install))
        for backend in case.backends:
            stack.enter_context(serving(machine, backend))
        step = "start"
        try:
            reach(case, machine)
            told: dict[str, Any] = {}
            step = "migrate"
            if not case.live:
                if case.until != "unstarted":
                    machine.qmp.command("stop")
                told = ask(machine) if case.asked else {}
            report = machine.save(stream, case.capabilities, stop=not case.live)
            if case.live:
                told = ask(machine)
        except QemuTimeout:  # the fault of a slow test machine, not a refusal
            raise
        except (QemuFailed, QmpError) as error:
            return refuse(case, machine, out, step, error)
        console = machine.serial
        machine.quit()
        told |= {
            "args": machine.args,
            "command": machine.argv(),
            "migrate": report,
            "console": console,
            "stderr": machine.stderr,
        }
    stem.with_name(f"{stem.name}.truth.json").write_text(json.dumps(told, indent=1))
    _keep(out, case, install.version, [])
    last = [line for line in console.splitlines() if line.startswith("TICK")][-1:]
    size = stream.stat().st_size
    return f"{stem.name} ok {size} bytes, {last}, {time.monotonic() - begin:.1f} s"


def refuse(case: DeviceCase, machine: Qemu, out: Path, step: str, error: Exception) -> str:
    """Keep QEMU's words about a case it does not start or save."""
    version = machine.install.version
    found: dict[str, Any] = {
        "device": case.device,
        "qemu": version,
        "arch": case.arch,
        "machine": case.machine,
        "case": case.name,
        "command": step,
        "reason": error.description if isinstance(error, QmpError) else str(error),
        "stderr": machine.stderr,
        "args": list(case.devices),
    }
    with contextlib.suppress(QemuFailed, QmpError, QmpClosed, OSError, ValueError):
        answer = machine.qmp.command("query-migrate")
        found |= {key: answer[key] for key in ("blocked-reasons", "error-desc") if key in answer}
    _keep(out, case, version, [found])
    return f"{case.arch}-{version}-{case.name} REFUSED {step}: {found['reason']}"


def _keep(out: Path, case: DeviceCase, version: str, found: list[dict[str, Any]]) -> None:
    """Replace what is known of one case: nothing, once it has a stream."""
    path = out / "refusals.json"
    this = (case.arch, version, case.name)
    with _refusals_free:
        known = json.loads(path.read_text()) if path.exists() else []
        known = [one for one in known if (one["arch"], one["qemu"], one["case"]) != this]
        known += found
        known.sort(key=lambda one: (one["device"], one["arch"], one["case"], float(one["qemu"])))
        path.write_text(json.dumps(known, indent=1) + "\n")


def attempt(case: DeviceCase, install: Install, out: Path) -> str:
    """`record`, with a failure as a line for the log instead of an exception."""
    try:
        return record(case, install, out)
    except (QemuFailed, QmpError, QmpClosed, subprocess.CalledProcessError, OSError) as error:
        return f"{case.arch}-{install.version}-{case.name} FAILED {error!r}"


def wanted(parts: list[str]) -> Iterator[tuple[DeviceCase, Install]]:
    """The cases to make, with the QEMU to make each on."""
    for case in device_cases():
        for install in installs():
            full = f"{case.arch}-{install.version}-{case.name}"
            if install.version in case.versions and (
                not parts or any(part in full for part in parts)
            ):
                yield case, install


def main(argv: list[str]) -> int:
    """Run the cases, two at a time; the exit status tells whether all went as foreseen."""
    if not argv:
        print(__doc__, file=sys.stderr)
        return 2
    out = Path(argv[0])
    out.mkdir(parents=True, exist_ok=True)
    jobs_wanted = list(wanted(argv[1:]))
    for arch in {case.arch for case, _ in jobs_wanted}:
        device_guest.build(arch)
    failed = 0
    with (out / "log").open("a") as log, ThreadPoolExecutor(AT_ONCE) as pool:
        jobs = [pool.submit(attempt, case, install, out) for case, install in jobs_wanted]
        for job in as_completed(jobs):
            line = job.result()
            failed += " FAILED " in line
            print(line, file=log, flush=True)
            print(line, flush=True)
    return 1 if failed else 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
