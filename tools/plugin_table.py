"""The plugins of this repository, for the READMEs: what each decodes, and what shows it.

What a plugin decodes is the `description` in its pyproject.toml, behind `for virtmig:`; its drivers
are its entry points there; what is proven is what `device_facts` reads from manifests of goldens.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from tools.device_facts import (
    DEVICES,
    GROUPS,
    SECTIONS,
    TRANSPORTS,
    Seen,
    drivers_of,
    plugins,
    project,
    seen,
    seen_devices,
)
from virtmig.formats.tables import table

KINDS = {DEVICES: "device", SECTIONS: "section", TRANSPORTS: "transport"}
TITLES = ("distribution", "drivers", "decodes", "proven with QEMU", "on")


def proof_of(folder: Path) -> list[Seen]:
    """The goldens of a plugin; of a transport those of all devices on it."""
    transports = drivers_of(folder, TRANSPORTS)
    return [*seen(folder), *(one for one in seen_devices() if one.transport in transports)]


def versions_of(goldens: list[Seen]) -> str:
    """The versions of QEMU that wrote them, oldest first."""
    found = {one.qemu for one in goldens}
    return ", ".join(sorted(found, key=lambda text: [int(part) for part in text.split(".")]))


def plugins_part(path: Path) -> Iterator[str]:
    """Every plugin: drivers, what it decodes, QEMU versions and machine types that show it."""
    rows: list[tuple[str, ...]] = []
    for folder in plugins(*GROUPS):
        about = project(folder)["project"]
        link = f"[{about['name']}]({os.path.relpath(folder / 'README.md', path.parent)})"
        names = ", ".join(f"`{name}`" for name in drivers_of(folder, *GROUPS))
        decodes = about["description"].rpartition(" for virtmig: ")[2]
        goldens = proof_of(folder)
        machines = ", ".join(sorted({one.family for one in goldens}))
        rows.append((link, names, decodes, versions_of(goldens) or "not proven", machines))
    yield from table(TITLES, rows)


def drivers_part(_: Path) -> Iterator[str]:
    """Every plugin, and the drivers that it brings."""
    rows: list[tuple[str, str]] = []
    for folder in plugins(*GROUPS):
        brings = [
            f"{kind} `{name}`"
            for group, kind in KINDS.items()
            for name in drivers_of(folder, group)
        ]
        rows.append((f"`{project(folder)['project']['name']}`", ", ".join(brings)))
    yield from table(("plugin", "brings"), rows)
