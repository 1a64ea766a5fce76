"""Streams that no QEMU loads are mended by virtmig, and their guests go on."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from tests.qemu.case import VERSIONS, Case
from tests.qemu.device_case import DISK, DeviceCase, dev, plain
from tests.qemu.devices import BURST_START, blk, failing_blk, net
from tests.qemu.mending import (
    devices,
    goes_on,
    installed,
    loaded,
    mended,
    refusal,
    save,
    virtmig,
)
from tests.qemu.request_cases import request_cases
from virtmig.reading import Attached, Decoded

if TYPE_CHECKING:
    from pathlib import Path

    from tests.qemu.machine import Install

pytestmark = pytest.mark.qemu

# The oldest version there is; so all four QEMUs know it.
Q35, CCW = "pc-q35-5.2", "s390-ccw-virtio-5.2"
_REQUESTS = {case.name: case for case in request_cases("pci")}


def failing(name: str) -> DeviceCase:
    """A machine of the corpus whose SCSI disk or serial port has a request in flight."""
    return replace(_REQUESTS[name], machine=Q35)


_BLK = Case(
    "mended", "x86", Q35, (*failing_blk("pci", "read", "packed=on"), *net("pci")), "io-error"
)
_CCW = Case(
    "mended", "s390x", CCW, (*failing_blk("ccw", "write", "packed=on"), *net("ccw")), "io-error"
)
PACKED: dict[str, tuple[Case, Case]] = {
    "blk": (
        replace(_BLK, guest="lab_burst=read"),
        replace(_BLK, devices=(*blk("pci", "packed=on"), *net("pci"))),
    ),
    "blk-ccw": (
        replace(_CCW, guest="lab_burst=write"),
        replace(_CCW, devices=(*blk("ccw", "packed=on"), *net("ccw"))),
    ),
    "scsi": (
        failing("scsi-write-packed"),
        replace(
            failing("scsi-write-packed"),
            devices=(
                *dev("virtio-scsi-pci", "id=scsi0", "num_queues=1", "packed=on"),
                *("-drive", f"{DISK},discard=unmap", *dev("scsi-hd", "drive=d0")),
            ),
        ),
    ),
    "serial": (failing("serial-flood-packed"), failing("serial-flood-packed")),
}
"""A machine with a request of a packed ring in flight, and the one that is to serve it."""


def requests_left(stream: Path) -> int:
    """Requests that no device of a stream has finished, by the devices' own count."""
    left = 0
    for name, found in devices(stream).items():
        if isinstance(found, Attached):
            left += len(found.state.fields.qdev.requests)
        elif isinstance(found, Decoded) and name in ("virtio-blk", "virtio-scsi"):
            tail = found.state.subsections.packed_virtqueues
            rows = tail.vq if tail else ()
            roles = found.drivers.device.driver.queue_name
            names = [roles(number, len(found.state.queues)) for number in range(len(rows))]
            pairs = zip(names, rows, strict=True)
            left += sum(row.inuse for role, row in pairs if role == "requestq")
    return left


@pytest.mark.parametrize("name", PACKED)
def test_a_request_of_a_packed_ring_is_served(install: Install, name: str, scratch: Path) -> None:
    """No QEMU loads the stream; mended, every one does, and the request completes."""
    failed, healthy = PACKED[name]
    saved = save(failed, install, scratch)
    stream = mended("repair", saved.stream, "-o", scratch / "mended.mig")
    # rings of 10.0.13 are another defect, which nobody can mend here
    targets = [one for one in VERSIONS if (install.version, one) != ("10.0", "11.1")]
    for target in filter(None, map(installed, targets)):
        assert refusal(healthy, target, saved, saved.stream), f"{target.version} loads it unmended"
        with loaded(healthy, target, saved, stream) as machine:
            goes_on(saved, machine)
            if name != "serial":
                machine.save(scratch / "again.mig")
                assert requests_left(scratch / "again.mig") == 0


POISON = replace(
    plain("poison", "virtio-balloon", dev("virtio-balloon-pci", "id=balloon0", "page-poison=on")),
    machine=Q35,
    boot="page_poison=1 init_on_free=0",
)
"""A guest that fills free pages with a pattern, and tells the balloon which."""


def test_page_poison_under_its_misspelt_name(scratch: Path) -> None:
    """What 5.2 saved, no QEMU loads; mended, all do, and those that can have the value."""
    source = installed("5.2")
    if source is None:
        pytest.skip("QEMU 5.2 is not installed")
    saved = save(POISON, source, scratch)
    for target in filter(None, map(installed, VERSIONS)):
        old = ("--target", "5.2") if target.version == "5.2" else ()
        stream = mended("repair", *old, saved.stream, "-o", scratch / f"{target.version}.mig")
        assert refusal(POISON, target, saved, saved.stream)
        with loaded(POISON, target, saved, stream) as machine:
            goes_on(saved, machine)
            machine.save(scratch / "again.mig")
        balloon = devices(scratch / "again.mig")["virtio-balloon"]
        assert isinstance(balloon, Decoded)
        state = balloon.state.device
        poison = state.page_poison or state.vitio_page_poison
        assert poison.poison_val == (0 if old else 0xAAAAAAAA)


AREA = slice(BURST_START * 512, BURST_START * 512 + (1 << 20))
"""What the guest's burst discards on the disk."""


@pytest.mark.parametrize("version", ["10.0", "11.1"])
@pytest.mark.parametrize("packed", ["off", "on"])
def test_an_emulated_scsi_request_with_data(version: str, packed: str, scratch: Path) -> None:
    """An UNMAP in flight: its own QEMU refuses it, and mended carries it out on the disk."""
    install = installed(version)
    if install is None:
        pytest.skip(f"QEMU {version} is not installed")
    name = "scsi-discard" if packed == "off" else "scsi-discard-packed"
    failed = replace(_REQUESTS[name], machine="pc-q35-10.0")
    devices_ = (
        *dev("virtio-scsi-pci", "id=scsi0", "num_queues=1", f"packed={packed}"),
        *("-drive", f"{DISK},discard=unmap", *dev("scsi-hd", "drive=d0")),
    )
    healthy = replace(failed, devices=devices_)
    saved = save(failed, install, scratch)
    with saved.disks[0].open("r+b") as disk:
        disk.seek(AREA.start)
        disk.write(b"\xaa" * (AREA.stop - AREA.start))
    stream = mended("repair", saved.stream, "-o", scratch / "mended.mig")
    assert refusal(healthy, install, saved, saved.stream)
    with loaded(healthy, install, saved, stream) as machine:
        goes_on(saved, machine)
        machine.save(scratch / "again.mig")
        assert requests_left(scratch / "again.mig") == 0
        machine.quit()
        area = (machine.work / "disk0.img").read_bytes()[AREA]
    assert area == bytes(len(area)), "the discard did not reach the disk"


LONG = Case("long", "x86", Q35, (*blk("pci"), *net("pci")), "firmware", 64)
"""Firmware has used the disk and is done; nobody has used the network's control queue."""


def test_rings_that_are_too_long_and_not_in_use(scratch: Path) -> None:
    """10.0.13 makes all rings 1,024 long, which 11.1 refuses; those not set up are mended."""
    source, target = installed("10.0"), installed("11.1")
    if source is None or target is None:
        pytest.skip("QEMU 10.0 and 11.1 are not both installed")
    saved = save(LONG, source, scratch)
    assert "exceeds allocated max" in refusal(LONG, target, saved, saved.stream)
    stream = mended("repair", "--target", "11.1", saved.stream, "-o", scratch / "mended.mig")
    with loaded(LONG, target, saved, stream) as machine:
        machine.cont()
        assert machine.status() == "running"


def test_rings_that_are_too_long_and_in_use(scratch: Path) -> None:
    """A guest works with them: refused, with the option that makes a target load the stream."""
    source, target = installed("10.0"), installed("11.1")
    if source is None or target is None:
        pytest.skip("QEMU 10.0 and 11.1 are not both installed")
    case = Case("long", "x86", Q35, blk("pci"))
    saved = save(case, source, scratch)
    out = scratch / "mended.mig"
    done = virtmig("repair", "--target", "11.1", saved.stream, "-o", out)
    assert done.returncode == 5
    assert not out.exists()
    option = re.search(r"started with (queue-size=1024)", done.stderr)
    assert option, done.stderr
    assert "exceeds allocated max" in refusal(case, target, saved, saved.stream)
    longer = replace(case, devices=blk("pci", option[1]))
    with loaded(longer, target, saved, saved.stream) as machine:
        goes_on(saved, machine)


SCREENS = replace(
    plain("screens", "virtio-gpu", dev("virtio-gpu-pci", "id=gpu0", "max_outputs=2")),
    machine="pc-q35-7.2",
    guest="lab_dev=modetest",
    wait=r"DONE modetest[\s\S]*TICK 2 .*\n",
    tools=True,
    memory=256,
)
"""Two screens that show something; 7.2 knows no framebuffers, and 10.0 saves some all the same."""


def test_screens_with_framebuffers_for_a_qemu_without(scratch: Path) -> None:
    """What 10.0 saved of several screens, 7.2 refuses; without framebuffers it goes on."""
    source, target = installed("10.0"), installed("7.2")
    if source is None or target is None:
        pytest.skip("QEMU 7.2 and 10.0 are not both installed")
    saved = save(SCREENS, source, scratch)
    stream = mended("repair", "--target", "7.2", saved.stream, "-o", scratch / "mended.mig")
    if stream.read_bytes() == saved.stream.read_bytes():
        pytest.skip("by chance this process wrote no framebuffer")
    assert refusal(SCREENS, target, saved, saved.stream)
    with loaded(SCREENS, target, saved, stream) as machine:
        goes_on(saved, machine)


FINISHED: dict[str, tuple[Case, Case]] = {
    "split": (
        replace(_BLK, devices=(*failing_blk("pci", "read"), *net("pci")), guest="lab_burst=read"),
        replace(_BLK, devices=(*blk("pci"), *net("pci"))),
    ),
    "packed": PACKED["blk"],
    "ccw": (
        replace(_CCW, devices=(*failing_blk("ccw", "write"), *net("ccw")), guest="lab_burst=write"),
        replace(_CCW, devices=(*blk("ccw"), *net("ccw"))),
    ),
}
"""A machine with a request in flight, and one whose disk is sound."""


def in_use(stream: Path) -> int:
    """Chains that the disk has taken and not given back, by its one ring."""
    told = json.loads(virtmig("inspect", "--rings", "--json", stream).stdout)
    disk = next(one for one in told["devices"] if one["idstr"].endswith("virtio-blk"))
    (ring,) = disk["rings"]
    return int(ring["inuse"])


@pytest.mark.parametrize("name", FINISHED)
def test_requests_that_are_finished_with_an_error(
    install: Install, name: str, scratch: Path
) -> None:
    """The guest sees the error at once, gets nothing else of the request, and goes on."""
    failed, healthy = FINISHED[name]
    saved = save(failed, install, scratch)
    out = scratch / "finished.mig"
    stream = mended("repair", "--complete-requests", "error", saved.stream, "-o", out)
    with loaded(healthy, install, saved, stream) as machine:
        goes_on(saved, machine)
        assert "I/O error, dev vda" in machine.serial
        machine.save(scratch / "again.mig")
    assert in_use(scratch / "again.mig") == 0


def test_requests_that_are_finished_as_if_carried_out(install: Install, scratch: Path) -> None:
    """Refused without --unsafe; with it the guest sees no error, and the disk has no data."""
    failed, healthy = FINISHED["ccw"]
    saved = save(failed, install, scratch)
    out = scratch / "finished.mig"
    words = ("repair", "--complete-requests", "ok", saved.stream, "-o", out)
    done = virtmig(*words)
    assert done.returncode == 5
    assert "believes that its data were written" in done.stderr
    assert not out.exists()
    stream = mended("repair", "--unsafe", *words[1:])
    with loaded(healthy, install, saved, stream) as machine:
        goes_on(saved, machine)
        assert "I/O error" not in machine.serial


def test_requests_that_are_only_taken_off_the_list(install: Install, scratch: Path) -> None:
    """Unsafe: other requests are served, and these are never answered."""
    failed, healthy = FINISHED["split"]
    saved = save(failed, install, scratch)
    out = scratch / "emptied.mig"
    words = ("edit", saved.stream, "--set", "virtio-blk:device.requests=[]", "-o", out)
    assert virtmig(*words).returncode == 5
    lost = in_use(saved.stream)
    assert lost
    with loaded(healthy, install, saved, mended(words[0], "--unsafe", *words[1:])) as machine:
        goes_on(saved, machine)
        machine.save(scratch / "again.mig")
    assert in_use(scratch / "again.mig") == lost
