"""Devices that go wrong with states of older versions, or whose faults must not crash a law."""

# ruff: noqa: E501  pieces of source text are lines as they are

from __future__ import annotations

import inspect
from typing import Any

import pytest

from tests.core.testing.test_goldens import echo_payload, with_golden
from tests.core.testing.trial import Made, Workshop, kit_of, laws_of, outcome, rows_of, taken_notes
from tests.core.testing.wrong import HOOK, LOAD_END, Wrong, check

LOAD_START = "        device.counter = state.counter\n"
SINCE = {"when=since(2)": "when=since(2, implied=100)"}
AGED = "            raise DeviceMismatch('no gain', path='device.gain')\n"
ANY_OLD = f"        if state.gain is None:\n{AGED}"
MUTED_OLD = f"        if state.gain is None and state.muted:\n{AGED}"
RINGS = "        if state.counter >= len(device.queues) + 9:\n            raise DeviceMismatch('no such queue', path='device.counter')\n"
TAKES = "100 if state.gain is None"
OLD = "            minimum_version=1,\n"


def few(device: Any, draw: Any) -> None:
    """What a guest can reach of a device that refuses nearly all that is drawn."""
    device.counter %= 9


WRONG = {
    "an older version is always refused": Wrong(
        "older_versions", {LOAD_START: ANY_OLD + LOAD_START}, "device.gain", "minimum_version=2"
    ),
    "an older version is sometimes refused": Wrong(
        "older_versions", {LOAD_START: MUTED_OLD + LOAD_START}, "device.gain", "of version 1"
    ),
    "an older version is refused behind another check": Wrong(
        "older_versions",
        {LOAD_START: RINGS + ANY_OLD + LOAD_START},
        "device.gain",
        "take the default",
        {"also": few},
    ),
    "another value is implied than is loaded": Wrong(
        "older_versions",
        {"when=since(2)": "when=since(2, implied=50)"},
        "EchoState.gain",
        "write implied=100",
    ),
    "another value is loaded than is implied": Wrong(
        "older_versions",
        {**SINCE, TAKES: TAKES.replace("100", "50")},
        "EchoState.gain",
        "in a load hook put 100 back",
    ),
    "features by their masks": Wrong(
        "features", {'WIDE: "WIDE"': '1 << WIDE: "WIDE"'}, "features[1125899906842624]", "no bit"
    ),
    "a list that can be read once": Wrong(
        "load_save",
        {"points=tuple(device.points)": "points=(one for one in device.points)"},
        "EchoState.points",
        "tuple(...)",
    ),
    "a live object without the core's attributes": Wrong(
        "load_save",
        {
            "@attrs.define(eq=False, kw_only=True, slots=False)\nclass LiveEcho": "@dataclasses.dataclass\nclass LiveEcho",
            "import attrs\n": "import dataclasses\n\nimport attrs\n",
        },
        "LiveEcho",
        "@attrs.define(eq=False",
    ),
}


@pytest.mark.parametrize("name", WRONG)
def test_a_fault_breaks_a_law_that_names_it(workshop: Workshop, name: str) -> None:
    check(workshop.device(WRONG[name].changes), WRONG[name])


REFUSING = (
    "        if state.muted:\n            raise DeviceMismatch('muted', path='device.muted')\n"
)
ONE_LAW = {
    "a list that can be read once": ("load_save", WRONG["a list that can be read once"].changes),
    "no attributes": (
        "load_save",
        WRONG["a live object without the core's attributes"].changes,
    ),
    "what is saved is refused": ("load_save", {LOAD_START: REFUSING + LOAD_START}),
    "masks": ("features", WRONG["features by their masks"].changes),
}


@pytest.mark.parametrize("name", ONE_LAW)
def test_no_law_crashes(workshop: Workshop, name: str) -> None:
    law, changes = ONE_LAW[name]
    payload = echo_payload(workshop.device())  # first: the last plugin made is the installed one
    kit = kit_of(with_golden(workshop.device(changes), payload), examples=4)
    said = {one: outcome(kit, one) for one in laws_of(kit)}  # a crash is not caught
    failed = [one for one, text in said.items() if text and not text.startswith("skipped: ")]
    assert law in failed
    for one in ("tables_stay", "settings", "exact", "goldens_live", "save_twice"):
        assert not said[one] or said[one].startswith("skipped: "), said[one]


def test_a_coroutine_that_a_hook_returns_is_closed(workshop: Workshop) -> None:
    later = "\n    async def later(self):\n        pass\n\n"
    kept = "        self.kept = self.later()\n        return self.kept\n"
    made = workshop.device({HOOK: later + HOOK, LOAD_END: LOAD_END + kept})
    found = rows_of(outcome(kit_of(made), "load_save"))["found"]
    assert "load_device returned coroutine" in found
    assert inspect.getcoroutinestate(made.module("live").plugin.kept) == inspect.CORO_CLOSED


def test_a_device_of_an_older_version_stays_one(workshop: Workshop) -> None:
    """As a device of an older QEMU does, which takes no newer state and saves none."""
    made = workshop.device(
        {
            "gain: int = 100": "gain: int | None = 100",
            "loud=state.device.volume is not None": "loud=state.device.volume is not None, "
            "gain=None if state.device.gain is None else 100",
            f"{TAKES} else ": "",
            LOAD_START: "        if (state.gain is None) is not (device.gain is None):\n"
            + AGED
            + LOAD_START,
        }
    )
    assert outcome(kit_of(made), "older_versions") == ""


def _older_golden(workshop: Workshop, changes: dict[str, str]) -> Made:
    good = workshop.device()
    payload = echo_payload(good, version=1)
    return with_golden(workshop.device(changes), payload, version_id="1")


@pytest.mark.parametrize("changes", [{}, SINCE], ids=["fresh", "implied"])
def test_a_golden_of_an_older_version_passes(workshop: Workshop, changes: dict[str, str]) -> None:
    kit = kit_of(_older_golden(workshop, changes))
    assert outcome(kit, "goldens") == ""
    assert outcome(kit, "goldens_live") == ""


BAD_LOADS = {
    "implied": ({**SINCE, TAKES: TAKES.replace("100", "50")}, "EchoState.gain", "100 back"),
    "fresh": ({TAKES: TAKES.replace("100", "50")}, "EchoState.gain", "saved 50"),
    "lost": ({"device.limit = state.limit": "device.limit = 100"}, "EchoState.limit", "loaded 9"),
}


@pytest.mark.parametrize("name", BAD_LOADS)
def test_a_golden_of_an_older_version_shows_what_is_wrong(workshop: Workshop, name: str) -> None:
    changes, field, says = BAD_LOADS[name]
    rows = rows_of(outcome(kit_of(_older_golden(workshop, changes)), "goldens_live"))
    assert rows["field"] == field
    assert says in rows["found"] + rows["do"]


def test_a_version_can_be_zero(workshop: Workshop) -> None:
    kit = kit_of(workshop.device({OLD: OLD.replace("1", "0")}))
    for law in ("versions", "exact", "older_versions", "agree"):
        assert outcome(kit, law) == ""


REFUSED = "drawn states were refused"


def _notes_of_any_state(made: Made, **attributes: Any) -> list[str]:
    taken_notes()
    assert outcome(kit_of(made, **attributes), "any_state") == ""
    return [note for note in taken_notes() if REFUSED in note]


def test_what_is_mostly_refused_is_told_if_near_states_are_too(workshop: Workshop) -> None:
    made = workshop.device({LOAD_START: RINGS + LOAD_START})
    plain = kit_of(made).scramble

    def scramble(kit: Any, device: Any, draw: Any) -> None:
        plain(device, draw)
        few(device, draw)

    assert _notes_of_any_state(made, scramble=scramble) == []
    always = LOAD_START + LOAD_END.replace("device.level = ", "raise DeviceMismatch('no')  # ")
    refusing = workshop.device({LOAD_START: always})
    assert len(_notes_of_any_state(refusing)) == 1
