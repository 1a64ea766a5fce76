"""What is known of each device: goldens of plugins, their gaps, and what QEMU refuses or omits.

What is proven is read from the manifests of the plugins' goldens and of `tests/golden`. What is
known not to decode stands once, in a plugin's pyproject.toml as `[tool.virtmig] known-gaps`. What
QEMU refuses, and what it leaves out without a word, is in `tests/qemu/refusals.toml`.
"""

from __future__ import annotations

import re
import tomllib
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

from virtmig.testing.goldens import read_goldens

ROOT = Path(__file__).resolve().parent.parent
GROUPS = DEVICES, SECTIONS, TRANSPORTS = "virtmig.devices", "virtmig.sections", "virtmig.transports"
MACHINES = re.compile(r"(?:pc-)?(?P<family>q35|i440fx|s390-ccw-virtio|virt)-\d.*")
PCI_PATH = re.compile(r"[0-9a-f]{4}:")
# refusals name devices as the command line does, sections and rows may not
OTHER_NAMES = {
    "virtio-serial": "virtio-console",
    "vhost-vsock": "virtio-vhost_vsock",
    "virtio-net+vhost-user": "vhost-user-net",
}


class Seen(NamedTuple):
    """A section of a real machine: which, and where it came from."""

    idstr: str
    qemu: str
    machine: str
    command: str

    @property
    def driver(self) -> str:
        """The name of its vmsd."""
        return self.idstr.rpartition("/")[2]

    @property
    def is_device(self) -> bool:
        """Whether it is a device's, with a transport's part in it, and no section beside one."""
        return any(self.driver in drivers_of(folder, DEVICES) for folder in plugins(DEVICES))

    @property
    def transport(self) -> str:
        """The transport that its device is on."""
        if PCI_PATH.match(self.idstr):
            return "virtio-pci"
        # old machine types have no path, and each of them one other transport only
        return "virtio-ccw" if self.machine.startswith("s390") else "virtio-mmio"

    @property
    def family(self) -> str:
        """`q35` out of `pc-q35-7.2`."""
        match = MACHINES.fullmatch(self.machine)
        return str(match["family"]).replace("i440fx", "pc") if match else self.machine


class Refusal(NamedTuple):
    """What QEMU said of a device that it did not start or save.

    needs: the file of the host that was not there, if that was why.
    """

    device: str
    command: str
    reason: str
    qemu: tuple[str, ...]
    needs: str


class LeftOut(NamedTuple):
    """A device that QEMU saved a stream without; sections are those of its neighbours in it."""

    device: str
    qemu: tuple[str, ...]
    sections: tuple[str, ...]


@cache
def project(folder: Path) -> dict[str, Any]:
    """The pyproject.toml of a plugin."""
    return tomllib.loads((folder / "pyproject.toml").read_text())


@cache
def plugins(*groups: str) -> tuple[Path, ...]:
    """The folders of plugins with entry points in one of these groups."""
    found = sorted(one.parent for one in ROOT.glob("plugins/*/pyproject.toml"))
    return tuple(folder for folder in found if drivers_of(folder, *groups))


def drivers_of(folder: Path, *groups: str) -> list[str]:
    """The names that a plugin brings drivers for, in these groups."""
    points = project(folder)["project"].get("entry-points", {})
    return [name for group in groups for name in points.get(group, ())]


def gaps_of(folder: Path) -> list[str]:
    """What a plugin is known not to decode, in sentences."""
    gaps: list[str] = project(folder).get("tool", {}).get("virtmig", {}).get("known-gaps", [])
    return gaps


@cache
def seen(folder: Path) -> list[Seen]:
    """The goldens of a plugin: its own, and those of the tests of all plugins together."""
    mine = drivers_of(folder, DEVICES, SECTIONS)
    shared = {key: one for key, one in _shared().items() if one.driver in mine}
    return list({**shared, **_own(folder)}.values())


@cache
def seen_devices() -> list[Seen]:
    """The goldens of all plugins together that have a device on a transport."""
    every = dict(_shared())
    for folder in plugins(DEVICES, TRANSPORTS):
        every |= _own(folder)
    return [one for one in every.values() if one.is_device]


def taken_by_goldens(folder: Path) -> set[str]:
    """Other distributions whose drivers it takes to decode the goldens of a plugin."""
    readers = {name: one for one in plugins(*GROUPS) for name in drivers_of(one, *GROUPS)}
    mine = _own(folder).values()
    names = {one.driver for one in mine} | {one.transport for one in mine if one.is_device}
    return {
        str(project(readers[name])["project"]["name"]) for name in names if readers[name] != folder
    }


def _own(folder: Path) -> dict[str, Seen]:
    """The goldens beside the tests of a plugin, by checksum."""
    return {
        one.sha256: Seen(one.idstr, _number(one.qemu), one.machine, one.command)
        for one in read_goldens(folder / "tests" / "goldens")
    }


@cache
def _shared() -> dict[str, Seen]:
    """The goldens of `tests/golden`, by checksum."""
    manifest = tomllib.loads((ROOT / "tests" / "golden" / "manifest.toml").read_text())
    return {
        section["sha256"]: Seen(
            section["idstr"], _number(machine["qemu"]), machine["machine"], machine["command"]
        )
        for machine in manifest["machine"].values()
        for section in machine["section"]
    }


def _number(qemu: str) -> str:
    """5.2 out of `5.2.0 (Debian 1:5.2+dfsg-11+deb11u3)`."""
    return ".".join(qemu.partition(" ")[0].split(".")[:2])


@cache
def _told() -> dict[str, Any]:
    return tomllib.loads((ROOT / "tests" / "qemu" / "refusals.toml").read_text())


def _row_name(device: str) -> str:
    return OTHER_NAMES.get(device, device.removesuffix("-pci"))


@cache
def refusals() -> list[Refusal]:
    """What QEMU refused."""
    return [
        Refusal(
            *(_row_name(one["device"]), one["command"], one["reason"], tuple(one["qemu"])),
            needs=one.get("needs", ""),
        )
        for one in _told()["refusal"]
    ]


@cache
def omissions() -> list[LeftOut]:
    """What QEMU left out."""
    return [
        LeftOut(_row_name(one["device"]), tuple(one["qemu"]), tuple(one["sections"]))
        for one in _told()["left-out"]
    ]
