"""An edited guest goes on in a real QEMU, and its monitor shows what was changed."""

from __future__ import annotations

import gzip
import json
import os
import subprocess
import sys
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from tests.qemu import guest
from tests.qemu.cases import Case
from tests.qemu.corpus import prepare, reach
from tests.qemu.devices import blk, net
from tests.qemu.test_boot_on import FURTHER, FURTHER_SECONDS, assert_goes_on, ticks

if TYPE_CHECKING:
    from pathlib import Path

    from tests.qemu.machine import Install, Qemu

pytestmark = pytest.mark.qemu

TELLS_STATUS = ("7.2", "10.0")  # 5.2 has no such command, in 11.1 it ends QEMU
MAC = "52:54:00:ed:17:ed"
SETTLED = r"TICK 6 .*\n"
"""Behind the first rounds the guest takes an IPv6 address, and its driver sets the receive mode."""
# Without MSI-X the guest looks at the interrupt status, and a bit of it raises the line.
MACHINES = {
    "q35": Case("edited", "x86", "q35", (*blk("pci"), *net("pci", "vectors=0"))),
    "s390x": Case("edited", "s390x", "s390-ccw-virtio", (*blk("ccw"), *net("ccw"))),
}
SLOTS = Case("moved", "x86", "q35", (*blk("pci", "addr=0x4"), *net("pci", "romfile=,addr=0x5")))
MOVED = replace(SLOTS, devices=(*blk("pci", "addr=0x9"), *net("pci", "romfile=,addr=0xa")))

CLEARS_COPY = ("11.1",)
"""Versions in which a reset clears the transport's copy of the features too."""
TAP = f"vmed{os.getpid()}"  # another run may have one of its own
TAP_NET = ("-netdev", f"tap,id=n0,ifname={TAP},script=no,downscript=no")
TAP_ADDRESS = "10.78.0.2/24"
TAP_MAC = "02:00:00:00:ed:17"
TAP_GUEST = "lab_ip=10.78.0.15 lab_peer=10.78.0.2"
OFFLOADS = "guest_tso4=off,guest_tso6=off,guest_ecn=off,guest_ufo=off"
FIRST = "virtio-net-pci,id=net0,netdev=n0"
OFFLOADED = Case(
    *("offloaded", "x86", "q35", (*blk("pci"), *TAP_NET, "-device", FIRST)), guest=TAP_GUEST
)
RENEGOTIATED = Case("renegotiated", "x86", "q35", (*blk("pci"), *TAP_NET, "-device", FIRST))
WITHOUT = replace(RENEGOTIATED, devices=(*blk("pci"), *TAP_NET, "-device", f"{FIRST},{OFFLOADS}"))
REBOUND = b"""
devices() {
  if [ "$1" = 3 ]; then ip link set eth0 down; rmmod virtio_net; fi
  if [ "$1" = 8 ]; then insmod /mod/virtio_net.ko; ip link set eth0 up; fi
}
"""
"""What the guest does behind its third and eighth round: takes the driver away and back."""


def virtmig(*words: object) -> str:
    """Run the command as a user would; it has to end well."""
    command = [sys.executable, "-m", "virtmig", *map(str, words)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"virtmig ended with {done.returncode}: {done.stderr}"
    return done.stdout


def edit(stream: Path, *words: str) -> Path:
    """The edited stream; the patch that it leaves takes it back to the byte."""
    made, back = stream.with_name("edited.mig"), stream.with_name("back.mig")
    virtmig("edit", stream, "-o", made, *words)
    virtmig("edit", made, "-o", back, "--patch", f"{made}.undo.json")
    assert back.read_bytes() == stream.read_bytes()
    back.unlink()
    return made


def sets(*requests: str) -> list[str]:
    return [word for one in requests for word in ("--set", one)]


def state(stream: Path, name: str) -> Any:
    """The state of the device whose idstr ends with `name`."""
    devices = json.loads(virtmig("inspect", "--json", stream))["devices"]
    return next(one["state"] for one in devices if one["idstr"].endswith(name))


def start(source: Qemu, target: Qemu, stream: Path) -> None:
    """Load a stream into the target, on the source's disk; it stays stopped."""
    target.put(source.work / "disk0.img")
    target.start(incoming=True)
    target.load(stream)


def status_of(machine: Qemu, name: str) -> dict[str, Any]:
    """What the monitor says of a device; empty if this version cannot tell."""
    if machine.install.version not in TELLS_STATUS:
        return {}
    found = machine.qmp.command("x-query-virtio")
    path = next(one["path"] for one in found if one["name"] == name)
    told: dict[str, Any] = machine.qmp.command("x-query-virtio-status", path=path)
    return told


@pytest.mark.parametrize("machine", MACHINES)
def test_another_mac_receive_mode_and_interrupt_status(
    install: Install, machine: str, scratch: Path
) -> None:
    """The monitor shows the new values, QEMU saves them again, and the guest's I/O goes on."""
    case = MACHINES[machine]
    saved = scratch / "saved.mig"
    with prepare(case, install) as source, prepare(case, install) as target:
        source.start()
        source.wait_serial(SETTLED)
        source.save(saved)
        before = source.serial
        source.quit()
        requests = (f"device.mac={MAC}", "device.promisc=1", "device.mac_table_macs=[]")
        edited = edit(saved, *sets(*requests, "virtio-net:common.isr+=QUEUE|CONFIG"))
        start(source, target, edited)
        (told,) = target.qmp.command("query-rx-filter")
        assert (told["main-mac"], told["promiscuous"]) == (MAC, True)
        assert (told["unicast-table"], told["multicast-table"]) == ([], [])
        assert status_of(target, "virtio-net").get("isr", 3) == 3
        target.cont()
        assert_goes_on(before, target)
        target.save(scratch / "again.mig")
    assert state(scratch / "again.mig", "virtio-net")["device"]["mac"] == MAC


def test_devices_that_moved_to_other_slots(install: Install, scratch: Path) -> None:
    """Sections under new names are loaded by the devices there; only those load them."""
    saved = scratch / "saved.mig"
    with prepare(SLOTS, install) as source, prepare(MOVED, install) as target:
        reach(SLOTS, source)
        source.save(saved)
        before = source.serial
        source.quit()
        blk_to = ("--rename", "0000:00:04.0/virtio-blk", "0000:00:09.0/virtio-blk")
        edited = edit(saved, *blk_to, "--rename", "virtio-net", "0000:00:0a.0/virtio-net")
        start(source, target, edited)
        target.cont()
        assert_goes_on(before, target)
        target.save(scratch / "again.mig")
    assert state(scratch / "again.mig", "0000:00:0a.0/virtio-net")["queues"]


def connect() -> None:
    """Bring the host's end of the network up, once QEMU has made it, as the guest knows it."""
    subprocess.run(["ip", "link", "set", TAP, "address", TAP_MAC, "up"], check=True)
    subprocess.run(["ip", "addr", "add", TAP_ADDRESS, "dev", TAP], check=True)


def test_offloads_switched_off_under_a_running_driver(install: Install, scratch: Path) -> None:
    """The guest takes smaller packets from then on, and QEMU saves the offloads as they are now."""
    saved = scratch / "saved.mig"
    with prepare(OFFLOADED, install) as source, prepare(OFFLOADED, install) as target:
        source.start()
        connect()
        source.wait_serial(r"TICK 4 .*\n")
        source.save(saved)
        before = source.serial
        source.quit()
        offloads = state(saved, "virtio-net")["device"]["curr_guest_offloads"]
        assert offloads >> 7 & 3 == 3
        edited = edit(saved, *sets("device.curr_guest_offloads-=GUEST_TSO4|GUEST_TSO6"))
        start(source, target, edited)
        connect()
        target.cont()
        assert_goes_on(before, target)
        target.save(scratch / "again.mig")
    again = state(scratch / "again.mig", "virtio-net")["device"]
    assert again["curr_guest_offloads"] == offloads & ~(3 << 7)


def prepare_rebound(case: Case, install: Install) -> Qemu:
    """A machine whose guest takes its network driver away for some rounds."""
    machine = prepare(case, install)
    more = gzip.compress(guest.archive({"devices.sh": (0o100755, REBOUND)}), mtime=0)
    with (machine.work / guest.initrd("x86").name).open("ab") as initrd:
        initrd.write(more)
    return machine


def test_offloads_cleared_before_the_driver_comes_to_terms_again(
    install: Install, scratch: Path
) -> None:
    """Saved without a driver, cleared, loaded where they are not offered: the driver does without.

    What the last driver wrote is still in the transport's copy of the features.
    """
    saved = scratch / "saved.mig"
    with (
        prepare_rebound(RENEGOTIATED, install) as source,
        prepare_rebound(WITHOUT, install) as target,
    ):
        source.start()
        source.wait_serial(r"TICK 4 .*\n")
        source.save(saved)
        before = source.serial
        source.quit()
        path = "subsections.virtio/extra_state.virtio_pci/modern_state.guest_features"
        extra = state(saved, "virtio-net")["subsections"]["virtio/extra_state"]
        written = extra["virtio_pci/modern_state"]["guest_features"]
        if install.version in CLEARS_COPY:
            assert written == 0
            return
        assert written >> 7 & 3 == 3
        edited = edit(saved, "--device", "virtio-net", *sets(f"{path}-=GUEST_TSO4|GUEST_TSO6"))
        start(source, target, edited)
        target.cont()
        last = ticks(before)[-1][0]
        target.wait_serial(rf"TICK {max(last, 9) + FURTHER} .*\n", FURTHER_SECONDS)
        rounds = ticks(before + target.serial)
        assert [number for number, _, _ in rounds] == list(range(1, len(rounds) + 1))
        assert {disk for _, disk, _ in rounds} == {"ok"}
        told = str(status_of(target, "virtio-net").get("guest-features", ""))
        assert "GUEST_TSO4" not in told
        target.save(scratch / "again.mig")
    features = state(scratch / "again.mig", "virtio-net")["common"]
    assert features["status"] & 4
    assert not features["guest_features_lo"] >> 7 & 1
