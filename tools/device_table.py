"""Which device is decoded, and what shows it: tables made from goldens, gaps and QEMU's refusals.

What is proven is read from the manifests of the plugins' goldens and of `tests/golden`. What is
known not to decode stands once, in a plugin's pyproject.toml as `[tool.virtmig] known-gaps`. What
QEMU refuses is in `tests/qemu/refusals.toml`.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

from virtmig.formats.tables import table
from virtmig.testing.goldens import read_goldens

ROOT = Path(__file__).resolve().parent.parent
GROUPS = ("virtmig.devices", "virtmig.sections")
MACHINES = re.compile(r"(?:pc-)?(?P<family>q35|i440fx|s390-ccw-virtio|virt)-\d.*")
# refusals name devices as the command line does, sections may not
SECTIONS = {
    "virtio-serial": "virtio-console",
    "vhost-vsock": "virtio-vhost_vsock",
    "virtio-net+vhost-user": "virtio-net",
    "virtio-sound": "virtio-sound-device",
}
NOT_THERE = "no such device"


class Seen(NamedTuple):
    """A section of a real machine: of which device, and where it came from."""

    driver: str
    qemu: str
    machine: str


class Refusal(NamedTuple):
    """What QEMU said of a device that it did not start or save."""

    device: str
    reason: str
    qemu: tuple[str, ...]


@cache
def project(folder: Path) -> dict[str, Any]:
    """The pyproject.toml of a plugin."""
    return tomllib.loads((folder / "pyproject.toml").read_text())


def plugins() -> list[Path]:
    """The folders of plugins for devices and sections."""
    found = sorted(one.parent for one in ROOT.glob("plugins/*/pyproject.toml"))
    return [folder for folder in found if drivers_of(folder)]


def drivers_of(folder: Path) -> list[str]:
    """The vmsd names that a plugin decodes; none for a transport."""
    points = project(folder)["project"].get("entry-points", {})
    return [name for group in GROUPS for name in points.get(group, ())]


def gaps_of(folder: Path) -> list[str]:
    """What a plugin is known not to decode, in sentences."""
    gaps: list[str] = project(folder).get("tool", {}).get("virtmig", {}).get("known-gaps", [])
    return gaps


@cache
def seen(folder: Path) -> list[Seen]:
    """The goldens of a plugin: its own, and those of the tests of all plugins together."""
    own = {
        one.sha256: Seen(_name(one.idstr), _number(one.qemu), one.machine)
        for one in read_goldens(folder / "tests" / "goldens")
    }
    shared = {key: one for key, one in _shared().items() if one.driver in drivers_of(folder)}
    return list({**shared, **own}.values())


@cache
def _shared() -> dict[str, Seen]:
    """The goldens of `tests/golden`, by checksum."""
    manifest = tomllib.loads((ROOT / "tests" / "golden" / "manifest.toml").read_text())
    return {
        section["sha256"]: Seen(
            _name(section["idstr"]), _number(machine["qemu"]), machine["machine"]
        )
        for machine in manifest["machine"].values()
        for section in machine["section"]
    }


def _name(idstr: str) -> str:
    return idstr.rpartition("/")[2]


def _number(qemu: str) -> str:
    """5.2 out of `5.2.0 (Debian 1:5.2+dfsg-11+deb11u3)`."""
    return ".".join(qemu.partition(" ")[0].split(".")[:2])


def _by_number(versions: Iterable[str]) -> list[str]:
    return sorted(set(versions), key=lambda text: [int(part) for part in text.split(".")])


def _family(machine: str) -> str:
    """`q35` out of `pc-q35-7.2`."""
    match = MACHINES.fullmatch(machine)
    return str(match["family"]).replace("i440fx", "pc") if match else machine


@cache
def refusals() -> list[Refusal]:
    """What QEMU refused."""
    found = tomllib.loads((ROOT / "tests" / "qemu" / "refusals.toml").read_text())
    return [
        Refusal(
            SECTIONS.get(str(one["device"]), str(one["device"])), one["reason"], tuple(one["qemu"])
        )
        for one in found["refusal"]
    ]


def refused(device: str, works: Iterable[str]) -> str:
    """QEMU's reasons not to start or save a device, each with the versions that gave it.

    works: versions that saved it; that one of these lacks it on some machine is no news.
    """
    mine = [one for one in refusals() if one.device == device]
    said = {version for one in mine if one.reason != NOT_THERE for version in one.qemu}
    texts: list[str] = []
    for one in sorted(mine, key=lambda one: one.reason == NOT_THERE):
        quiet = {*works, *said} if one.reason == NOT_THERE else set[str]()
        versions = [version for version in one.qemu if version not in quiet]
        quoted = NOT_THERE if one.reason == NOT_THERE else f'"{one.reason.rstrip(".")}"'
        if versions:
            texts.append(f"QEMU {', '.join(versions)}: {quoted}.")
    return " ".join(texts)


def _escaped(text: str) -> str:
    return text.replace("|", "\\|")


def proven_part(path: Path) -> Iterator[str]:
    """The goldens of the plugin in whose folder the file lies, by version of QEMU."""
    rows: list[tuple[str, ...]] = []
    for driver in drivers_of(path.parent):
        mine = [one for one in seen(path.parent) if one.driver == driver]
        for qemu in _by_number(one.qemu for one in mine):
            machines = [one.machine for one in mine if one.qemu == qemu]
            kinds = ", ".join(sorted(set(machines)))
            rows.append((f"`{driver}`", qemu, kinds, str(len(machines))))
    if rows:
        yield from table(("section", "QEMU", "machine types", "goldens"), rows)
    else:
        yield "Nothing yet: there is no section of a real machine."


def gaps_part(path: Path) -> Iterator[str]:
    """What the plugin in whose folder the file lies is known not to decode."""
    yield from (f"- {gap}" for gap in gaps_of(path.parent))


def devices_part(_: Path) -> Iterator[str]:
    """Every device that a plugin here decodes, and then those that QEMU does not migrate."""
    rows: list[tuple[str, ...]] = []
    known: set[str] = set()
    for folder in plugins():
        drivers = drivers_of(folder)
        for driver in drivers:
            mine = [one for one in seen(folder) if one.driver == driver]
            versions = _by_number(one.qemu for one in mine)
            gaps = gaps_of(folder) if driver == drivers[0] else [f"As `{drivers[0]}`."]
            remarks = " ".join([*gaps, refused(driver, versions)]).strip()
            rows.append(
                (f"`{driver}`", _link(folder), *_columns(mine, versions), _escaped(remarks))
            )
        known |= set(drivers)
    rows += [
        (f"`{device}`", "none", "", "", "", _escaped(refused(device, ())))
        for device in sorted({one.device for one in refusals()} - known)
    ]
    titles = ("device", "plugin", "proven with QEMU", "machine types", "goldens")
    yield from table((*titles, "known not to decode; what QEMU refuses"), rows)


def _link(folder: Path) -> str:
    name = project(folder)["project"]["name"]
    return f"[{name}](../../plugins/{folder.name}/README.md)"


def _columns(mine: list[Seen], versions: list[str]) -> tuple[str, str, str]:
    machines = ", ".join(sorted({_family(one.machine) for one in mine}))
    return ", ".join(versions) or "not proven", machines, str(len(mine))
