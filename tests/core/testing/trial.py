"""Runs the laws of the kit on a plugin that is made of source text and installed for one test."""

from __future__ import annotations

import importlib
import itertools
import sys
from pathlib import Path
from typing import Any

import attrs
import pytest

from tests.core.testing import echo
from virtmig.testing import DeviceConformance, Draw, SectionConformance, TransportConformance, notes
from virtmig.testing.kit import Kit, rank

_numbers = itertools.count()

METADATA = """Metadata-Version: 2.1
Name: virtmig-echo
Version: 0.1
Summary: an echo device
License-Expression: Apache-2.0
Requires-Python: >=3.11
Requires-Dist: virtmig<0.2,>=0.1
Requires-Dist: attrs>=23.1

An echo device.
"""


@attrs.frozen
class Made:
    """A plugin on the path: its name, its package, and the folder of its test."""

    driver: str
    group: str
    package: str
    folder: Path

    def module(self, name: str) -> Any:
        return importlib.import_module(f"{self.package}.{name}")


class Workshop:
    """A folder on `sys.path` that plugins are made in."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.packages: list[str] = []

    def make(
        self,
        group: str,
        driver: str,
        sources: dict[str, str],
        changes: dict[str, str],
        *,
        metadata: str = METADATA,
        point: str = "",
        typed: bool = True,
        more_points: str = "",
    ) -> Made:
        """Write a package and its metadata; `changes` maps pieces of source to others."""
        package = f"virtmig_made_{next(_numbers)}"
        self.packages.append(package)
        (self.folder / package).mkdir()
        pending = dict(changes)
        for name, source in {"__init__": '"""Made for a test."""\n', **sources}.items():
            text = source.replace("{package}", package).replace("{{", "{").replace("}}", "}")
            for old, new in changes.items():
                if old in text:
                    pending.pop(old, None)
                    text = text.replace(old, new)
            (self.folder / package / f"{name}.py").write_text(text)
        assert not pending, f"not found in the sources: {list(pending)}"
        if typed:
            (self.folder / package / "py.typed").touch()
        info = self.folder / "virtmig_echo-0.1.dist-info"
        info.mkdir(exist_ok=True)
        (info / "METADATA").write_text(metadata)
        (info / "top_level.txt").write_text(f"{package}\n")
        value = point or f"{package}.live:plugin"
        points = f"[{group}]\n{driver} = {value}\n{more_points.format(package=package)}"
        (info / "entry_points.txt").write_text(points)
        importlib.invalidate_caches()
        return Made(driver, group, package, self.folder / package)

    def device(self, changes: dict[str, str] | None = None, **more: Any) -> Made:
        sources = {"state": echo.STATE, "live": echo.LIVE}
        return self.make("virtmig.devices", "virtio-echo", sources, changes or {}, **more)

    def transport(self, changes: dict[str, str] | None = None, **more: Any) -> Made:
        sources = {"state": echo.TRANSPORT_STATE, "live": echo.TRANSPORT_LIVE}
        return self.make("virtmig.transports", "virtio-tube", sources, changes or {}, **more)

    def section(self, changes: dict[str, str] | None = None, **more: Any) -> Made:
        sources = {"live": echo.SECTION_STATE}
        return self.make("virtmig.sections", "echo-disk", sources, changes or {}, **more)

    def close(self) -> None:
        """Forget all modules."""
        for name in list(sys.modules):
            if name.partition(".")[0] in self.packages:
                del sys.modules[name]


def scramble_echo(made: Made) -> Any:
    """What a test of the echo device writes."""

    def scramble(self: Any, device: Any, draw: Draw) -> None:
        state = made.module("state")
        device.counter = draw.integer(0, 0xFFFF)
        device.limit = draw.integer(0, 0xFFFF)
        device.tag = draw.binary(8)
        device.muted = draw.boolean()
        device.pitch = draw.integer(0, 12) if device.has_feature(1) else 0
        device.volume = draw.integer(0, 0xFFFF) if device.loud else 0
        device.points = [draw.record(state.Point) for _ in range(draw.integer(0, 3))]
        device.gain = draw.integer(0, 0xFFFF)
        device.lines = draw.binary(draw.integer(0, 5))
        device.level = draw.integer(0, 7)
        device.modern = 2 if device.has_feature(50) else 1

    return scramble


def scramble_tube(self: Any, transport: Any, draw: Draw) -> None:
    """What a test of the tube writes."""
    transport.pressure = draw.integer(0, 1 << 31)
    transport.rate = draw.integer(0, 3)
    transport.pending = True
    for queue in transport.device.queues:
        queue.vector = draw.integer(0, 9)


def kit_of(made: Made, **attributes: Any) -> Kit:
    """A test class for the plugin, as its author would write it."""
    base: type[Kit]
    if made.group == "virtmig.devices":
        base = DeviceConformance
        given = {"derived": ("modern",), "scramble": None}
        given["scramble"] = attributes.get("scramble") or scramble_echo(made)
    elif made.group == "virtmig.transports":
        base = TransportConformance
        given = {"paths": ("tube:7",), "not_paths": ("tube:x",), "properties": ("place",)}
        given["scramble"] = scramble_tube
    else:
        base, given = SectionConformance, {}
    common = {"driver": made.driver, "goldens": made.folder / "goldens", "examples": 12}
    cls = type("TestMade", (base,), {"__module__": __name__, **common, **given, **attributes})
    return cls()


def laws_of(kit: Kit) -> list[str]:
    """Names of all laws, without `test_`, in the order of a run."""
    names = [name.removeprefix("test_") for name in dir(kit) if name.startswith("test_")]
    return sorted(names, key=rank)


def outcome(kit: Kit, law: str) -> str:
    """What a law says: nothing if it holds, the block of text if not; `skipped: ...`."""
    try:
        getattr(kit, f"test_{law}")()
    except pytest.fail.Exception as failed:
        assert failed.pytrace is False
        return str(failed.msg)
    except pytest.skip.Exception as skipped:
        return f"skipped: {skipped.msg}"
    return ""


def rows_of(said: str) -> dict[str, str]:
    """A block by its rows: law, plugin, field, found, do."""
    whole = said.replace("\n    ", " ")
    return {line.partition(": ")[0]: line.partition(": ")[2] for line in whole.splitlines()}


def taken_notes() -> list[str]:
    return notes.take()
