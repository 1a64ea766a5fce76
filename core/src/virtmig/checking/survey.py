"""What is installed, a row for each driver: from where, for which sections, does it work."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import attrs

from virtmig.checking.modules import module_file
from virtmig.errors import PluginError
from virtmig.hooks.corerange import shown_range
from virtmig.hooks.discovery import KINDS, TRANSPORTS, Installed, chosen, find, scan
from virtmig.hooks.registry import Registry
from virtmig.virtio.drivers import DeviceDriver, Driver, SectionDriver


@attrs.frozen(kw_only=True)
class Row:
    """One driver. What only its import can tell is empty as long as it was not imported.

    file: of the module that the entry point names. idstr: which sections it is for, `*` being any
    path; of a transport the regular expression that the path has to match; machines: the same for
    types of machines that give no path. beside: the device at whose path a section without virtio
    lies. versions: of the sections that it reads. needs: the range of the core. used: whether the
    environment lets it be used.
    """

    kind: str
    name: str
    distribution: str
    version: str
    entry_point: str
    file: str
    idstr: str
    machines: str = ""
    beside: str = ""
    versions: str = ""
    device_id: int | None = None
    needs: str
    used: bool
    error: str = ""

    def facts(self) -> list[str]:
        """What the driver is for, in a few words each."""
        place = "paths like " if self.kind == "transport" else ""
        near = f" at or below {self.beside}" if self.beside else ""
        found = [f"{place}{self.idstr}{near}"] if self.idstr else []
        found += [f"machines like {self.machines}"] if self.machines else []
        found += [f"version {self.versions}"] if self.versions else []
        found += [f"device id {self.device_id}"] if self.device_id is not None else []
        found += [f"needs virtmig {self.needs}"] if self.needs else []
        return found if self.used else [*found, "left out by VIRTMIG_LOAD_PLUGINS"]


def driver_facts(driver: Driver) -> dict[str, Any]:
    """What a driver says of the sections that it is for."""
    if isinstance(driver, DeviceDriver | SectionDriver):
        oldest, newest = driver.minimum_version, driver.version
        found: dict[str, Any] = {
            "versions": f"{newest}" if oldest == newest else f"{oldest}-{newest}"
        }
        if isinstance(driver, DeviceDriver):
            return {**found, "device_id": driver.device_id}
        return {**found, "beside": driver.parent}
    return {"idstr": driver.path_pattern, "machines": driver.pathless_machines}


def survey(*, imports: bool = True) -> tuple[list[Row], list[PluginError]]:
    """A row for each installed driver, and the distributions that cannot be read."""
    found = scan()
    usable = chosen(found.drivers)
    registry = Registry()
    rows: list[Row] = []
    for group in KINDS:
        for one in found.of(group):
            row = _row(one, used=one in usable)
            rows.append(_asked(row, one, usable, registry) if imports and row.used else row)
    return rows, found.broken


def _row(one: Installed, *, used: bool) -> Row:
    return Row(
        kind=one.kind,
        name=one.name,
        distribution=one.distribution,
        version=one.version,
        entry_point=one.value,
        file=module_file(one.value),
        idstr="" if one.group == TRANSPORTS else f"*/{one.name}",
        needs=shown_range(one.requires),
        used=used,
    )


def _asked(row: Row, one: Installed, usable: Iterable[Installed], registry: Registry) -> Row:
    """The row with what the driver itself says, or with the reason why it says nothing."""
    try:
        find(one.group, one.name, [other for other in usable if other.group == one.group])
        bound = registry.bind(one)
    except PluginError as error:
        return attrs.evolve(row, error=str(error))
    return attrs.evolve(row, **driver_facts(bound.driver))
