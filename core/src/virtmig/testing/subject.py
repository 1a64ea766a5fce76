"""The plugin under test: found as a user's tool finds it, with the files it is made of."""

from __future__ import annotations

import difflib
import sys
import types
from collections.abc import Iterator
from functools import cached_property
from importlib import metadata
from pathlib import Path
from typing import Any

from virtmig.errors import (
    AmbiguousDriver,
    IncompatiblePlugin,
    NoDriver,
    PluginError,
    VirtmigError,
    told,
)
from virtmig.hooks.bound import BoundDevice, BoundSection, BoundTransport
from virtmig.hooks.contract import contract_findings
from virtmig.hooks.discovery import DEVICES, SECTIONS, TRANSPORTS, Installed, find, left_out, scan
from virtmig.hooks.spelling import ALL_HOOKS
from virtmig.hooks.stale import AGAIN, stale_entry_points
from virtmig.testing.looking import own
from virtmig.testing.process import core_attributes
from virtmig.testing.report import LawBroken
from virtmig.testing.tables import module_tables

GROUPS = {"device": DEVICES, "transport": TRANSPORTS, "section": SECTIONS}
BINDERS = {"device": BoundDevice, "transport": BoundTransport, "section": BoundSection}
DRIVERS = {"device": "DeviceDriver", "transport": "TransportDriver", "section": "SectionDriver"}

NEAR = 3
"""Folders above a test file in which its project may lie."""
COPIED = "the entry points of pyproject.toml are copied when it is installed, and not followed"
ADVICE = {
    "the entry point is": "give the driver and the entry point the same name",
    "does not implement": "implement it, and mark it with @hookimpl",
    "but not the hook": "implement it, and mark it with @hookimpl",
    "wrapper=True": "take wrapper=True out of its @hookimpl: a plugin's hooks are plain functions",
}
"""What to do, by a part of what the core says."""


class Subject:
    """One driver: its entry point, its distribution, its plugin object, and that object bound.

    kind: `device`, `transport` or `section`. name: of the entry point. project: the folder of the
    pyproject.toml that lies beside its tests.
    """

    def __init__(self, kind: str, name: str, project: Path | None = None) -> None:
        self.kind = kind
        self.name = name
        self.project = project
        self.group = GROUPS[kind]
        self.core = core_attributes()
        """The functions and attributes of the core before the plugin's hooks run."""
        self.tables: dict[str, Any] = {}
        """What the plugin's modules hold once they are imported."""
        self.held: dict[str, Any] = {}
        """What the plugin object holds before a hook of a live object is called."""

    @cached_property
    def source(self) -> Installed:
        """The entry point."""
        try:
            return find(self.group, self.name)
        except AmbiguousDriver as error:
            do = error.hint or "leave one of them in pyproject.toml"
            raise LawBroken(error.reason, do=do, field="entry point") from None
        except NoDriver:
            raise self._not_found() from None

    @cached_property
    def stale(self) -> LawBroken | None:
        """Entry points of the project that are other ones than those installed."""
        found = stale_entry_points(self.project) if self.project else []
        if not found:
            return None
        return LawBroken("; ".join(found), do=f"{AGAIN} again: {COPIED}", field="entry point")

    def _not_found(self) -> LawBroken:
        if self.stale is not None:
            return self.stale
        if hidden := left_out(self.group, self.name):
            return LawBroken(hidden, do="name it there, or unset it", field="driver")
        for one in scan().drivers:
            if one.name == self.name:
                do = f"move it to [project.entry-points.{self.group!r}], or test it as a {one.kind}"
                found = f"{self.name!r} stands in {one.group}, this is a test of a {self.kind}"
                return LawBroken(found, do=do, field="entry point")
        found = f"no installed distribution has an entry point {self.name!r} in {self.group}"
        for near in self._near_ones():
            do = f"did you mean {near.name}, which {near.distribution} brings? Then write that as "
            do += "the driver of the test class; or give the entry point the driver's name"
            return LawBroken(found, do=do, field="driver")
        return LawBroken(
            found,
            do=f'in pyproject.toml write [project.entry-points."{self.group}"] and below it '
            f'{self.name} = "your_package.live:plugin", then install it: pip install -e .',
        )

    def _near_ones(self) -> Iterator[Installed]:
        """Installed drivers of the same kind whose names are like the one that is not there."""
        known = {one.name.rpartition("-")[2]: one for one in scan().of(self.group)}
        for name in difflib.get_close_matches(self.name.rpartition("-")[2], known):
            yield known[name]

    @cached_property
    def plugin(self) -> Any:
        """The object that the entry point names."""
        try:
            found = self.source.load()
            self.tables = module_tables(self.top)
        except PluginError as error:
            if self.stale is not None:
                raise self.stale from error
            do = self._import_advice(error)
            raise LawBroken(error.reason, do=do, field="entry point") from error
        return found

    def _import_advice(self, error: PluginError) -> str:
        """What to do about an entry point that does not give an object."""
        cause = error.__cause__
        if isinstance(error, IncompatiblePlugin):
            return "install a virtmig that fits, or widen the range in the plugin's dependencies"
        if isinstance(cause, AttributeError) and self.module in sys.modules:
            return f"let the entry point {self.source.value!r} name an object of that module"
        if isinstance(cause, TypeError) and "." in str(cause):
            return "mend the declaration that it names"
        if isinstance(cause, SyntaxError):
            return "mend that line; the oldest Python of requires-python has to read it"
        if isinstance(cause, ValueError) and "main thread" in str(cause):
            return "set no signal handler on import: it is the program's business"
        return f"let `python -c 'import {self.module}'` work, and name its plugin object"

    @cached_property
    def bound(self) -> Any:
        """The plugin behind its hooks."""
        try:
            made = BINDERS[self.kind](self.plugin, self.name, self.owner)
        except PluginError as error:
            raise LawBroken(error.reason, do=self._advice(error), field="hooks") from error
        self.held = own(self.plugin)
        return made

    def _advice(self, error: VirtmigError) -> str:
        """What to do about a plugin that cannot be bound."""
        if isinstance(self.plugin, type):
            return "let the entry point name an instance: plugin = YourPlugin()"
        if isinstance(self.plugin, types.ModuleType | types.FunctionType):
            return f"let the entry point name the plugin object, as in {self.module}:plugin"
        if "there is no hook" in str(error):
            return error.hint if ALL_HOOKS in error.hint else f"{error.hint} {ALL_HOOKS}"
        returns = f"return a {DRIVERS[self.kind]} from describe_driver"
        for part, advice in {**ADVICE, "describe_driver returned": returns}.items():
            if part in str(error):
                return advice
        return error.hint or "describe_driver has to work without anything being set up"

    def findings(self) -> Iterator[LawBroken]:
        """What is wrong with the description, errors first; the rest can wait."""
        found = contract_findings(self.bound.driver)
        for one in sorted(found, key=lambda one: one.severity != "error"):
            yield LawBroken(one.what, do=one.do or "see virtmig.api", field=one.where)

    @cached_property
    def unsound(self) -> LawBroken | None:
        """Why no other law can be tried, if that is so."""
        try:
            found = contract_findings(self.bound.driver)
        except LawBroken as error:
            return error
        wrong = any(one.severity == "error" for one in found)
        return next(self.findings()) if wrong else None

    @cached_property
    def driver(self) -> Any:
        """What the plugin says of itself."""
        return self.bound.driver

    @property
    def owner(self) -> str:
        """`virtio-echo of virtmig-echo 0.1`."""
        return str(self.source)

    @cached_property
    def distribution(self) -> metadata.Distribution:
        """The installed distribution that brings it."""
        return metadata.distribution(self.source.distribution)

    @cached_property
    def module(self) -> str:
        """The module that the entry point names."""
        return self.source.value.partition(":")[0].strip()

    @property
    def top(self) -> str:
        """The package that module is in."""
        return self.module.partition(".")[0]

    @cached_property
    def file(self) -> Path:
        """The file of that module."""
        loaded = sys.modules.get(self.module)
        return Path(getattr(loaded, "__file__", None) or self.module)

    @cached_property
    def package(self) -> Path:
        """The top folder of its package, or its only file."""
        top = sys.modules.get(self.module.partition(".")[0])
        found = getattr(top, "__file__", None)
        paths = list(getattr(top, "__path__", ()))
        return Path(paths[0]) if paths else Path(found or self.module)

    @cached_property
    def sources(self) -> tuple[Path, ...]:
        """All Python files of its package."""
        found = sorted(self.package.rglob("*.py")) if self.package.is_dir() else [self.package]
        return tuple(path for path in found if path.suffix == ".py" and path.exists())

    def label(self) -> str:
        """Who is at fault, for a message; as much as could be found out."""
        try:
            return f"{self.owner} ({relative(self.file)})"
        except LawBroken:
            return self.name

    def describe(self) -> Any:
        """The driver's description, asked for anew."""
        try:
            return self.bound.call("describe_driver", object)
        except VirtmigError as error:
            do = "let describe_driver return data and do nothing else"
            raise LawBroken(told(error), do=do, field="describe_driver") from error


def project_of(file: Path) -> Path | None:
    """The folder of the pyproject.toml that is nearest above a test file, if one is near."""
    near = list(file.absolute().parents)[:NEAR]
    return next((one for one in near if (one / "pyproject.toml").is_file()), None)


def relative(path: Path) -> str:
    """A path as short as it is from here."""
    try:
        return str(path.resolve().relative_to(Path.cwd()))
    except ValueError:
        return str(path)
