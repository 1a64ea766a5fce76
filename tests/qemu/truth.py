"""What a machine's own monitor says of its virtio devices: the oracle of the tests."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tests.qemu import names
from tests.qemu.qmp import QmpError

if TYPE_CHECKING:
    from tests.qemu.machine import Qemu

# QEMU 5.2 has none of the virtio commands. In 11.1, x-query-virtio-status ends QEMU (an assertion),
# so of a device only its queues are asked for.
SILENT = ("5.2",)
QUEUES_ONLY = ("11.1",)


def ask(machine: Qemu) -> dict[str, Any]:
    """All the monitor tells, in a form that can be kept as JSON. The guest should be stopped."""
    qmp = machine.qmp
    machine_type = qmp.command("qom-get", path="/machine", property="type")
    told: dict[str, Any] = {
        "version": qmp.command("query-version"),
        "machine": machine_type.removesuffix("-machine"),
        "devices": [],
    }
    if machine.install.version not in SILENT:
        told["devices"] = [_device(machine, found) for found in qmp.command("x-query-virtio")]
    for name in ("query-rx-filter", "query-pci", "query-status"):
        try:
            told[name] = qmp.command(name)
        except QmpError as error:  # an s390x without PCI, for instance
            told[name] = {"error": str(error)}
    told["qtree"] = qmp.human("info qtree")
    return told


def version(told: dict[str, Any]) -> str:
    """Name the QEMU exactly: its number, and the package it came in."""
    numbers = told["version"]["qemu"]
    package = told["version"]["package"]
    return "{major}.{minor}.{micro}".format(**numbers) + (f" ({package})" if package else "")


def _device(machine: Qemu, found: dict[str, Any]) -> dict[str, Any]:
    path = found["path"]
    device: dict[str, Any] = {"path": path, "name": found["name"], "queues": _queues(machine, path)}
    if machine.install.version not in QUEUES_ONLY:
        device["status"] = machine.qmp.command("x-query-virtio-status", path=path)
    return device


def _queues(machine: Qemu, path: str) -> list[dict[str, Any]]:
    """The queues from 0 on; the monitor refuses the first that does not exist."""
    queues: list[dict[str, Any]] = []
    try:
        while True:
            number = len(queues)
            queues.append(
                machine.qmp.command("x-query-virtio-queue-status", path=path, queue=number)
            )
    except QmpError:
        return queues


# -- the same in numbers

KNOWN = ("virtio-net", "virtio-blk")  # the devices whose feature names we can turn into numbers
QUEUE = {
    "num": "vring-num",
    "num_default": "vring-num-default",
    "desc": "vring-desc",
    "avail": "vring-avail",
    "used": "vring-used",
    "last_avail_idx": "last-avail-idx",
    "shadow_avail_idx": "shadow-avail-idx",
    "used_idx": "used-idx",
    "inuse": "inuse",
}
STATUS = {
    "isr": "isr",
    "queue_sel": "queue-sel",
    "num_queues": "num-vqs",
    "endian": "device-endian",
    "started": "started",
    "broken": "broken",
    "disabled": "disabled",
}


def digest(told: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """Reduce what `ask` returned to numbers: for each device, by its id on the command line."""
    found: dict[str, dict[str, Any]] = {}
    for device in told["devices"]:
        if device["name"] not in KNOWN:
            continue
        # a proxy of PCI or a channel holds the device; on virtio-mmio the device itself has the id
        ident = device["path"].removesuffix("/virtio-backend").rpartition("/")[2]
        numbers = found[ident] = _status(device.get("status"))
        numbers["queues"] = [
            {ours: queue[theirs] for ours, theirs in QUEUE.items()} for queue in device["queues"]
        ]
    for answer in told["query-rx-filter"]:
        found.setdefault(answer["name"], {})["rx_filter"] = _rx_filter(answer)
    return found


def _status(answer: dict[str, Any] | None) -> dict[str, Any]:
    if answer is None:
        return {}
    numbers = {ours: answer[theirs] for ours, theirs in STATUS.items()}
    numbers["status"] = names.status(answer["status"])
    for side in ("guest", "host"):
        numbers[f"{side}_features"] = names.features(answer[f"{side}-features"])
    return numbers


def _rx_filter(answer: dict[str, Any]) -> dict[str, Any]:
    """Keep the filter, but for a table that lets each of the 4096 VLANs pass."""
    numbers = {key.replace("-", "_"): value for key, value in answer.items() if key != "name"}
    if len(numbers["vlan_table"]) == 1 << 12:
        numbers["vlan_table"] = "all"
    return numbers
