"""Installed drivers, found by entry point; finding one imports nothing."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from importlib import metadata
from pathlib import Path
from typing import Any

import attrs

from virtmig import __version__
from virtmig.environment import LOAD, import_seconds
from virtmig.errors import (
    AmbiguousDriver,
    ContractBroken,
    DriverFailed,
    IncompatiblePlugin,
    NoDriver,
    PluginError,
    told,
)
from virtmig.hooks import corerange
from virtmig.hooks.importing import Attempt, attempt
from virtmig.hooks.known import advice

DEVICES = "virtmig.devices"
TRANSPORTS = "virtmig.transports"
SECTIONS = "virtmig.sections"
KINDS = {TRANSPORTS: "transport", DEVICES: "device", SECTIONS: "section"}
"""Each group of entry points, and what one of its drivers is called."""


@attrs.frozen
class Installed:
    """One entry point: who brings which driver.

    group: a key of `KINDS`. name: the driver's. value: `module:object`. requires: what the
    distribution requires of the core, as written. folder: where its metadata lies.
    """

    group: str
    name: str
    value: str
    distribution: str
    version: str
    requires: tuple[str, ...] = ()
    folder: str = ""

    def __str__(self) -> str:
        return f"{self.name} of {self.owner}"

    @property
    def owner(self) -> str:
        """The distribution with its version."""
        return f"{self.distribution} {self.version}".rstrip()

    @property
    def kind(self) -> str:
        """What sort of driver it is: `device`."""
        return KINDS[self.group]

    def load(self) -> Any:
        """Import the plugin object, if it is for this core."""
        self.check_core()
        limit = import_seconds()
        done = self.attempt(limit)
        if done.late:
            text = f"{self}: importing {self.value!r} took longer than {limit:g} s"
            raise DriverFailed(text, hint="virtmig plugins validate shows where it stays")
        if done.error is not None:
            text = f"{self}: importing {self.value!r} failed: {told(done.error)}"
            raise DriverFailed(text) from done.error
        return done.value

    def attempt(self, limit: float) -> Attempt:
        """Import it whatever it requires, and tell what came of that."""
        point = metadata.EntryPoint(self.name, self.value, self.group)
        return attempt(self.value, point.load, limit)

    def check_core(self, version: str = __version__) -> None:
        """Refuse a plugin that is made for other cores; one that does not say is taken."""
        try:
            if corerange.suits(self.requires, version):
                return
        except corerange.UnreadableRange as error:
            wanted = " and ".join(self.requires)
            text = f"{self}: what it requires of the core cannot be read: {wanted!r}"
            raise ContractBroken(text) from error
        wanted = f"{corerange.CORE}{corerange.shown_range(self.requires)}"
        text = f"{self} needs {wanted}; this is {version}"
        hint = f"pip install --upgrade {corerange.CORE} {self.distribution}"
        raise IncompatiblePlugin(text, hint=hint)


@attrs.frozen
class Scan:
    """All that is installed. broken: distributions whose entry points cannot be read."""

    drivers: list[Installed]
    broken: list[PluginError]

    def of(self, group: str) -> list[Installed]:
        """The drivers of one group."""
        return [one for one in self.drivers if one.group == group]


def scan() -> Scan:
    """All drivers, by name and distribution; one damaged distribution hides no other.

    `metadata.entry_points` would raise for all if the entry points of any are damaged, be it a
    plugin of ours or not.
    """
    found: dict[str, list[Installed]] = {}
    broken: list[PluginError] = []
    for distribution in metadata.distributions():
        folder = _folder(distribution)
        try:
            if "virtmig." in (distribution.read_text("entry_points.txt") or ""):
                drivers = list(_drivers(distribution, folder))
                # Of two copies, Python imports the one that comes first on the path.
                found.setdefault(normal(drivers[0].distribution) if drivers else "", drivers)
        except Exception as error:  # noqa: BLE001  the parser fails in many ways
            if not isinstance(error, UnicodeDecodeError) or b"virtmig." in error.object:
                text = f"{folder or 'a distribution'}: its entry points cannot be read"
                broken.append(ContractBroken(f"{text}: {told(error)}", hint="install it again"))
    drivers = [one for several in found.values() for one in several]
    return Scan(sorted(drivers, key=lambda one: (one.name, one.distribution)), broken)


def _drivers(distribution: metadata.Distribution, folder: str) -> Iterator[Installed]:
    """The drivers of one distribution, whatever is left of its metadata."""
    name = Path(folder).stem.partition("-")[0].replace("_", "-") or "unknown distribution"
    version = ""
    requires: tuple[str, ...] = ()
    try:
        about = distribution.metadata
        name, version = _line(about, "Name") or name, _line(about, "Version")
        requires = corerange.on_core(about.get_all("Requires-Dist") or distribution.requires or ())
    except Exception:  # noqa: BLE001, S110  missing or no text; `virtmig plugins doctor` tells
        pass
    for point in distribution.entry_points:
        if point.group in KINDS:
            yield Installed(point.group, point.name, point.value, name, version, requires, folder)


def _line(about: Any, key: str) -> str:
    return str(about[key]) if key in about else ""


def _folder(distribution: metadata.Distribution) -> str:
    """Where its metadata lies, for messages; there is no public way to ask."""
    return str(getattr(distribution, "_path", ""))


def normal(name: str) -> str:
    """A name of a distribution as pip compares it (PEP 503)."""
    return re.sub(r"[-_.]+", "-", name).lower()


limits: list[Callable[[Installed], bool]] = []
"""What a driver has to pass to be found; for the test kit, which allows a test only some."""


def chosen(drivers: Iterable[Installed]) -> list[Installed]:
    """Those that may be used: all, unless the environment names some, or a limit is set."""
    found = [one for one in drivers if all(limit(one) for limit in limits)]
    if LOAD.text is None:
        return found
    return [one for one in found if wanted_names() & {normal(one.distribution), normal(one.name)}]


def wanted_names() -> set[str]:
    """The names that the environment names, as pip compares them."""
    return {normal(one.strip()) for one in (LOAD.text or "").split(",")} - {""}


def installed(group: str) -> list[Installed]:
    """The drivers of a group that may be used, by name and distribution."""
    return chosen(scan().of(group))


def find(group: str, name: str, known: Sequence[Installed] | None = None) -> Installed:
    """The one driver of this name; never the first of several.

    known: what is installed, for a caller that has looked already: looking reads many files.
    """
    found = installed(group) if known is None else known
    matches = [one for one in found if one.name == name]
    if not matches:
        raise _no_driver(group, name, found)
    owners = list(dict.fromkeys(one.owner for one in matches))
    if len(owners) > 1:
        one, other = matches[0].distribution, matches[-1].distribution
        hint = f"pip uninstall {one} or {other}; or let {LOAD.name} name all plugins to use but it"
        text = f"{name}: both {' and '.join(owners)} bring this driver"
        raise AmbiguousDriver(text, hint=hint)
    if len(matches) > 1:
        values = " and ".join(one.value for one in matches)
        raise AmbiguousDriver(f"{name}: {owners[0]} declares it twice, as {values}")
    return matches[0]


def _no_driver(group: str, name: str, found: Sequence[Installed]) -> NoDriver:
    """The error that says what is installed and what to install."""
    names = ", ".join(dict.fromkeys(one.name for one in found)) or "none"
    hint = f"{left_out(group, name) or advice(name)}; installed: {names}"
    return NoDriver(f"no {KINDS[group]} driver for {name}", hint=hint)


def left_out(group: str, name: str = "") -> str:
    """A remark on drivers that are installed and that the environment leaves out, or nothing."""
    if LOAD.text is None:
        return ""
    known = [one for one in scan().of(group) if name in ("", one.name)]
    owners = sorted(
        {one.distribution for one in known} - {one.distribution for one in chosen(known)}
    )
    return f"{LOAD.name} leaves out {', '.join(owners)}" if owners else ""
