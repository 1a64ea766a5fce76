"""Plugins without a fault pass every law, with Hypothesis and without."""

from __future__ import annotations

import sys

import pytest

from tests.core.testing.trial import Workshop, kit_of, laws_of, outcome, scramble_echo, taken_notes
from tests.core.testing.wrong import ATTRIBUTE, and_then
from tests.core.testing.wrong_looking import NOT_SHARED, SHARED, UNLIKE, kept

KINDS = ("device", "transport", "section")


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("hypothesis", [True, False], ids=["hypothesis", "without"])
def test_a_good_plugin_passes(
    workshop: Workshop, kind: str, hypothesis: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not hypothesis:
        monkeypatch.setitem(sys.modules, "virtmig.testing.strategies", None)
    kit = kit_of(getattr(workshop, kind)())
    found = {law: said for law in laws_of(kit) if (said := outcome(kit, law))}
    assert list(found) == ["goldens"], found
    assert found["goldens"].startswith("skipped: no goldens yet")


def test_a_constant_table_in_the_class_is_no_fault(workshop: Workshop) -> None:
    table = "    loud: bool = False\n    REGISTERS = {0: 'tag'}\n"
    made = workshop.device({"    loud: bool = False\n": table})
    assert outcome(kit_of(made), "made_anew") == ""


def _shared(workshop: Workshop, source: str) -> str:
    line = f"    modern: int = 0\n    kept: object = {source}\n\n\nclass"
    return outcome(kit_of(workshop.device({ATTRIBUTE: line})), "made_anew")


@pytest.mark.parametrize("name", SHARED)
def test_a_constant_that_devices_share_is_no_fault(workshop: Workshop, name: str) -> None:
    assert _shared(workshop, SHARED[name]) == ""


@pytest.mark.parametrize("name", NOT_SHARED)
def test_what_can_change_and_is_shared_is_a_fault(workshop: Workshop, name: str) -> None:
    assert "LiveEcho.kept" in _shared(workshop, NOT_SHARED[name])


@pytest.mark.parametrize("name", UNLIKE)
def test_objects_are_compared_by_what_they_hold(workshop: Workshop, name: str) -> None:
    kit = kit_of(workshop.device(UNLIKE[name]))
    for law in ("nothing_is_forgotten", "load_replaces", "half_way", "save_twice"):
        assert outcome(kit, law) == ""


def test_what_nobody_can_look_into_is_told_in_a_note(workshop: Workshop) -> None:
    made = workshop.device(kept("lambda: (one for one in ())"))
    taken_notes()
    assert outcome(kit_of(made), "nothing_is_forgotten") == ""
    said = "LiveEcho.kept: the kit cannot look into it (generator)"
    assert any(said in note for note in taken_notes())


def test_another_order_of_a_dictionary_is_told_in_a_note(workshop: Workshop) -> None:
    made = workshop.device(
        {
            **kept("dict"),
            "        device.muted = state.muted\n": "        device.muted = state.muted\n"
            "        device.kept = {1: 0, 2: 0}\n",
        }
    )

    def also(device: object, _: object) -> None:
        vars(device)["kept"] = {2: 0, 1: 0}

    taken_notes()
    scramble = and_then(scramble_echo(made), also)
    assert outcome(kit_of(made, scramble=scramble), "nothing_is_forgotten") == ""
    assert any("into another order" in note for note in taken_notes())
