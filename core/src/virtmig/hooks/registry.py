"""Names → bound drivers: exactly one for each device and each transport."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cached_property
from typing import Any, TypeVar

from virtmig.environment import import_seconds
from virtmig.errors import (
    AmbiguousDriver,
    DriverFailed,
    NoDriver,
    PluginError,
    VirtmigError,
    told,
)
from virtmig.hooks.bound import BoundDevice, BoundSection, BoundTransport
from virtmig.hooks.contract import refuse
from virtmig.hooks.discovery import (
    DEVICES,
    SECTIONS,
    TRANSPORTS,
    Installed,
    Scan,
    chosen,
    find,
    left_out,
    scan,
)
from virtmig.hooks.importing import attempt
from virtmig.hooks.known import BUSES, DISTRIBUTIONS
from virtmig.hooks.tracing import observer, trace_output, traced
from virtmig.virtio.envelope import Envelope

B = TypeVar("B", BoundDevice, BoundTransport, BoundSection)
Driving = BoundDevice | BoundTransport | BoundSection
BINDERS: dict[str, type[Driving]] = {
    DEVICES: BoundDevice,
    TRANSPORTS: BoundTransport,
    SECTIONS: BoundSection,
}
"""What binds the drivers of each group of entry points."""


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
        self._observers: tuple[Any, ...] = tuple(observers)
        self._trace = trace_output()
        self._devices: dict[str, BoundDevice] = {}
        self._sections: dict[str, BoundSection] = {}
        self._transports: dict[str, BoundTransport] | None = None
        self.broken: list[PluginError] = []

    @cached_property
    def _scan(self) -> Scan:
        """What is installed, looked up once: it reads files of every distribution."""
        found = scan()
        self.broken += found.broken
        return Scan(chosen(found.drivers), found.broken)

    def bind(self, source: Installed) -> Driving:
        """Import an installed driver and bind it, whatever else is there; it is not kept."""
        kind: Any = BINDERS[source.group]
        bound: Driving = self._load(kind, source)
        return bound

    def _load(self, kind: type[B], source: Installed) -> B:
        owner = str(source)
        plugin = traced(self._trace, owner, f"import {source.value}", source.load)
        limit = import_seconds()
        done = attempt(  # describe_driver may hang as well as an import
            f"{source.value}: describe_driver",
            lambda: self._bind(kind, plugin, source.name, owner),
            limit,
        )
        if done.late:
            text = f"{owner}: describe_driver took longer than {limit:g} s"
            raise DriverFailed(text, hint="make it return a description, and do nothing else")
        if isinstance(done.error, VirtmigError):
            raise done.error
        if done.error is not None:  # a KeyboardInterrupt of its own
            raise DriverFailed(f"{owner}: describe_driver: {told(done.error)}") from done.error
        bound: B = done.value
        return bound

    def _bind(self, kind: type[B], plugin: Any, name: str, owner: str) -> B:
        traces: list[Any] = [observer(owner, self._trace)] if self._trace is not None else []
        try:
            bound = kind(plugin, name, owner, (*self._observers, *traces))
            refuse(bound.driver, owner)
        except VirtmigError:
            raise
        except (Exception, SystemExit) as error:  # a property or a __repr__ of the plugin's
            raise DriverFailed(f"{owner}: binding it failed: {told(error)}") from error
        return bound

    def add_device(self, name: str, plugin: Any, owner: str = "a registered plugin") -> None:
        """Use this plugin object for devices of this name, whatever is installed."""
        self._devices[name] = self._bind(BoundDevice, plugin, name, owner)

    def add_transport(self, name: str, plugin: Any, owner: str = "a registered plugin") -> None:
        """Use this plugin object for this transport, whatever is installed."""
        self.transports[name] = self._bind(BoundTransport, plugin, name, owner)

    def device(self, name: str) -> BoundDevice:
        """The driver of devices named `name` (`virtio-net`)."""
        if name not in self._devices:
            source = find(DEVICES, name, self._scan.of(DEVICES))
            self._devices[name] = self._load(BoundDevice, source)
        return self._devices[name]

    def section(self, name: str) -> BoundSection:
        """The driver of sections named `name` that have no virtio core (`scsi-disk`)."""
        if name not in self._sections:
            source = find(SECTIONS, name, self._scan.of(SECTIONS))
            self._sections[name] = self._load(BoundSection, source)
        return self._sections[name]

    @cached_property
    def device_names(self) -> frozenset[str]:
        """Names of the devices that drivers are installed for."""
        return frozenset(one.name for one in self._scan.of(DEVICES)) | frozenset(self._devices)

    @cached_property
    def section_names(self) -> frozenset[str]:
        """Names of the sections without virtio that drivers are installed for."""
        return frozenset(one.name for one in self._scan.of(SECTIONS)) | frozenset(self._sections)

    @property
    def transports(self) -> dict[str, BoundTransport]:
        """All transports that work, by name."""
        if self._transports is None:
            self._transports = {}
            known = self._scan.of(TRANSPORTS)
            for name in sorted({one.name for one in known}):
                try:
                    source = find(TRANSPORTS, name, known)
                    self._transports[name] = self._load(BoundTransport, source)
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
        missing = [DISTRIBUTIONS[bus] for bus in BUSES if bus not in self.transports]
        install = f"pip install {' or '.join(missing)}" if missing else ""
        no_path = "" if path else "only some machines leave the path out: write PATH/NAME"
        advice = "; ".join(filter(None, (no_path, left_out(TRANSPORTS) or install)))
        advice = advice or "no installed bus has such paths"
        hint = f"{advice}; working: {names}{failed}"
        return NoDriver(f"no transport driver for device path {path!r}", hint=hint)

    def drivers(self, idstr: str, machine: str, transport: str = "") -> Drivers:
        """Both drivers of a section: `0000:00:03.0/virtio-net`, or a bare `virtio-net`."""
        path, _, name = idstr.rpartition("/")
        return Drivers(self.transport(path, machine, transport), self.device(name))
