"""Devices of another kind than the state that they take, or whose fault lies beside the line."""

# ruff: noqa: E501  pieces of source text are lines as they are

from __future__ import annotations

import sys
from typing import Any

from tests.core.testing.wrong import ATTRIBUTE, LOAD_END, SAVE_START, Wrong
from virtmig.testing import DeviceConformance

CREATED = "return LiveEcho(loud=state.device.volume is not None)"
STRICT = "if state.points_len != device.size:"
OF_A_SIZE = {
    ATTRIBUTE: "    modern: int = 0\n    size: int = 0\n\n\nclass",
    CREATED: "size = state.device.points_len\n        points = [Point(delay=0, queue=0)] * size\n"
    "        return LiveEcho(loud=state.device.volume is not None, size=size, points=points)",
    "points_len=len(device.points)": "points_len=device.size",
    "        device.counter = state.counter\n": f"        {STRICT}\n"
    "            raise DeviceMismatch('another size', path='device.points_len')\n"
    "        device.counter = state.counter\n",
}
"""An echo device with a property that counts a list."""


def fill(device: Any, draw: Any) -> None:
    """As many points as the device has room for."""
    point = sys.modules[type(device).__module__].Point
    device.points = [draw.record(point) for _ in range(device.size)]


SIZED = {"properties": ("points_len",), "also": fill}


def of_a_size(check: str, points: str = "list(state.points)") -> dict[str, str]:
    """The device with another check of its property."""
    changes = {old: new.replace(STRICT, check) for old, new in OF_A_SIZE.items()}
    return changes | {"device.points = list(state.points)": f"device.points = {points}"}


PADDED = "(list(state.points) + [Point(delay=0, queue=0)] * 9)[:device.size]"
LOUD = 'raise DeviceMismatch("one is loud, the other is not", path="device.volume")'
VOLUME = 'raise DeviceMismatch("another volume"'
WIDE = "device.modern = 2 if device.has_feature(WIDE) else 1"
DICT = "points: list[Point] = attrs.field(factory=list)"

BLAMING = {
    "a property that counts a list, not compared": Wrong(
        "properties", of_a_size("if False:"), "EchoState.points_len", "compare it", SIZED
    ),
    "a property that counts a list, with a fault in the comparison": Wrong(
        "properties",
        of_a_size("if state.points_len > device.size:"),
        "EchoState.points_len",
        "compare it",
        SIZED,
    ),
    "a property that counts a list, which is padded": Wrong(
        "properties", of_a_size("if False:", PADDED), "EchoState.points_len", "compare it", SIZED
    ),
    "a derived value by a wrong formula": Wrong(
        "derived", {WIDE: WIDE.replace("2 if", "3 if")}, "LiveEcho.modern", "as a running device"
    ),
    "a derived value that is not declared": Wrong(
        "nothing_is_forgotten",
        {WIDE: "pass"},
        "LiveEcho.modern",
        "derived = ('modern',), and let scramble set it as the running device would",
        {"derived": ()},
    ),
    "a refusal without a path": Wrong(
        "refusals", {LOUD: f"{VOLUME})"}, "device.volume", 'write path="device.volume"'
    ),
    "a refusal without the part in its path": Wrong(
        "refusals", {LOUD: f'{VOLUME}, path="volume")'}, "volume", 'write path="device.volume"'
    ),
    "a refusal whose path begins with no part": Wrong(
        "refusals", {LOUD: f'{VOLUME}, path="echo.volume")'}, "echo.volume", '"device.volume"'
    ),
    "a refusal that names nothing": Wrong(
        "refusals",
        {LOUD: 'raise DeviceMismatch("it does not fit")'},
        "load hooks",
        "write the part of the state and the field",
    ),
    "a save hook without self": Wrong(
        "load_save",
        {"def save_device(self, device": "def save_device(device"},
        "save_device",
        "write `self` as the first parameter of save_device",
    ),
    "a hook without any parameter": Wrong(
        "load_save",
        {"def post_load(self, device: LiveEcho)": "def post_load()", WIDE: "pass"},
        "post_load",
        "write `self` as the first parameter of post_load",
    ),
    "a derived value by the clock": Wrong(
        "load_replaces",
        {WIDE: "device.modern = __import__('time').monotonic_ns()"},
        "LiveEcho.modern",
        "take it from the state alone",
    ),
    "points that are kept in the plugin": Wrong(
        "nothing_is_forgotten",
        {
            LOAD_END: f"{LOAD_END}        self.pending = device.points\n",
            "points=tuple(device.points)": "points=tuple(getattr(self, 'pending', device.points))",
            "points_len=len(": "points_len=len(self.pending) if hasattr(self, 'pending') else len(",
        },
        "LiveEcho.points",
        "first keep what is in VirtioEcho.pending in the live object",
    ),
    "a dictionary that a save sorts": Wrong(
        "save_twice",
        {
            ATTRIBUTE: "    modern: int = 0\n    kept: dict[int, int] = attrs.field(factory=lambda: {2: 0, 1: 0})\n\n\nclass",
            SAVE_START: "        device.kept = dict(sorted(device.kept.items()))\n" + SAVE_START,
        },
        "LiveEcho.kept",
        "only read",
    ),
    "a dictionary that the kit's own scramble overwrites": Wrong(
        "load_save",
        {
            DICT: "points: dict[int, Point] = attrs.field(factory=dict)",
            "tuple(device.points)": "tuple(device.points.values())",
            "list(state.points)": "dict(enumerate(state.points))",
        },
        "save_device",
        "write `scramble`, or name the field in `converted`",
        {"scramble": DeviceConformance.scramble},
    ),
}
