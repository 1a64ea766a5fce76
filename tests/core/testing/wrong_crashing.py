"""Devices whose hooks let exceptions out: the line is named, and what to do about it."""

# ruff: noqa: E501  pieces of source text are lines as they are

from __future__ import annotations

from tests.core.testing.wrong import LOAD_END, Wrong

API = "import DeviceDriver, DeviceMismatch,"
COUNT = "            points_len=len(device.points),\n"
SAVE = "        return EchoState(\n            counter=device.counter,\n"

CRASHING = {
    "an index that is not there": Wrong(
        "load_save",
        {LOAD_END: LOAD_END + "        if state.counter > 0:\n            [][state.counter]\n"},
        "load_device",
        "live.py:89 in load_device mend that line; or raise DeviceMismatch there",
    ),
    "a name that is none": Wrong(
        "load_save",
        {SAVE: "        no_such_name\n" + SAVE},
        "save_device",
        "in save_device mend that line",
    ),
    "a create hook that fails": Wrong(
        "load_save",
        {"LiveEcho(loud=state.device.volume is not None)": "LiveEcho(loud=state.device.volumes)"},
        "create_device",
        "in create_device mend that line",
    ),
    "a text of another encoding": Wrong(
        "load_save",
        {LOAD_END: LOAD_END + "        device.tag.decode('ascii')\n"},
        "load_device",
        "in load_device raise DeviceMismatch if",
    ),
    "a file that is not there": Wrong(
        "load_save",
        {LOAD_END: LOAD_END + "        open('/nowhere/table.json')\n"},
        "load_device",
        "put what it needs into a module",
    ),
    "a record without its count": Wrong(
        "load_save",
        {COUNT: ""},
        "save_device",
        "in that line give EchoState also points_len=len(...), the number of items of `points`",
    ),
    "a record without two fields": Wrong(
        "load_save",
        {"            limit=device.limit,\n": "", "            tag=device.tag,\n": ""},
        "save_device",
        "give EchoState also limit=... and tag=...",
    ),
    "a record with a field that is none": Wrong(
        "load_save",
        {"gain=device.gain": "gian=device.gain"},
        "save_device",
        "EchoState has no field 'gian'; did you mean 'gain'?",
    ),
    "collect without a count": Wrong(
        "load_save",
        {
            API: "import collect, DeviceDriver, DeviceMismatch,",
            SAVE: "        return collect(EchoState, device, log=log) if device else EchoState(\n            counter=device.counter,\n",
        },
        "save_device",
        "collect(EchoState, ..., points_len=len(...), the number of items of `points`)",
    ),
    "restore of what cannot be set": Wrong(
        "load_save",
        {
            API: "import restore, DeviceDriver, DeviceMismatch,",
            "    modern: int = 0\n\n\n": "    modern: int = 0\n\n    @property\n    def points_len(self) -> int:\n        return len(self.points)\n\n\n",
            "        device.counter = state.counter\n": "        restore(device, state, 'log', 'points')\n",
        },
        "load_device",
        "restore(..., 'points_len')",
    ),
}
