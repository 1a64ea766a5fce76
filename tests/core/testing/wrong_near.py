"""Devices that go wrong in states that only nearly all checks refuse, or beside their states."""

# ruff: noqa: E501  pieces of source text are lines as they are

from __future__ import annotations

from tests.core.testing.wrong import ATTRIBUTE, LOAD_END, Wrong

STRICT = "        device.counter = state.counter\n"
REFUSING = "        if state.counter > 15:\n            raise DeviceMismatch('too many', path='device.counter')\n"


def few(device, draw) -> None:
    """What a guest can reach of a device that refuses nearly all that is drawn."""
    device.counter &= 15


def on_queues(device, draw) -> None:
    for queue in device.queues:
        queue.credits = draw.integer(1, 9)


def counted(device, draw) -> None:
    device.kept = [draw.integer(1, 9)]


def rated(device, draw) -> None:
    device.limit = type(device).TICKS(device.limit)
    device.limit.rate = draw.integer(2, 9)


def viewed(device, draw) -> None:
    device.kept[0] = draw.integer(0, 255)


def kept(factory: str) -> dict[str, str]:
    """An echo device with one more attribute."""
    line = f"    modern: int = 0\n    kept: object = attrs.field(factory={factory})\n\n\nclass"
    return {ATTRIBUTE: line}


NEAR = {
    "items of one key where nearly all states are refused": Wrong(
        "one_field_changed",
        {
            STRICT: REFUSING + STRICT,
            "list(state.points)": "list({p.delay: p for p in state.points}.values())",
        },
        "EchoState.points",
        "all else being as a device saved it",
        {"also": few},
    ),
    "a number one too high where nearly all states are refused": Wrong(
        "one_field_changed",
        {
            STRICT: REFUSING
            + STRICT
            + "        (0, 1)[state.limit == len(device.queues)] and [][0]\n"
        },
        "load_device",
        "IndexError",
        {"also": few},
    ),
    "a view that remembers another record": Wrong(
        "tables_stay",
        {
            "def view(": "SEEN: dict[bytes, object] = {}\n\n\ndef view(",
            '    return {"answered"': '    return SEEN.setdefault(state.tag[:1], {"answered"',
            '"tag": state.tag.hex()}': '"tag": state.tag.hex()})',
        },
        "live.SEEN",
        "functools.cache",
    ),
    "a load that counts in its module": Wrong(
        "tables_stay",
        {
            "class VirtioEcho:": "COUNTS = {'loads': 0}\n\n\nclass VirtioEcho:",
            LOAD_END: LOAD_END + "        COUNTS['loads'] += 1\n",
        },
        "live.COUNTS",
        "keep it in the live object",
    ),
    "a field of another type": Wrong(
        "annotations", {"tag: bytes = wire": "tag: str = wire"}, "EchoState.tag", "annotated as str"
    ),
    "a field that can be absent": Wrong(
        "annotations", {"gain: int | None": "gain: int"}, "EchoState.gain", "or None"
    ),
    "a hook that says it is given something else": Wrong(
        "annotations",
        {"device: LiveEcho, state: EchoState) -> None": "device: int, state: EchoState) -> None"},
        "load_device: device",
        "annotated as int",
    ),
    "an end that fails": Wrong(
        "let_go",
        {
            ATTRIBUTE: "    modern: int = 0\n\n    def __del__(self):\n        self.timer.cancel()\n\n\nclass"
        },
        "LiveEcho.__del__",
        "has no attribute 'timer'",
    ),
    "a list that is saved nowhere": Wrong(
        "nothing_is_forgotten",
        kept("list"),
        "LiveEcho.kept",
        "save it and load it back",
        {"also": counted},
    ),
    "a reference to its device that is not set": Wrong(
        "nothing_is_forgotten",
        kept("lambda: [None]"),
        "LiveEcho.kept[0]",
        "it refers to the LiveEcho",
        {"also": lambda device, _: setattr(device, "kept", [device])},
    ),
    "state on the core's queues": Wrong(
        "nothing_is_forgotten",
        {},
        "LiveEcho.queues[0].credits",
        "in the device itself",
        {"also": on_queues},
    ),
    "a number that holds more": Wrong(
        "nothing_is_forgotten",
        {
            "device.limit = state.limit": "device.limit = int(state.limit)",
            ATTRIBUTE: "    modern: int = 0\n    TICKS = type('Ticks', (int,), {})\n\n\nclass",
        },
        "LiveEcho.limit",
        "holds more than its value",
        {"also": rated},
    ),
    "a memory that is written in place": Wrong(
        "half_way",
        {
            **kept("lambda: memoryview(bytearray(1))"),
            LOAD_END: LOAD_END + "        device.kept[0] = state.counter & 255\n",
        },
        "LiveEcho.kept",
        "make a new object of it",
        {"also": viewed},
    ),
    "a record of a subclass": Wrong(
        "load_save",
        {
            "class VirtioEcho:": "class Saved(EchoState):\n    pass\n\n\nclass VirtioEcho:",
            "return EchoState(": "return Saved(",
        },
        "device",
        "return EchoState(...) itself",
    ),
    "a number kept as a fraction": Wrong(
        "names_mean_the_same",
        {
            "device.limit = state.limit": "device.limit = state.limit / 10",
            "limit=device.limit": "limit=int(device.limit * 10) & 0xFFFF",
        },
        "EchoState.limit",
        "LiveEcho.limit is",
        {"also": lambda device, _: setattr(device, "limit", float(device.limit % 99))},
    ),
    "a list whose end is one of its keys": Wrong(
        "exact",
        {
            'wire(array(Point, "points_len")': "wire(keyed(Point, be16)",
            '    points_len: int = wire(be16.upto(256), "entries in `points`")\n': "",
            "            points_len=len(device.points),\n": "",
            "if_set, raw": "if_set, keyed, raw",
        },
        "points",
        ".from_(1)",
        {"examples": 400},
    ),
}
