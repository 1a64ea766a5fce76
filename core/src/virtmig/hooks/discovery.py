"""Installed drivers, found by entry point; finding one imports nothing."""

from __future__ import annotations

from collections.abc import Sequence
from importlib import metadata
from typing import Any

import attrs

from virtmig.errors import AmbiguousDriver, DriverFailed, NoDriver, told

DEVICES = "virtmig.devices"
TRANSPORTS = "virtmig.transports"
SECTIONS = "virtmig.sections"


@attrs.frozen
class Installed:
    """One entry point: who brings which driver.

    group: `virtmig.devices` or `virtmig.transports`. name: the driver's. value: `module:object`.
    """

    group: str
    name: str
    value: str
    distribution: str
    version: str

    def __str__(self) -> str:
        return f"{self.name} of {self.distribution} {self.version}"

    def load(self) -> Any:
        """Import the plugin object."""
        try:
            return metadata.EntryPoint(self.name, self.value, self.group).load()
        except (Exception, SystemExit) as error:
            text = f"{self}: importing {self.value!r} failed: {told(error)}"
            raise DriverFailed(text) from error


def installed(group: str) -> list[Installed]:
    """All drivers of a group, by name and distribution."""
    found = [
        Installed(
            group,
            point.name,
            point.value,
            _about(point, "Name") or "unknown distribution",
            _about(point, "Version"),
        )
        for point in metadata.entry_points(group=group)
    ]
    return sorted(found, key=lambda one: (one.name, one.distribution))


def _about(point: metadata.EntryPoint, key: str) -> str:
    """A line of the distribution's metadata; an interrupted uninstall can leave it without any."""
    about = point.dist.metadata if point.dist else None
    return str(about[key]) if about is not None and key in about else ""


def find(group: str, name: str, known: Sequence[Installed] | None = None) -> Installed:
    """The one driver of this name; never the first of several.

    known: what is installed, for a caller that has looked already: looking reads many files.
    """
    found = installed(group) if known is None else known
    matches = [one for one in found if one.name == name]
    if not matches:
        raise _no_driver(group, name, found)
    if len(matches) > 1:
        owners = " and ".join(f"{one.distribution} {one.version}" for one in matches)
        raise AmbiguousDriver(f"{name}: both {owners} bring this driver; uninstall one")
    return matches[0]


def _no_driver(group: str, name: str, found: Sequence[Installed]) -> NoDriver:
    """The error that says what is installed and what to install."""
    names = ", ".join(one.name for one in found) or "none"
    package = name.replace("virtio-", "virtmig-", 1)
    kind = "device" if group == DEVICES else "transport"
    hint = f"pip install {package}; installed: {names}"
    return NoDriver(f"no {kind} driver for {name}", hint=hint)
