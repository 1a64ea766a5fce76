"""What the tests of repaired and converted streams share: save, mend, load, look at the guest."""

from __future__ import annotations

import re
import subprocess
import sys
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tests.qemu import corpus, device_corpus, device_guest
from tests.qemu.device_case import DeviceCase
from tests.qemu.machine import Install, Qemu, QemuFailed, installs
from virtmig.hooks.registry import Registry
from virtmig.reading import Found, Undecoded, read_devices
from virtmig.stream.opening import open_stream

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.qemu.case import Case

TICK = re.compile(r"^TICK (\d+) (.*?)\r?$", re.MULTILINE)
FURTHER = 2  # rounds the guest has to manage after the load
SECONDS = 120.0


@dataclass(frozen=True)
class Saved:
    """A machine that was saved: its stream, its disks, and what its guest had said."""

    stream: Path
    disks: tuple[Path, ...]
    console: str


def installed(version: str) -> Install | None:
    """The QEMU of this version, if there is one."""
    return next((one for one in installs() if one.version == version), None)


def prepared(case: Case, install: Install) -> Qemu:
    """The machine of a case, of either kind, not started."""
    if isinstance(case, DeviceCase):
        device_guest.build(case.arch)
        return device_corpus.prepare(case, install)
    return corpus.prepare(case, install)


def save(case: Case, install: Install, folder: Path) -> Saved:
    """Run the machine up to the case's moment and save it."""
    with prepared(case, install) as machine:
        if isinstance(case, DeviceCase):
            device_corpus.reach(case, machine)
        else:
            corpus.reach(case, machine)
        stream = folder / "saved.mig"
        machine.save(stream)
        console = machine.serial
        machine.quit()
        disks = tuple(sorted(machine.work.glob("disk*.img")))
        kept = tuple(disk.rename(folder / disk.name) for disk in disks)
    return Saved(stream, kept, console)


@contextmanager
def loaded(case: Case, install: Install, saved: Saved, stream: Path) -> Iterator[Qemu]:
    """The machine of a case with a stream loaded; stopped."""
    with prepared(case, install) as machine:
        for disk in saved.disks:
            machine.put(disk)
        machine.start(incoming=True)
        if case.needs_tap:
            corpus.raise_tap()
        machine.load(stream)
        yield machine


def refusal(case: Case, install: Install, saved: Saved, stream: Path) -> str:
    """What QEMU says when it refuses a stream; empty if it loads it."""
    try:
        with loaded(case, install, saved, stream):
            return ""
    except QemuFailed as error:
        return str(error)


def virtmig(*words: object) -> subprocess.CompletedProcess[str]:
    """Run the command as a user would."""
    command = [sys.executable, "-m", "virtmig", *map(str, words)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def mended(*words: object) -> Path:
    """Run a command that writes a stream, which it has to; the stream is the last word."""
    done = virtmig(*words)
    assert done.returncode == 0, f"virtmig ended with {done.returncode}: {done.stdout}{done.stderr}"
    last: Path = words[-1]  # type: ignore[assignment]
    return last


def goes_on(saved: Saved, machine: Qemu) -> None:
    """The guest's rounds go on where they were, without a gap, and nothing in them is bad."""
    before = [int(number) for number, _ in TICK.findall(saved.console)]
    last = before[-1] if before else 0
    machine.cont()
    machine.wait_serial(rf"TICK {last + FURTHER} .*\n", SECONDS)
    rounds = TICK.findall(saved.console + machine.serial)
    numbers = [int(number) for number, _ in rounds]
    assert numbers == list(range(1, len(rounds) + 1)), numbers
    assert not [text for _, text in rounds if "BAD" in text]


def devices(stream: Path) -> dict[str, Found]:
    """What virtmig decodes of a stream, by the last part of the idstr."""
    with open_stream(stream) as opened:
        found = read_devices(opened, Registry())
    bad = [one.error for one in found if isinstance(one, Undecoded)]
    assert not bad, bad
    return {one.section.idstr.rpartition("/")[2]: one for one in found}
