"""Make the corpus: real streams of all cases, each with what the monitor said of the same machine.

    python -m tests.qemu.corpus OUT [NAME-PART ...]

writes ARCH-VERSION-CASE.mig and .truth.json into OUT, and one line per case to OUT/log. Existing
streams are kept, so that an interrupted run can go on. With name parts, only cases whose name
contains one of them are made.
"""

from __future__ import annotations

import json
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor, as_completed
from pathlib import Path
from typing import TYPE_CHECKING

from tests.qemu import guest, truth
from tests.qemu.case import Case
from tests.qemu.cases import all_cases
from tests.qemu.devices import TAP, TAP_ADDRESS, TAP_MAC
from tests.qemu.machine import Install, Qemu, QemuFailed, installs
from tests.qemu.qmp import QmpClosed, QmpError

if TYPE_CHECKING:
    from collections.abc import Iterator

AT_ONCE = 2
FIRMWARE_SECONDS = 6.0
DISK_BYTES = 64 << 20
_tap_free = threading.Lock()  # there is one interface of that name


def prepare(case: Case, install: Install) -> Qemu:
    """A machine for the case with all its files in place, not yet started."""
    machine = Qemu(install, case.arch, case.args())
    for number in range(3):
        with (machine.work / f"disk{number}.img").open("wb") as disk:
            disk.truncate(DISK_BYTES)
    if case.until != "firmware":
        machine.put(guest.kernel(case.arch))
        machine.put(guest.initrd(case.arch, tools=case.tools))
    return machine


def reach(case: Case, machine: Qemu) -> None:
    """Start the machine and wait for the moment of the save."""
    machine.start()
    if case.needs_tap:
        raise_tap()
    if case.until == "tick":
        machine.wait_serial(r"TICK 2 .*\n")
    elif case.until == "io-error":
        machine.wait_status("io-error")
    elif case.until == "firmware":
        time.sleep(FIRMWARE_SECONDS)  # firmware tells nobody when it is done
    if case.link_down:
        machine.qmp.command("set_link", name="net0", up=False)


def raise_tap() -> None:
    """Give this host its addresses on the interface that a machine has just made.

    The guest remembers the host's MAC address, and goes on to use it after a load.
    """
    subprocess.run(["ip", "link", "set", TAP, "address", TAP_MAC, "up"], check=True)
    subprocess.run(["ip", "addr", "add", TAP_ADDRESS, "dev", TAP], check=True)


def record(case: Case, install: Install, out: Path) -> str:
    """Make one stream and its truth; return what to write into the log."""
    stem = out / f"{case.arch}-{install.version}-{case.name}"
    stream = stem.with_name(f"{stem.name}.mig")
    if stream.exists() and stem.with_name(f"{stem.name}.truth.json").exists():
        return f"{stem.name} kept"
    begin = time.monotonic()
    with prepare(case, install) as machine:
        reach(case, machine)
        if case.until != "unstarted":
            machine.qmp.command("stop")
        told = truth.ask(machine)
        report = machine.save(stream, case.capabilities)
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
    ticks = console.count("TICK")
    good = console.count("disk ok net ok")
    size = stream.stat().st_size
    return f"{stem.name} ok {size} bytes, ticks {good}/{ticks}, {time.monotonic() - begin:.1f} s"


def attempt(case: Case, install: Install, out: Path) -> str:
    """`record`, with a failure as a line for the log instead of an exception."""
    try:
        if not case.needs_tap:
            return record(case, install, out)
        with _tap_free:
            return record(case, install, out)
    except (QemuFailed, QmpError, QmpClosed, subprocess.CalledProcessError) as error:
        return f"{case.arch}-{install.version}-{case.name} FAILED {error}"


def wanted(parts: list[str]) -> Iterator[tuple[Case, Install]]:
    """The cases to make, with the QEMU to make each on."""
    found = {install.version: install for install in installs()}
    for (version, name), case in all_cases().items():
        full = f"{case.arch}-{version}-{name}"
        if version in found and (not parts or any(part in full for part in parts)):
            yield case, found[version]


def main(argv: list[str]) -> int:
    """Run the cases, two at a time; the exit status tells whether all went well."""
    if not argv:
        print(__doc__, file=sys.stderr)
        return 2
    out = Path(argv[0])
    out.mkdir(parents=True, exist_ok=True)
    for arch in guest.FLAVOURS:
        guest.build(arch)
    failed = 0
    with (out / "log").open("a") as log, ThreadPoolExecutor(AT_ONCE) as pool:
        jobs = [pool.submit(attempt, case, install, out) for case, install in wanted(argv[1:])]
        for job in as_completed(jobs):
            line = job.result()
            failed += " FAILED " in line
            print(line, file=log, flush=True)
            print(line, flush=True)
    return 1 if failed else 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
