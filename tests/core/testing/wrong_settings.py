"""Faults in the conformance class, and in live objects that only a second look shows."""

from __future__ import annotations

import random
from typing import Any

from tests.core.testing.wrong import Wrong


def with_queue(device: Any) -> Any:
    """A device that brings a queue, which is the core's to add."""
    device.add_queues([8])
    return device


def at_random(_: object, device: Any, __: object) -> None:
    """A guest that does something else each time."""
    device.counter = random.SystemRandom().randrange(0xFFFF)


SETTINGS = {
    "scramble throws dice of its own": Wrong(
        "goes_on",
        {},
        "scramble",
        "take every value in scramble from `draw`",
        {"scramble": at_random},
    ),
    "a property that is misspelt": Wrong(
        "settings", {}, "properties", "write 'limit'", {"properties": ("limitt",)}
    ),
    "a name alone in place of a tuple": Wrong(
        "settings", {}, "not_scrambled", "a comma also behind", {"not_scrambled": "tag"}
    ),
    "a field is said to be derived": Wrong(
        "settings", {}, "derived", "'muted' is a field of the record", {"derived": ("muted",)}
    ),
    "a derived attribute that is not there": Wrong(
        "settings", {}, "derived", "no attribute of LiveEcho", {"derived": ("modernn",)}
    ),
    "a driver that is not installed": Wrong(
        "settings", {}, "uses", "'virtio-blkk' is no installed driver", {"uses": ("virtio-blkk",)}
    ),
    "a law that is switched off": Wrong(
        "settings", {}, "test_load_save", "switched off", {"test_load_save": None}
    ),
    "no examples": Wrong("settings", {}, "examples", "try nothing", {"examples": 0}),
    "a folder of goldens that is not there": Wrong(
        "settings", {}, "goldens", "no folder 'golden'", {"goldens": "golden"}
    ),
    "only the first load counts": Wrong(
        "load_replaces",
        {
            "        device.tag = state.tag": "        if getattr(device, 'done', False):\n"
            "            return\n        device.done = True\n        device.tag = state.tag",
        },
        "EchoState.",
        "a device loaded with another state before",
        {"derived": ("done",)},
    ),
    "queues of its own": Wrong(
        "load_save",
        {},
        "LiveEcho",
        "leave queues and features to the core",
        {"make_device": lambda self: with_queue(self.bench().created(self.for_state))},
    ),
    "room for eight points": Wrong(
        "full_house",
        {"device.points = list(state.points)": "device.points = list(state.points[:8])"},
        "EchoState.points",
        ".upto(N)",
    ),
}
