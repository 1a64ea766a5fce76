"""Devices that save another value than they were loaded with, each in another way."""

from __future__ import annotations

from tests.core.testing.wrong import LOAD_END, Wrong
from tests.core.testing.wrong_asking import VERSIONED

KEEPING = {
    "a number that is cut": Wrong(
        "each_field_alone",
        {"limit=device.limit,": "limit=device.limit & 0xFF,"},
        "EchoState.limit",
        "not only its low bits",
    ),
    "a text that is cut": Wrong(
        "each_field_alone",
        {"device.tag = state.tag": "device.tag = state.tag[:4].ljust(8, b'\\0')"},
        "EchoState.tag",
        "not only its first",
    ),
    "a constant": Wrong(
        "any_state",
        {"gain=device.gain": "gain=7"},
        "EchoState.gain",
        "the save hook does not take it from the device: save LiveEcho.gain",
    ),
    "a list that is never saved": Wrong(
        "any_state",
        {
            "points=tuple(device.points)": "points=()",
            "points_len=len(device.points)": "points_len=0",
        },
        "EchoState.points",
        "the save hook does not take it from the device: save LiveEcho.points",
    ),
    "a field that nothing holds": Wrong(
        "any_state",
        {
            "gain=device.gain": "gain=7",
            "device.gain = 100 if state.gain is None else state.gain": "device.gain = 3",
        },
        "EchoState.gain",
        "hardly any value is kept",
    ),
    "a version that is lost": Wrong(
        "any_state", VERSIONED, "Log.version_id", "save the version that was loaded"
    ),
    "a list that is sorted": Wrong(
        "any_state",
        {"tuple(device.points)": "tuple(sorted(device.points, key=lambda one: one.delay))"},
        "EchoState.points",
        "saved them in another order",
    ),
    "a list that loses its last": Wrong(
        "any_state",
        {"device.points = list(state.points)": "device.points = list(state.points[:-1])"},
        "EchoState.points",
        "items, then saved",
    ),
    "an attribute that a load makes": Wrong(
        "nothing_is_forgotten",
        {LOAD_END: f"{LOAD_END}        device.was_loaded = True\n"},
        "LiveEcho.was_loaded",
        "no device that was made has it",
    ),
}
