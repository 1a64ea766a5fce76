"""What virtmig reads out of a stream is what the monitor said of the machine that wrote it."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest

from tests.qemu import names, truth
from tests.qemu.cases import all_cases
from tests.qemu.corpus import record

if TYPE_CHECKING:
    from pathlib import Path

    from tests.qemu.machine import Install

pytestmark = pytest.mark.qemu

RING_PACKED = names.TRANSPORT["VIRTIO_F_RING_PACKED"]

CASES = (
    *("pc-unstarted", "pc-5.2-legacy", "q35", "q35-rootport", "q35-novectors", "q35-packed"),
    *("q35-blk4", "q35-net-filters", "q35-inflight-read", "q35-linkdown"),
    *("ccw", "ccw-legacy", "ccw-packed", "ccw-blk4", "ccw-unstarted", "ccw-inflight-read"),
    *("microvm", "microvm-modern", "microvm-modern-unstarted", "microvm-modern-inflight"),
    *("virt", "virt-modern", "virt-packed", "virt-blk4", "virt-2.6", "virt-pci"),
)


def inspect(stream: Path) -> dict[str, dict[str, Any]]:
    """Run `virtmig inspect --json --rings`; give its virtio-net and -blk devices by name."""
    command = [sys.executable, "-m", "virtmig", "inspect", "--json", "--rings", str(stream)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"virtmig ended with {done.returncode}: {done.stderr}"
    devices = {
        device["idstr"].split("/")[-1]: device for device in json.loads(done.stdout)["devices"]
    }
    return {name: devices[name] for name in truth.KNOWN}


@pytest.mark.parametrize("name", CASES)
def test_inspect_agrees_with_the_monitor(install: Install, name: str, scratch: Path) -> None:
    """Features, status, queues, rings and MAC read from the stream equal the monitor's."""
    case = all_cases().get((install.version, name))
    if case is None:
        pytest.skip(f"not a case for QEMU {install.version}: {name}")
    record(case, install, scratch)
    stem = scratch / f"{case.arch}-{install.version}-{name}"
    told = truth.digest(json.loads(stem.with_name(f"{stem.name}.truth.json").read_text()))
    read = inspect(stem.with_name(f"{stem.name}.mig"))
    for ident, device in (("net0", "virtio-net"), ("blk0", "virtio-blk")):
        _compare(read[device], told.get(ident, {}))
    assert read["virtio-net"]["state"]["device"]["mac"] == told["net0"]["rx_filter"]["main_mac"]


def _compare(read: dict[str, Any], told: dict[str, Any]) -> None:
    """Compare one device. Older monitors tell little, and then little is compared."""
    common, state = read["state"]["common"], read["state"]
    for key in ("status", "isr", "queue_sel"):
        if key in told:
            assert common[key] == told[key], key
    if "guest_features" in told:
        assert read["guest_features"] == told["guest_features"]
        assert common["guest_features_lo"] == told["guest_features"] & 0xFFFFFFFF
        assert ("virtio/started" in state["subsections"]) == told["started"]
    if "queues" in told:
        assert common["nq"] == len(state["queues"]) == len(told["queues"])
        for queue, expected in zip(state["queues"], told["queues"], strict=True):
            for key in ("num", "desc", "last_avail_idx"):
                assert queue[key] == expected[key], key
        _compare_rings(read, told["queues"])


def _compare_rings(read: dict[str, Any], queues: list[dict[str, Any]]) -> None:
    set_up = [number for number, queue in enumerate(queues) if queue["desc"]]
    assert [ring["index"] for ring in read["rings"]] == set_up
    for ring in read["rings"]:
        expected = queues[ring["index"]]
        for key in ("num", "desc", "avail", "used", "last_avail_idx", "used_idx", "inuse"):
            assert ring[key] == expected[key], f"ring {ring['index']}: {key}"
        if not read["guest_features"] >> RING_PACKED & 1:
            # The device's copy of the driver's index may be behind what is in memory, not ahead.
            behind = (ring["avail_idx"] - expected["shadow_avail_idx"]) % (1 << 16)
            assert behind <= expected["num"], f"ring {ring['index']}: avail_idx"
