"""Which device is decoded, and what shows it: tables made of what `device_facts` finds."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

from tools.device_facts import (
    DEVICES,
    SECTIONS,
    TRANSPORTS,
    Seen,
    drivers_of,
    gaps_of,
    omissions,
    plugins,
    project,
    refusals,
    seen,
    seen_devices,
)
from virtmig.formats.tables import table

NOT_THERE = "no such device"
# devices whose sections have the name of another, and what tells them on the command line
SAVED_AS = {
    "vhost-user-net": ("virtio-net", "-netdev vhost-user"),
    "vhost-user-scsi": ("virtio-scsi", "-device vhost-user-scsi"),
    "vhost-vdpa": ("virtio-net", "-netdev vhost-vdpa"),
    "vhost-vsock": ("virtio-vhost_vsock", "-device vhost-vsock"),
    "virtio-serial": ("virtio-console", "-device virtio-serial"),
}
TITLES = ("device", "plugin", "proven with QEMU", "machine types", "goldens", "remarks")


def _by_number(versions: Iterable[str]) -> list[str]:
    return sorted(set(versions), key=lambda text: [int(part) for part in text.split(".")])


def refused(device: str, works: Iterable[str] = ()) -> str:
    """What QEMU leaves out or refuses of a device, each with the versions that did.

    works: versions that saved it; that one of these lacks it on some machine is no news.
    """
    mine = [one for one in refusals() if one.device == device]
    if not works and (host := _missing(device)):
        return host
    said = {version for one in mine if one.reason != NOT_THERE for version in one.qemu}
    texts = list(_left_out(device))
    said |= {version for one in omissions() if one.device == device for version in one.qemu}
    for one in sorted(mine, key=lambda one: one.reason == NOT_THERE):
        quiet = {*works, *said} if one.reason == NOT_THERE else set[str]()
        versions = [version for version in one.qemu if version not in quiet]
        quoted = NOT_THERE if one.reason == NOT_THERE else f'"{one.reason.rstrip(".")}"'
        if versions:
            texts.append(f"QEMU {', '.join(versions)}: {quoted}.")
    return " ".join(texts)


def _left_out(device: str) -> Iterator[str]:
    for one in omissions():
        if one.device == device:
            beside = ", ".join(f"`{name}`" for name in one.sections)
            but = f" but the section {beside}" if beside else ""
            versions = ", ".join(one.qemu)
            yield f"QEMU {versions}: saves nothing of it{but}, without a word: its state is lost."


def _missing(device: str) -> str:
    """What was not at hand to start the device with; empty if one was started."""
    mine = [one for one in refusals() if one.device == device]
    if not mine or _started(device):
        return ""
    if needs := " or ".join(sorted({f"`{one.needs}`" for one in mine if one.needs})):
        return f"Not proven: needs {needs}, which the test machine has not."
    if all(one.reason == NOT_THERE for one in mine):
        versions = ", ".join(_by_number(version for one in mine for version in one.qemu))
        return f"Not proven: QEMU {versions}, as built for Debian, have no such device."
    return ""


def _started(device: str) -> bool:
    """Whether QEMU ran with it, and so said or showed that it does not save it."""
    told = any(one.device == device and one.command == "migrate" for one in refusals())
    return told or any(one.device == device for one in omissions())


def _escaped(text: str) -> str:
    return text.replace("|", "\\|")


def proven_part(path: Path) -> Iterator[str]:
    """The goldens of the plugin in whose folder the file lies, by version of QEMU."""
    rows: list[tuple[str, ...]] = []
    for driver in drivers_of(path.parent, DEVICES, SECTIONS):
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
    """Every device that a plugin decodes, by any of its names, and those that none decodes."""
    rows: list[tuple[str, ...]] = []
    readers: dict[str, Path] = {}
    for folder in plugins(DEVICES, SECTIONS):
        drivers = drivers_of(folder, DEVICES, SECTIONS)
        for driver in drivers:
            readers[driver] = folder
            mine = [one for one in seen(folder) if one.driver == driver]
            gaps = gaps_of(folder) if driver == drivers[0] else [f"As `{drivers[0]}`."]
            remarks = [*gaps, refused(driver, [one.qemu for one in mine])]
            rows.append(_row(driver, folder, mine, remarks))
    for device, (driver, word) in SAVED_AS.items():
        mine = [
            one for one in seen(readers[driver]) if one.driver == driver and word in one.command
        ]
        remarks = [
            f"Its section is `{driver}`: see there.",
            refused(device, [o.qemu for o in mine]),
        ]
        rows.append(_row(device, readers[driver], mine, remarks))
    named = {one.device for one in refusals()} | {one.device for one in omissions()}
    for device in sorted(named - readers.keys() - SAVED_AS.keys()):
        proven = "QEMU does not save it" if _started(device) else "not proven"
        rows.append((f"`{device}`", "none", proven, "", "", _escaped(refused(device))))
    yield from table(TITLES, rows)


def transports_part(_: Path) -> Iterator[str]:
    """Every transport, with the goldens of devices on it."""
    rows = [
        _row(name, folder, [one for one in seen_devices() if one.transport == name], gaps)
        for folder in plugins(TRANSPORTS)
        for gaps in [gaps_of(folder)]
        for name in drivers_of(folder, TRANSPORTS)
    ]
    yield from table(("transport", *TITLES[1:]), rows)


def _row(name: str, folder: Path, mine: list[Seen], remarks: Iterable[str]) -> tuple[str, ...]:
    link = f"[{project(folder)['project']['name']}](../../plugins/{folder.name}/README.md)"
    versions = ", ".join(_by_number(one.qemu for one in mine)) or "not proven"
    machines = ", ".join(sorted({one.family for one in mine}))
    text = _escaped(" ".join(filter(None, remarks)))
    return (f"`{name}`", link, versions, machines, str(len(mine)), text)
