"""One fault in a plugin, and the block that has to name it."""

from __future__ import annotations

from typing import Any

import attrs

from tests.core.testing.trial import Made, kit_of, outcome, rows_of, scramble_echo

ATTRIBUTE = "    modern: int = 0\n\n\nclass"
LOAD_END = "        device.level = 0 if state.log is None else state.log.level\n"
SAVE_START = "        log = None\n        if device.lines or"
HOOK = "    @hookimpl\n    def load_device"


@attrs.frozen
class Wrong:
    """One fault. law: broken by it. field: named; says: also in the block."""

    law: str
    changes: dict[str, str]
    field: str = ""
    says: str = ""
    attributes: dict[str, Any] = attrs.field(factory=dict[str, Any])


def and_then(scramble: Any, also: Any) -> Any:
    """A scramble that does more with the device."""

    def both(kit: Any, device: Any, draw: Any) -> None:
        scramble(kit, device, draw)
        also(device, draw)

    return both


def check(made: Made, wrong: Wrong) -> None:
    """The law that the fault breaks says so in a block that its author can act on."""
    attributes = dict(wrong.attributes)
    if attributes.get("scramble") == "in place":
        attributes["scramble"] = lambda _, device, draw: device.points.append(
            draw.record(made.module("state").Point)
        )
    if also := attributes.pop("also", None):
        attributes["scramble"] = and_then(scramble_echo(made), also)
    said = outcome(kit_of(made, **attributes), wrong.law)
    rows = rows_of(said)
    assert rows.get("law", "").startswith(f"{wrong.law}: "), said or "nothing was found"
    assert rows["plugin"].startswith(f"{made.driver} of virtmig-echo 0.1 (")
    assert wrong.field in rows.get("field", ""), said
    assert wrong.says in " ".join(rows.values()), said
    assert len(rows["do"]) > 10, said
    assert len(said) < 1500, said
