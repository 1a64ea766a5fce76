"""Devices that go wrong after a load, in one with other properties, or only when they are full."""

# ruff: noqa: E501  pieces of source text are lines as they are

from __future__ import annotations

from typing import Any

from tests.core.testing.wrong import ATTRIBUTE, LOAD_END, Wrong
from virtmig.testing import Draw


def counting(_: object, device: Any, draw: Draw) -> None:
    """The guest of a device whose limit is a property."""
    device.counter = draw.integer(0, 0xFFFF)


CREATE = "LiveEcho(loud=state.device.volume is not None)"
WITH_LIMIT = "LiveEcho(loud=state.device.volume is not None, limit=state.device.limit)"
LIMITED = {"properties": ("limit",), "scramble": counting}
LOAD_START = "        if (state.volume is not None) is not"

GOING_ON = {
    "save prefers what the load hook kept": Wrong(
        "goes_on",
        {
            LOAD_END: LOAD_END + "        device.kept = state.points\n",
            "            points=tuple(device.points)": "            points=device.kept if len(getattr(device, 'kept', ())) == len(device.points) "
            "and hasattr(device, 'kept') else tuple(device.points)",
        },
        "Point.",
        "not from a copy that the load hook kept",
        {"derived": ("modern", "kept")},
    ),
    "post_load works out something else": Wrong(
        "derived",
        {"device.modern = 2 if": "device.modern = 3 if"},
        "LiveEcho.modern",
        "what the running device holds",
    ),
    "create_device forgets a property": Wrong(
        "properties", {}, "EchoState.limit", "take 'limit' from the state", LIMITED
    ),
    "load does not look at a property": Wrong(
        "properties",
        {CREATE: WITH_LIMIT, "        device.limit = state.limit\n": ""},
        "EchoState.limit",
        "compare it in the load hook",
        LIMITED,
    ),
    "a property is refused without its path": Wrong(
        "refusals",
        {
            CREATE: WITH_LIMIT,
            "        device.limit = state.limit\n": "        if state.limit != device.limit:\n"
            "            raise DeviceMismatch('another limit')\n",
        },
        "limit",
        'path="device.limit"',
        LIMITED,
    ),
    "state outside of the live object": Wrong(
        "half_way",
        {
            "import attrs\n": "import attrs\nimport weakref\n\nGAIN = weakref.WeakKeyDictionary()\n",
            "    gain: int = 100\n": "",
            ATTRIBUTE: "    modern: int = 0\n\n    @property\n    def gain(self):\n        return GAIN.get(self, 100)\n\n"
            "    @gain.setter\n    def gain(self, value):\n        GAIN[self] = value\n\n\nclass",
        },
        "EchoState.gain",
        "attributes of the live object",
    ),
    "a view for few points": Wrong(
        "full_house",
        {'"tag": state.tag.hex()': '"most": [0, 1, 2, 3][len(state.points)]'},
        "view",
        "any record",
    ),
    "work that doubles with each point": Wrong(
        "full_house",
        {
            LOAD_END: LOAD_END
            + "        for _ in range(2 ** len(state.points)):\n            pass\n"
        },
        "LiveEcho",
        "once for each item",
    ),
    "a default that a fresh device does not have": Wrong(
        "nothing_is_forgotten",
        {
            "device.pitch = state.pitch or 0": "device.pitch = 5 if state.pitch is None else state.pitch"
        },
        "LiveEcho.pitch",
        "what a fresh device has: 0",
    ),
    "a load that gives another type": Wrong(
        "nothing_is_forgotten",
        {"device.points = list(state.points)": "device.points = state.points"},
        "LiveEcho.points",
        "list(...)",
    ),
    "a device of the core's own class": Wrong(
        "load_save", {CREATE: "VirtioDevice()"}, "create_device", "of your own class"
    ),
}
