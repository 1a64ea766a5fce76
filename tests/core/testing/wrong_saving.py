"""Devices whose save hooks, live objects or habits are wrong in one place."""

# ruff: noqa: E501  pieces of source text are lines as they are

from __future__ import annotations

from tests.core.testing.wrong import HOOK, LOAD_END, SAVE_START, Wrong

SAVING = {
    "save returns a constant": Wrong(
        "every_field_changes", {"limit=device.limit": "limit=100"}, "EchoState.limit", "never"
    ),
    "save returns the record that was loaded": Wrong(
        "goes_on",
        {
            LOAD_END: LOAD_END + "        device._record = state\n",
            SAVE_START: '        if hasattr(device, "_record"):\n            return device._record\n'
            + SAVE_START,
        },
        "EchoState.",
        "not from a copy that the load hook kept",
    ),
    "save counts": Wrong(
        "save_twice",
        {SAVE_START: "        device.counter = (device.counter + 1) & 0xFFFF\n" + SAVE_START},
        "LiveEcho.counter",
        "only read",
    ),
    "save is random": Wrong(
        "save_twice",
        {"limit=device.limit": "limit=__import__('random').randrange(65536)"},
        "EchoState.limit",
        "no clock",
    ),
    "save looks at the clock": Wrong(
        "save_twice",
        {"limit=device.limit": "limit=int(__import__('time').time()) & 0xFFFF"},
        "EchoState.limit",
        "no clock",
    ),
    "save shares a list": Wrong(
        "saved_types", {"points=tuple(device.points)": "points=device.points"}, "EchoState.points"
    ),
    "a bool is saved for a number": Wrong(
        "saved_types",
        {
            "gain=device.gain": "gain=device.gain > 0",
            "device.gain = 100 if state.gain is None else state.gain": "device.gain = 1 if state.gain is None else state.gain",
        },
        "EchoState.gain",
    ),
    "state is kept in the class": Wrong(
        "load_save",
        {"device.tag = state.tag": "type(device).tag = state.tag"},
        "EchoState.tag",
    ),
    "state is kept in the plugin": Wrong(
        "devices_are_apart",
        {
            "device.tag = state.tag": "self.tag = state.tag",
            "tag=device.tag": "tag=getattr(self, 'tag', device.tag)",
        },
        "EchoState.tag",
        "plugin object",
    ),
    "a list is shared by all devices": Wrong(
        "made_anew",
        {"points: list[Point] = attrs.field(factory=list)": "points = []"},
        "LiveEcho.points",
        "factory",
    ),
    "one default object for all": Wrong(
        "made_anew",
        {"points: list[Point] = attrs.field(factory=list)": "points: list[Point] = []"},
        "LiveEcho.points",
    ),
    "load reads a high feature": Wrong(
        "reads_nothing_unloaded",
        {LOAD_END: LOAD_END + "        device.modern = device.has_feature(WIDE)\n"},
        "load_device",
        "post_load",
    ),
    "load reads endianness": Wrong(
        "reads_nothing_unloaded",
        {LOAD_END: LOAD_END + "        device.modern = device.device_endian\n"},
        "load_device",
        "device_endian",
    ),
    "load reads a used index": Wrong(
        "reads_nothing_unloaded",
        {LOAD_END: LOAD_END + "        device.modern = device.queues[0].used_idx\n"},
        "load_device",
        "used_idx",
    ),
    "load reads early and hides it": Wrong(
        "reads_nothing_unloaded",
        {
            LOAD_END: LOAD_END + "        try:\n            device.guest_features\n"
            "        except Exception:\n            pass\n"
        },
        "",
        "hides",
    ),
    "post_load is missing": Wrong(
        "derived",
        {"    @hookimpl\n    def post_load": "    def after_load"},
        "LiveEcho.modern",
        "post_load",
    ),
    "post_load counts": Wrong(
        "post_load_again",
        {"device.modern = 2 if device.has_feature(WIDE) else 1": "device.modern += 1"},
        "LiveEcho.modern",
        "once more",
    ),
    "a hook calls another": Wrong(
        "order",
        {
            LOAD_END: LOAD_END + "        self.describe_driver()\n        if 0:\n            pass\n"
            "        self.save_device(device)\n"
        },
        "hooks",
        "documented",
    ),
    "a hook without its mark": Wrong(
        "hooks_are_marked",
        {"    @hookimpl\n    def post_load": "    def post_load"},
        "VirtioEcho.post_load",
        "@hookimpl",
    ),
    "a hook of a transport": Wrong(
        "hooks_are_marked",
        {
            HOOK: "    @hookimpl\n    def notify(self, transport: object) -> None:\n        pass\n\n"
            + HOOK
        },
        "VirtioEcho.notify",
        "never asked",
    ),
    "prints": Wrong(
        "silent", {LOAD_END: LOAD_END + "        print('loaded')\n"}, "hooks", "logging"
    ),
    "a device is remembered": Wrong(
        "let_go",
        {
            "class VirtioEcho:": "ALL = []\n\n\nclass VirtioEcho:",
            LOAD_END: LOAD_END + "        ALL.append(device)\n",
        },
        "LiveEcho",
        "cache of devices",
    ),
    "one device for all": Wrong(
        "made_anew",
        {
            "        return LiveEcho(loud=state.device.volume is not None)": "        self.one = getattr(self, 'one', None) or LiveEcho(loud=False)\n"
            "        return self.one"
        },
        "LiveEcho",
        "same object",
    ),
    "create_device carries state": Wrong(
        "created_empty",
        {
            "loud=state.device.volume is not None": "loud=state.device.volume is not None, "
            "counter=state.device.counter"
        },
        "EchoState.counter",
        "properties",
    ),
    "an attribute of the core": Wrong(
        "own_names",
        {"    muted: bool = False": "    status: int = 7\n    muted: bool = False"},
        "LiveEcho.status",
        "belongs to the core",
    ),
    "same name, other value": Wrong(
        "names_mean_the_same",
        {
            "counter=device.counter": "counter=device.limit",
            "limit=device.limit": "limit=device.counter",
            "device.counter = state.counter": "device.counter = state.limit",
            "device.limit = state.limit": "device.limit = state.counter",
        },
        "EchoState.counter",
    ),
}
