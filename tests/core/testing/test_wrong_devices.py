"""A device plugin with one fault breaks a law that names it, its plugin and its field."""

from __future__ import annotations

import pytest

from tests.core.testing.trial import Workshop, kit_of, laws_of, outcome, rows_of, taken_notes
from tests.core.testing.wrong import LOAD_END, check
from tests.core.testing.wrong_asking import ASKING, NOTES
from tests.core.testing.wrong_crashing import CRASHING
from tests.core.testing.wrong_declaring import DECLARING
from tests.core.testing.wrong_going_on import GOING_ON
from tests.core.testing.wrong_keeping import KEEPING
from tests.core.testing.wrong_layouts import LAYOUTS
from tests.core.testing.wrong_loading import LOADING
from tests.core.testing.wrong_looking import LOOKING
from tests.core.testing.wrong_process import PROCESS
from tests.core.testing.wrong_saving import SAVING
from tests.core.testing.wrong_settings import SETTINGS
from virtmig.testing.diff import Difference

WRONG = {**LOADING, **SAVING, **LAYOUTS, **DECLARING, **SETTINGS, **GOING_ON, **PROCESS}
WRONG |= {**CRASHING, **ASKING, **KEEPING, **LOOKING}


@pytest.mark.parametrize("name", WRONG)
def test_a_fault_breaks_a_law_that_names_it(workshop: Workshop, name: str) -> None:
    check(workshop.device(WRONG[name].changes), WRONG[name])


FAILING = "when=Condition('x', lambda s, t: t['y'])"
BREAKS_MANY = {
    "an exception": ("load_save", LOAD_END, LOAD_END + "        [][0]\n"),
    "endless recursion": (
        "load_save",
        LOAD_END,
        LOAD_END + "        self.load_device(device, state)\n",
    ),
    "a create hook that fails": ("load_save", "return LiveEcho(", "return LiveEcko("),
    "a condition that fails": ("exact", "when=since(2)", FAILING),
}


@pytest.mark.parametrize("name", BREAKS_MANY)
def test_a_fault_that_breaks_many_laws_fails_one(workshop: Workshop, name: str) -> None:
    law, old, new = BREAKS_MANY[name]
    kit = kit_of(workshop.device({old: new}), examples=4)
    said = {one: outcome(kit, one) for one in laws_of(kit)}
    failed = [one for one, text in said.items() if text and not text.startswith("skipped: ")]
    assert failed == [law], {one: said[one] for one in failed}
    comes_first = [text for text in said.values() if f"the law `{law}` comes first" in text]
    assert len(comes_first) > 10
    assert outcome(kit, law) == said[law]


@pytest.mark.parametrize("name", NOTES)
def test_what_no_law_decides_is_told_in_a_note(workshop: Workshop, name: str) -> None:
    law, changes, says = NOTES[name]
    taken_notes()
    assert outcome(kit_of(workshop.device(changes)), law) == ""
    assert any(says in note for note in taken_notes())


def test_no_record_is_said_to_be_brought_into_range(workshop: Workshop) -> None:
    made = workshop.device({"if device.lines or device.level:": "if device.lines:"})
    said = outcome(kit_of(made), "any_state")
    assert "EchoState.log" in said
    assert "normalised" not in said


def test_two_faults_do_not_hide_each_other(workshop: Workshop) -> None:
    more = "        if state.muted: device.isr = 1\n        device.queues[0].used_idx\n"
    kit = kit_of(workshop.device({LOAD_END: LOAD_END + more}), examples=4)
    said = {law: outcome(kit, law) for law in laws_of(kit)}
    assert any(text.startswith("law: ") for text in said.values()), said


def test_a_fault_of_one_field_is_told_by_one_law(workshop: Workshop) -> None:
    kit = kit_of(workshop.device({"        device.limit = state.limit\n": ""}))
    assert outcome(kit, "load_save").startswith("law: ")
    for law in ("each_field_alone", "any_state", "names_mean_the_same", "nothing_is_forgotten"):
        said = outcome(kit, law)
        assert not said or said.startswith("skipped: the law `load_save` comes first"), said


SUBSECTIONS = "without_subsections"


def test_a_lost_field_is_not_blamed_on_a_subsection(workshop: Workshop) -> None:
    lost = {"        device.muted = state.muted\n": ""}
    kit = kit_of(workshop.device(lost))
    alone = rows_of(outcome(kit_of(workshop.device(lost), test_load_replaces=None), SUBSECTIONS))
    assert alone["field"] == "EchoState.muted"
    assert "whether EchoState.log is there or not" in alone["do"]
    assert outcome(kit, "load_save").startswith("law: ")
    assert outcome(kit, SUBSECTIONS) == "skipped: the law `load_save` comes first"


def test_sets_are_told_by_what_differs() -> None:
    differs = Difference("A.b", "device.b", frozenset({1, 2}), frozenset({2, 3}))
    assert differs.said("saved", "then") == "saved 2 items, then without [1] and with [3] more"
