"""A machine with one of each device that QEMU saves: all decode, and load and save the same."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest

from tests.qemu.devices import foreign
from tests.qemu.machine import Qemu

if TYPE_CHECKING:
    from pathlib import Path

    from tests.qemu.machine import Arch, Install

pytestmark = pytest.mark.qemu

MEMORY = ("-object", "memory-backend-ram,id=mem0,size=256M")
MACHINES: dict[Arch, tuple[str, ...]] = {
    "x86": (
        *("-M", "q35", "-m", "64M,slots=2,maxmem=1G"),
        *foreign("pci"),
        *("-device", "virtio-vga,max_outputs=2", "-device", "virtio-gpu-pci"),
        *("-device", "virtio-keyboard-pci", "-device", "virtio-tablet-pci"),
        *("-fsdev", "local,id=fs0,path=.,security_model=none"),
        *("-device", "virtio-9p-pci,fsdev=fs0,mount_tag=shared"),
        *(*MEMORY, "-device", "virtio-mem-pci,memdev=mem0,requested-size=0"),
    ),
    "s390x": (
        *("-M", "s390-ccw-virtio", "-m", "64M"),
        *foreign("ccw"),
        *("-device", "virtio-gpu-ccw", "-device", "virtio-keyboard-ccw"),
    ),
}
EXPECTED = {
    "x86": {
        *("virtio-rng", "virtio-balloon", "virtio-console", "virtio-scsi", "scsi-disk"),
        *("virtio-gpu", "virtio-vga", "virtio-input", "virtio-9p", "virtio-mem"),
    },
    "s390x": {
        *("virtio-rng", "virtio-balloon", "virtio-console", "virtio-scsi", "scsi-disk"),
        *("virtio-gpu", "virtio-input"),
    },
}


def save(install: Install, arch: Arch, stream: Path) -> None:
    """Save the machine before its first instruction."""
    args = ["-S", "-accel", "tcg", "-nodefaults", "-vga", "none", *MACHINES[arch]]
    with Qemu(install, arch, args) as machine:
        with (machine.work / "disk2.img").open("wb") as disk:
            disk.truncate(1 << 20)
        machine.start()
        machine.save(stream, ())
        machine.quit()


def virtmig(*arguments: object) -> str:
    """Run the command; it has to end well."""
    command = [sys.executable, "-m", "virtmig", *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"virtmig ended with {done.returncode}: {done.stderr}"
    return done.stdout


@pytest.mark.parametrize("arch", MACHINES)
def test_all_devices_decode_and_come_back(install: Install, arch: Arch, scratch: Path) -> None:
    """No section stays bytes for want of understanding, and none changes on its way."""
    stream, again = scratch / "devices.mig", scratch / "again.mig"
    save(install, arch, stream)
    devices: list[dict[str, Any]] = json.loads(virtmig("inspect", "--json", stream))["devices"]
    assert not [device for device in devices if "error" in device]
    found = {str(device["idstr"]).rpartition("/")[2] for device in devices}
    assert found >= EXPECTED[arch]
    virtmig("load", stream, "--save", again)
    assert again.read_bytes() == stream.read_bytes()
