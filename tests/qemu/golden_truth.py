"""What a machine's monitor said of one device, by path in the decoded state: truth for goldens."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from tests.qemu import names
from virtmig.hooks.registry import Registry

if TYPE_CHECKING:
    from collections.abc import Iterator

WIDE = "virtio/64bit_features"
VIRTIO_VENDOR = 0x1AF4
QUEUES_TOLD = 8  # of a device with more, the truth of the first will do
SPEC_NAMES = {"REPORTING": "PAGE_REPORTING"}  # of feature bits that the monitor calls otherwise
# the monitor names device types, not sections
MONITOR_NAMES = {
    "virtio-console": "virtio-serial",
    "vhost-user-blk": "virtio-blk",
    "vhost-user-scsi": "virtio-scsi",
    "vhost-user-fs": "virtio-user-fs",
    "virtio-rtc": "virtio-clk",
}
PORT = re.compile(r"port \d+, guest (?P<guest>on|off), host (?P<host>on|off)")


def _balloon(told: dict[str, Any]) -> dict[str, Any]:
    """The monitor tells what is left of the guest's memory."""
    left = told.get("query-balloon", {}).get("actual")
    size = told.get("query-memory-size-summary", {}).get("base-memory")
    return {"device.actual": (size - left) >> 12} if left and size else {}


def _serial(told: dict[str, Any]) -> dict[str, Any]:
    """The tree of devices has the newest port first, a section the oldest."""
    ports = list(PORT.finditer(told["qtree"]))[::-1]
    said: dict[str, Any] = {"device.nr_active_ports": len(ports)}
    for number, port in enumerate(ports):
        for side in ("guest", "host"):
            said[f"device.ports[{number}].{side}_connected"] = port[side] == "on"
    return said


OF_DEVICES = {"virtio-balloon": _balloon, "virtio-console": _serial}


def truth_of(
    told: dict[str, Any], idstr: str, driver: str, *, wide: bool = False
) -> dict[str, Any]:
    """All that the monitor said of the device of a section; empty if it did not or is unclear."""
    device = device_of(told, idstr, driver)
    if device is None:
        return {}
    said: dict[str, Any] = {}
    sizes = [queue["vring-num"] for queue in device["queues"]]
    for number, queue in enumerate(device["queues"][: min(QUEUES_TOLD, _active(sizes))]):
        said[f"queues[{number}].num"] = queue["vring-num"]
        said[f"queues[{number}].desc"] = queue["vring-desc"]
        said[f"queues[{number}].last_avail_idx"] = queue["last-avail-idx"]
    said["common.nq"] = _active(sizes)
    said |= OF_DEVICES.get(driver, lambda _: {})(told)
    if status := device.get("status"):
        said["common.queue_sel"] = status["queue-sel"]
        if driver != "virtio-balloon":  # the start of a migration is told to its guest
            said["common.isr"] = status["isr"]
        said["common.status"] = names.status(status["status"])
        features = guest_features(status["guest-features"], driver)
        if features is not None:
            said["common.guest_features_lo"] = features & 0xFFFFFFFF
        if features is not None and wide:
            said[f"subsections.{WIDE}.guest_features"] = features & (1 << 64) - 1
    return said


def _active(sizes: list[int]) -> int:
    """Queues before the first of size 0: a section has no others."""
    return sizes.index(0) if 0 in sizes else len(sizes)


def device_of(told: dict[str, Any], idstr: str, driver: str) -> dict[str, Any] | None:
    """The monitor's answer about the device of a section; None if it is not clear which it is."""
    found = [one for one in told["devices"] if one["name"] == MONITOR_NAMES.get(driver, driver)]
    if len(found) == 1:
        return dict(found[0])
    ids = dict(_addresses(told))
    named = [one for one in found if one["path"].split("/")[-2] == ids.get(_place(idstr))]
    return dict(named[0]) if len(named) == 1 else None


def _place(idstr: str) -> str:
    """Device and function of 0000:00:03.0/virtio-rng, on the first bus only."""
    path, _, _ = idstr.rpartition("/")
    return path.removeprefix("0000:00:")


def _addresses(told: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """The devices of the first PCI bus: where, and the id on the command line.

    Devices without an id have got their places in the order of the command line.
    """
    buses = told["query-pci"]
    devices = buses[0]["devices"] if isinstance(buses, list) and buses else []
    virtio = [one for one in devices if one["id"]["vendor"] == VIRTIO_VENDOR]
    nameless = 0
    for one in sorted(virtio, key=lambda one: (one["slot"], one["function"])):
        name = one["qdev_id"]
        if not name:
            name, nameless = f"device[{nameless}]", nameless + 1
        yield f"{one['slot']:02x}.{one['function']:x}", name


def guest_features(answer: dict[str, Any], driver: str) -> int | None:
    """The accepted features as a number; None if a name is one that nobody here knows."""
    own = {text: bit for bit, text in Registry().device(driver).driver.features.items()}
    bits = int(answer.get("unknown-dev-features", 0))
    for line in (*answer.get("transports", []), *answer.get("dev-features", [])):
        name = line.split(":")[0]
        ours = name.partition("_F_")[2]
        bit = names.TRANSPORT.get(name, own.get(SPEC_NAMES.get(ours, ours)))
        if bit is None:
            return None
        bits |= 1 << bit
    return bits
