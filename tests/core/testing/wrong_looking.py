"""Devices that hold state where it is not easy to see, and save it nowhere."""

# ruff: noqa: E501  pieces of source text are lines as they are

from __future__ import annotations

from typing import Any

from tests.core.testing.wrong import ATTRIBUTE, LOAD_END, Wrong

IMPORT = "import attrs\n"
LAW = "nothing_is_forgotten"


def kept(factory: str, modules: str = "", before: str = "") -> dict[str, str]:
    """The changes for one more attribute, made by `factory`."""
    line = f"    modern: int = 0\n    kept: object = attrs.field(factory={factory})\n\n\nclass"
    return {ATTRIBUTE: before + line, IMPORT: modules + IMPORT}


def hidden(factory: str, use: Any, modules: str = "", says: str = "") -> Wrong:
    """State in one more attribute, which `use` changes while the device runs."""
    return Wrong(LAW, kept(factory, modules), "LiveEcho.kept", says, {"also": use})


RING = "class Ring(list):\n    head = 0\n\n\n@attrs.define(eq=False, kw_only=True, slots=False)\nclass LiveEcho("
ALARM = "class Alarm:\n    at = 0\n\n    def __call__(self):\n        return self.at\n\n\n@attrs.define(eq=False, kw_only=True, slots=False)\nclass LiveEcho("
LIVE = "@attrs.define(eq=False, kw_only=True, slots=False)\nclass LiveEcho("
CACHED = "    modern: int = 0\n\n    @functools.cached_property\n    def total(self):\n        return len(self.points)\n\n\nclass"


def _use_total(device: Any, _: Any) -> None:
    vars(device).pop("total", None)
    device.total  # noqa: B018  it is cached by being asked for


LOOKING = {
    "a deque": hidden(
        "__import__('collections').deque", lambda d, w: d.kept.append(w.integer(0, 99))
    ),
    "an array": hidden(
        "lambda: __import__('array').array('I', [0])",
        lambda d, w: d.kept.append(w.integer(0, 99)),
    ),
    "a memoryview": hidden(
        "lambda: memoryview(bytearray(4))", lambda d, w: d.kept.__setitem__(0, w.integer(1, 9))
    ),
    "a counter": hidden("__import__('itertools').count", lambda d, w: next(d.kept)),
    "a random number generator": hidden(
        "lambda: __import__('random').Random(1)", lambda d, w: d.kept.seed(w.integer(2, 99))
    ),
    "a file half read": hidden(
        "lambda: __import__('io').BytesIO(bytes(9))", lambda d, w: d.kept.read(w.integer(1, 5))
    ),
    "a time": hidden(
        "lambda: __import__('datetime').datetime(2000, 1, 1)",
        lambda d, w: setattr(d, "kept", d.kept.replace(minute=w.integer(1, 59))),
    ),
    "what can be called": Wrong(
        LAW,
        {**kept("lambda: Alarm()"), LIVE: ALARM},
        "LiveEcho.kept",
        attributes={"also": lambda d, w: setattr(d.kept, "at", w.integer(1, 9))},
    ),
    "an attribute of a list": Wrong(
        LAW,
        {**kept("lambda: Ring()"), LIVE: RING},
        "LiveEcho.kept",
        "head",
        attributes={"also": lambda d, w: setattr(d.kept, "head", w.integer(1, 9))},
    ),
    "state on the queues": Wrong(
        LAW,
        {},
        "LiveEcho.queues[0].credits",
        attributes={
            "also": lambda d, w: [setattr(one, "credits", w.integer(1, 9)) for one in d.queues]
        },
    ),
    "an offered feature for an accepted one, in a load": Wrong(
        "derived",
        {"device.has_feature(WIDE)": "device.host_features >> WIDE & 1"},
        "LiveEcho.modern",
        "2 after a load",
    ),
    "an offered feature for an accepted one, in a save": Wrong(
        "load_save",
        {"if device.has_feature(PITCH)": "if device.host_features >> PITCH & 1"},
        "EchoState.pitch",
        "condition is not met",
    ),
    "a feature that sticks": Wrong(
        "load_replaces",
        {
            "2 if device.has_feature(WIDE) else 1": "max(device.modern, 1 + device.has_feature(WIDE))"
        },
        "LiveEcho.modern",
    ),
    "a status that sticks": Wrong(
        "load_replaces",
        {
            **kept("int"),
            "        device.modern = 2": "        device.kept |= device.status & 4\n        device.modern = 2",
        },
        "LiveEcho.kept",
        attributes={
            "derived": ("modern", "kept"),
            "also": lambda d, w: setattr(d, "kept", d.status & 4),
        },
    ),
    "what is cached": Wrong(
        "load_replaces",
        {ATTRIBUTE: CACHED, IMPORT: "import functools\n\n" + IMPORT},
        "LiveEcho.total",
        "drop what is cached",
        {"also": _use_total},
    ),
}

SHARED = {
    "a fraction": "__import__('fractions').Fraction(1, 3)",
    "an address": "__import__('ipaddress').IPv4Address('10.0.0.1')",
    "a logger": "__import__('logging').getLogger('echo')",
    "a time": "__import__('datetime').timedelta(1)",
    "a member of an enum": "__import__('signal').Signals.SIGINT",
    "a pattern": "__import__('re').compile('x')",
    "a frozen object": "attrs.make_class('Model', ['size'], frozen=True)(4)",
    "an object of no state": "object()",
}
"""Constants that all devices may have: their names, and their source."""
NOT_SHARED = {
    "a frozen object with a list": "attrs.make_class('Model', ['size'], frozen=True)([])",
    "a deque": "__import__('collections').deque()",
}
TICKET = """
class Ticket:
    def __init__(self, number):
        self.number = number


"""
UNLIKE = {
    "a set of plain objects": {
        LIVE: TICKET.lstrip() + LIVE,
        ATTRIBUTE: "    modern: int = 0\n    kept: set[object] = attrs.field(factory=lambda: {Ticket(5)})\n\n\nclass",
        LOAD_END: LOAD_END + "        device.kept = {Ticket(5)}\n",
    },
    "a serial number": {
        ATTRIBUTE: "    modern: int = 0\n    kept: int = attrs.field(factory=__import__('itertools').count().__next__, eq=False)\n\n\nclass",
    },
}
"""Objects that are equal in what they hold, and in nothing else."""
