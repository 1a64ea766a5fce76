"""Names → bound drivers: exactly one for each device and each transport."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cached_property
from typing import Any

from virtmig.errors import AmbiguousDriver, NoDriver, PluginError
from virtmig.hooks.bound import BoundDevice, BoundSection, BoundTransport
from virtmig.hooks.discovery import DEVICES, SECTIONS, TRANSPORTS, Installed, find, installed
from virtmig.virtio.envelope import Envelope


class Drivers:
    """The two bound drivers of one device, and how its sections are laid out (`envelope`)."""

    def __init__(self, transport: BoundTransport, device: BoundDevice) -> None:
        self.transport = transport
        self.device = device
        self.envelope = Envelope(transport.driver, device.driver)


class Registry:
    """Binds drivers on demand and keeps them; wrappers in `observers` see every hook call.

    Only the device plugin that is asked for is imported. The few transport plugins are all
    asked; one that fails is kept in `broken` and can hurt nobody but its own devices.
    """

    def __init__(self, observers: Iterable[Any] = ()) -> None:
        self._observers = tuple(observers)
        self._devices: dict[str, BoundDevice] = {}
        self._sections: dict[str, BoundSection] = {}
        self._transports: dict[str, BoundTransport] | None = None
        self._known: dict[str, list[Installed]] = {}
        self.broken: list[PluginError] = []

    def _installed(self, group: str) -> list[Installed]:
        """What is installed, looked up once: it reads every distribution's metadata."""
        if group not in self._known:
            self._known[group] = installed(group)
        return self._known[group]

    def add_device(self, name: str, plugin: Any, owner: str = "a registered plugin") -> None:
        """Use this plugin object for devices of this name, whatever is installed."""
        self._devices[name] = BoundDevice(plugin, name, owner, self._observers)

    def add_transport(self, name: str, plugin: Any, owner: str = "a registered plugin") -> None:
        """Use this plugin object for this transport, whatever is installed."""
        self.transports[name] = BoundTransport(plugin, name, owner, self._observers)

    def device(self, name: str) -> BoundDevice:
        """The driver of devices named `name` (`virtio-net`)."""
        if name not in self._devices:
            source = find(DEVICES, name, self._installed(DEVICES))
            self._devices[name] = BoundDevice(source.load(), name, str(source), self._observers)
        return self._devices[name]

    def section(self, name: str) -> BoundSection:
        """The driver of sections named `name` that have no virtio core (`scsi-disk`)."""
        if name not in self._sections:
            source = find(SECTIONS, name, self._installed(SECTIONS))
            self._sections[name] = BoundSection(source.load(), name, str(source), self._observers)
        return self._sections[name]

    @cached_property
    def section_names(self) -> frozenset[str]:
        """Names of the sections without virtio that drivers are installed for."""
        return frozenset(one.name for one in self._installed(SECTIONS)) | frozenset(self._sections)

    @property
    def transports(self) -> dict[str, BoundTransport]:
        """All transports that work, by name."""
        if self._transports is None:
            self._transports = {}
            known = self._installed(TRANSPORTS)
            for name in sorted({one.name for one in known}):
                try:
                    source = find(TRANSPORTS, name, known)
                    self._transports[name] = BoundTransport(
                        source.load(), name, str(source), self._observers
                    )
                except PluginError as error:
                    self.broken.append(error)
        return self._transports

    def transport(self, path: str, machine: str, name: str = "") -> BoundTransport:
        """The transport of the device at `path`, or the one of this `name` if it is given."""
        claims = [
            bound
            for bound in self.transports.values()
            if (bound.driver.name == name if name else bound.driver.claims(path, machine))
        ]
        if len(claims) > 1:
            owners = " and ".join(bound.owner for bound in claims)
            raise AmbiguousDriver(f"device path {path!r}: {owners} both claim it")
        if not claims:
            raise self._unclaimed(name or path)
        return claims[0]

    def _unclaimed(self, path: str) -> NoDriver:
        names = ", ".join(self.transports) or "none"
        failed = "".join(f"; {error.reason}" for error in self.broken)
        hint = f"pip install virtmig-pci or virtmig-ccw; working: {names}{failed}"
        return NoDriver(f"no transport driver for device path {path!r}", hint=hint)

    def drivers(self, idstr: str, machine: str, transport: str = "") -> Drivers:
        """Both drivers of a section: `0000:00:03.0/virtio-net`, or a bare `virtio-net`."""
        path, _, name = idstr.rpartition("/")
        return Drivers(self.transport(path, machine, transport), self.device(name))
