"""Distributions that are not there: a metadata folder and modules, as pip would leave them."""

from __future__ import annotations

import importlib
import itertools
from pathlib import Path
from textwrap import dedent

_numbers = itertools.count()

DEVICE = '''
"""A device driver as short as it can be."""
from virtmig.api import DeviceDriver, VirtioDevice, be16, hookimpl, record, wire


@record()
class State:
    value: int = wire(be16, "a value")


class Plugin:
    @hookimpl
    def describe_driver(self):
        return DeviceDriver(name="{name}", device_id=99, version=1, state=State)

    @hookimpl
    def save_device(self, device):
        return State(value=getattr(device, "value", 0))

    @hookimpl
    def load_device(self, device, state):
        device.value = state.value


plugin = Plugin()
'''

TRANSPORT = '''
"""A transport driver as short as it can be."""
from virtmig.api import TransportDriver, be16, hookimpl, record, wire


@record()
class Config:
    value: int = wire(be16, "a value")


@record()
class Queue:
    vector: int = wire(be16, "a vector")


class Plugin:
    @hookimpl
    def describe_driver(self):
        return TransportDriver(
            name="{name}", path_pattern="{pattern}", config=Config, queue=Queue
        )

    @hookimpl
    def save_config(self, transport):
        return Config(value=0)

    @hookimpl
    def save_queue(self, transport, index):
        return Queue(vector=0)

    @hookimpl
    def load_config(self, transport, state):
        pass

    @hookimpl
    def load_queue(self, transport, index, state):
        pass


plugin = Plugin()
'''


def device(name: str, **changes: str) -> str:
    """Source of a device plugin; `changes` maps pieces of it to what stands there instead."""
    return _changed(DEVICE.replace("{name}", name), changes)


def transport(name: str, pattern: str, **changes: str) -> str:
    """Source of a transport plugin."""
    return _changed(TRANSPORT.replace("{name}", name).replace("{pattern}", pattern), changes)


def _changed(source: str, changes: dict[str, str]) -> str:
    for old, new in changes.items():
        assert old in source
        source = source.replace(old, dedent(new))
    return source


class Site:
    """A folder on `sys.path` that distributions are put into."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.modules: list[str] = []

    def add(
        self,
        name: str,
        source: str,
        *,
        group: str = "virtmig.devices",
        dist: str,
        version: str = "1.0",
        requires: str = "",
    ) -> str:
        """Install a distribution with one driver; returns the name of its module."""
        module = f"fake_{next(_numbers)}"
        self.modules.append(module)
        (self.folder / f"{module}.py").write_text(source)
        self.metadata(dist, version, f"[{group}]\n{name} = {module}:plugin\n", requires)
        return module

    def metadata(self, dist: str, version: str, entry_points: str, requires: str = "") -> Path:
        """Write the metadata of a distribution; returns their folder."""
        info = self.folder / f"{dist.replace('-', '_')}-{version}.dist-info"
        info.mkdir()
        text = f"Metadata-Version: 2.1\nName: {dist}\nVersion: {version}\n"
        text += f"Requires-Dist: {requires}\n" if requires else ""
        (info / "METADATA").write_text(text)
        (info / "entry_points.txt").write_text(entry_points)
        importlib.invalidate_caches()
        return info
