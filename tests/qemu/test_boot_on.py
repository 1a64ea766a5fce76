"""A saved guest boots on: from a stream that went through virtmig, in a second QEMU."""

from __future__ import annotations

import filecmp
import re
import subprocess
import sys
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from tests.qemu.cases import Case
from tests.qemu.corpus import prepare, reach
from tests.qemu.devices import blk, failing_blk, net
from tests.qemu.mmio_cases import mmio_cases

if TYPE_CHECKING:
    from pathlib import Path

    from tests.qemu.machine import Install, Qemu

pytestmark = pytest.mark.qemu

TICK = re.compile(r"^TICK (\d+) disk (\w+) net (\w+)\r?$", re.MULTILINE)
FURTHER = 3  # rounds the guest has to manage after the load
FURTHER_SECONDS = 90.0

_MMIO = {case.name: case for case in mmio_cases()}
MACHINES = {
    "pc": Case("boot-on", "x86", "pc", (*blk("pci"), *net("pci"))),
    "q35": Case("boot-on", "x86", "q35", (*blk("pci"), *net("pci"))),
    "s390x": Case("boot-on", "s390x", "s390-ccw-virtio", (*blk("ccw"), *net("ccw"))),
    "microvm": replace(_MMIO["microvm"], name="boot-on"),
    "virt": replace(_MMIO["virt-modern"], name="boot-on"),
}
# which requests are in flight
IN_FLIGHT = {"q35": ("pci", "read"), "s390x": ("ccw", "write")}


def through_virtmig(path_in: Path, path_out: Path) -> None:
    """Load a stream with virtmig's command line and save it again, as a user would."""
    command = [sys.executable, "-m", "virtmig", "load", str(path_in), "--save", str(path_out)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"virtmig ended with {done.returncode}: {done.stderr}"


def ticks(console: str) -> list[tuple[int, str, str]]:
    """Give the rounds the guest reported, in order: number, disk, network."""
    return [(int(number), disk, net_) for number, disk, net_ in TICK.findall(console)]


def carry_over(source: Qemu, target: Qemu, folder: Path) -> str:
    """Move the guest from source to target by way of virtmig; return its console so far."""
    saved, resaved = folder / "saved.mig", folder / "resaved.mig"
    source.save(saved)
    console = source.serial
    source.quit()
    through_virtmig(saved, resaved)
    assert filecmp.cmp(saved, resaved, shallow=False), "virtmig changed the stream"
    target.put(source.work / "disk0.img")
    target.start(incoming=True)
    target.load(resaved)
    target.cont()
    return console


def assert_goes_on(before: str, target: Qemu) -> None:
    """The guest's rounds go on where they were, without a gap, and each with good I/O.

    A line may have been cut by the save, so the two consoles are read as the one they are.
    """
    last = ticks(before)[-1][0]
    target.wait_serial(rf"TICK {last + FURTHER} .*\n", FURTHER_SECONDS)
    rounds = ticks(before + target.serial)
    assert [number for number, _, _ in rounds] == list(range(1, len(rounds) + 1))
    assert len(rounds) >= last + FURTHER
    assert {(disk, net_) for _, disk, net_ in rounds} == {("ok", "ok")}


@pytest.mark.parametrize("machine", MACHINES)
def test_a_guest_boots_on_from_a_stream_virtmig_saved(
    install: Install, machine: str, scratch: Path
) -> None:
    """A running guest, saved, taken through virtmig and loaded, goes on with good I/O."""
    case = MACHINES[machine]
    with prepare(case, install) as source, prepare(case, install) as target:
        reach(case, source)
        before = carry_over(source, target, scratch)
        assert_goes_on(before, target)


@pytest.mark.parametrize("machine", IN_FLIGHT)
def test_requests_in_flight_are_served_after_the_load(
    install: Install, machine: str, scratch: Path
) -> None:
    """Requests that failed on the source travel in the stream; the target serves them."""
    bus, kind = IN_FLIGHT[machine]
    healthy = replace(MACHINES[machine], guest=f"lab_burst={kind}")
    devices = (*failing_blk(bus, kind), *net(bus))
    failing = replace(healthy, devices=devices, until="io-error")
    with prepare(failing, install) as source, prepare(healthy, install) as target:
        reach(failing, source)
        before = carry_over(source, target, scratch)
        assert_goes_on(before, target)
