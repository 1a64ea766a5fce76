"""A plugin's folder as its author has it: what it declares, and the drivers in its sources."""

from __future__ import annotations

import importlib
import sys
import tomllib
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from virtmig.hooks import corerange
from virtmig.hooks.bound import BoundDevice, BoundSection, BoundTransport
from virtmig.hooks.discovery import DEVICES, KINDS, SECTIONS, TRANSPORTS, Installed
from virtmig.scaffold import Refused
from virtmig.virtio.drivers import Driver

BINDERS = {DEVICES: BoundDevice, TRANSPORTS: BoundTransport, SECTIONS: BoundSection}


def entry_points(folder: Path) -> list[Installed]:
    """The drivers that a folder's pyproject.toml declares."""
    path = folder / "pyproject.toml"
    try:
        project: dict[str, Any] = tomllib.loads(path.read_text()).get("project", {})
    except FileNotFoundError:
        raise Refused(f"{folder.resolve()} is no plugin: it has no pyproject.toml") from None
    except tomllib.TOMLDecodeError as error:
        raise Refused(f"{path}: {error}") from None
    name, version = project.get("name", folder.name), project.get("version", "")
    requires = corerange.on_core(project.get("dependencies", ()))
    groups = project.get("entry-points", {})
    found = [
        Installed(group, driver, value, name, version, requires)
        for group in KINDS
        for driver, value in groups.get(group, {}).items()
    ]
    if not found:
        text = f"{path} declares no driver: it needs a table"
        raise Refused(f'{text} [project.entry-points."virtmig.devices"]')
    return found


def drivers(folder: Path) -> list[Driver]:
    """The drivers of a plugin, from the sources in its folder, whether it is installed or not."""
    with _importable(folder):
        return [_driver(one) for one in entry_points(folder)]


def _driver(one: Installed) -> Driver:
    bound: Any = BINDERS[one.group](one.load(), one.name, str(one))
    found: Driver = bound.driver
    return found


@contextmanager
def _importable(folder: Path) -> Generator[None]:
    """Import from the sources in a folder before all that is installed; leave no files there."""
    source = folder / "src" if (folder / "src").is_dir() else folder
    writes = sys.dont_write_bytecode
    sys.path.insert(0, str(source.resolve()))
    sys.dont_write_bytecode = True
    importlib.invalidate_caches()
    try:
        yield
    finally:
        sys.path.remove(str(source.resolve()))
        sys.dont_write_bytecode = writes
