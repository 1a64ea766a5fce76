"""Devices whose load hooks are wrong in one place."""

# ruff: noqa: E501  pieces of source text are lines as they are

from __future__ import annotations

from tests.core.testing.wire_types import LOOSE
from tests.core.testing.wrong import ATTRIBUTE, LOAD_END, Wrong

LOADING = {
    "load drops a field": Wrong(
        "load_save", {"        device.limit = state.limit\n": ""}, "EchoState.limit", "load hook"
    ),
    "load swaps two fields": Wrong(
        "load_save",
        {
            "device.counter = state.counter": "device.counter = state.limit",
            "device.limit = state.limit": "device.limit = state.counter",
        },
        "EchoState.counter",
    ),
    "load sets the wrong attribute": Wrong(
        "load_save", {"device.level = 0 if": "device.gain = 0 if"}, "EchoState.gain"
    ),
    "load skips what is zero": Wrong(
        "load_replaces",
        {
            "        device.limit = state.limit": "        if state.limit:\n            device.limit = state.limit"
        },
        "EchoState.limit",
        "a device in use",
    ),
    "load appends": Wrong(
        "load_replaces",
        {"device.points = list(state.points)": "device.points += state.points"},
        "EchoState.points",
        "append",
    ),
    "live state is saved nowhere": Wrong(
        "nothing_is_forgotten",
        {"        device.muted = state.muted\n": "", "muted=device.muted": "muted=False"},
        "LiveEcho.muted",
        "it is a field of the record",
    ),
    "a number is saved for a bool": Wrong(
        "load_save", {"muted=device.muted": "muted=int(device.muted)"}, "muted", ""
    ),
    "a count does not fit": Wrong(
        "load_save",
        {"points_len=len(device.points)": "points_len=len(device.points) + 1"},
        "points",
        "counts",
    ),
    "load keeps the record's list": Wrong(
        "record_is_not_shared",
        {
            'points: tuple[Point, ...] = wire(array(Point, "points_len")': 'points: tuple[Point, ...] = wire(Loose(array(Point, "points_len"))',
            "@record()\nclass Point": LOOSE,
            "device.points = list(state.points)": "device.points = state.points",
            "points=tuple(device.points)": "points=list(device.points)",
        },
        "EchoState.points",
        "copy",
        {"scramble": "in place"},
    ),
    "load looks into the dictionary for what is old": Wrong(
        "load_replaces",
        {
            LOAD_END: LOAD_END + "        device.limit = state.limit if vars(device).get("
            "'guest_features', 0) & 1 << 50 == 0 else 0\n"
        },
        "EchoState.limit",
    ),
    "post_load throws state away": Wrong(
        "load_save",
        {"        device.modern = 2": "        device.pitch = 0\n        device.modern = 2"},
        "EchoState.pitch",
    ),
    "a failed load leaves traces": Wrong(
        "half_way",
        {
            LOAD_END: LOAD_END + "        device.trace.seen.append(state.counter)\n",
            ATTRIBUTE: "    modern: int = 0\n    trace: object = attrs.field(factory=lambda: TRACE())"
            "\n\n\nclass TRACE:\n    def __init__(self):\n        self.seen = []\n\n"
            "    def __deepcopy__(self, memo):\n        raise TypeError\n\n\nclass",
        },
        "",
        "failed load",
    ),
    "a refusal leaves traces": Wrong(
        "any_state",
        {
            "        if (state.volume is not None)": "        device.trace.seen.append(state.counter)\n        if (state.volume is not None)",
            'path="device.volume")': 'path="device.volume")\n        if state.counter & 1:\n'
            '            raise DeviceMismatch("odd", path="device.counter")',
            ATTRIBUTE: "    modern: int = 0\n    trace: object = attrs.field(factory=lambda: TRACE())"
            "\n\n\nclass TRACE:\n    def __init__(self):\n        self.seen = []\n\n"
            "    def __deepcopy__(self, memo):\n        raise TypeError\n\n\nclass",
        },
        "device.",
        "check everything first",
    ),
    "load brings values into range": Wrong(
        "any_state",
        {"device.limit = state.limit": "device.limit = min(state.limit, 1000)"},
        "EchoState.limit",
        "normalised",
    ),
    "save returns None": Wrong(
        "load_save", {"        return EchoState(": "        EchoState("}, "save_device", "NoneType"
    ),
    "load returns something": Wrong(
        "load_save", {LOAD_END: LOAD_END + "        return True\n"}, "load_device", "nothing"
    ),
    "a field named like the core's": Wrong(
        "load_save",
        {LOAD_END: LOAD_END + "        device.status = state.counter & 0xFF\n"},
        "load_device",
        "another name",
    ),
    "the core's state behind its back": Wrong(
        "core_is_left_alone",
        {LOAD_END: LOAD_END + "        vars(device)['isr'] = 77\n"},
        "isr",
        "of your own",
    ),
    "one more queue": Wrong(
        "core_is_left_alone",
        {LOAD_END: LOAD_END + "        device.queues.append(device.queues[0])\n"},
        "queues",
    ),
    "a subsection that is always sent": Wrong(
        "without_subsections",
        {
            "        if device.lines or device.level:": "        if True:",
            '            raise DeviceMismatch("an empty log is never sent", path="device.log")': "            pass",
        },
        "EchoState.log",
        "default",
    ),
    "a subsection that leaves what was there": Wrong(
        "without_subsections",
        {
            'device.lines = b"" if state.log is None else state.log.text': "device.lines = device.lines if state.log is None else state.log.text"
        },
        "EchoState.log",
        "in use",
    ),
    "a subsection that has to be there": Wrong(
        "without_subsections",
        {
            "        device.counter = state.counter": "        if state.log is None:\n            raise DeviceMismatch('no log')\n"
            "        device.counter = state.counter"
        },
        "EchoState.log",
        "older stream",
    ),
    "a subsection lost when only it changed": Wrong(
        "each_field_alone",
        {
            "        if device.lines or device.level:": "        if device.counter and (device.lines or device.level):"
        },
        "EchoState.log",
        "all else being as in a fresh device",
    ),
    "an old version that does not load": Wrong(
        "older_versions",
        {"device.gain = 100 if state.gain is None else state.gain": "device.gain = state.gain"},
        "EchoState.gain",
    ),
    "an old version that keeps what was there": Wrong(
        "older_versions",
        {
            "device.gain = 100 if state.gain is None else state.gain": "device.gain = device.gain if state.gain is None else state.gain"
        },
        "EchoState.gain",
        "default",
    ),
}
