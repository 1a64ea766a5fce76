"""A device plugin with one fault breaks a law that names it, its plugin and its field."""

from __future__ import annotations

import pytest

from tests.core.testing.trial import Workshop, kit_of, outcome, taken_notes
from tests.core.testing.wrong import LOAD_END, check
from tests.core.testing.wrong_declaring import DECLARING
from tests.core.testing.wrong_going_on import GOING_ON, LOAD_START
from tests.core.testing.wrong_layouts import LAYOUTS
from tests.core.testing.wrong_loading import LOADING
from tests.core.testing.wrong_process import PROCESS
from tests.core.testing.wrong_saving import SAVING
from tests.core.testing.wrong_settings import SETTINGS

WRONG = {**LOADING, **SAVING, **LAYOUTS, **DECLARING, **SETTINGS, **GOING_ON, **PROCESS}


@pytest.mark.parametrize("name", WRONG)
def test_a_fault_breaks_a_law_that_names_it(workshop: Workshop, name: str) -> None:
    check(workshop.device(WRONG[name].changes), WRONG[name])


def test_a_fault_that_breaks_many_laws_is_told_in_full_once(workshop: Workshop) -> None:
    kit = kit_of(workshop.device({LOAD_END: LOAD_END + "        [][0]\n"}))
    first, second = outcome(kit, "any_state"), outcome(kit, "load_save")
    assert "IndexError" in first
    assert second == "law: load_save: broken by the same fault as any_state; see there"
    assert outcome(kit, "any_state") == first


def test_a_device_that_refuses_everything_is_told_in_a_note(workshop: Workshop) -> None:
    never = "        raise DeviceMismatch('not today', path='device.tag')\n"
    taken_notes()
    assert outcome(kit_of(workshop.device({LOAD_START: never + LOAD_START})), "any_state") == ""
    assert any("drawn states were refused, the first with 'not today'" in n for n in taken_notes())


def test_no_record_is_said_to_be_brought_into_range(workshop: Workshop) -> None:
    made = workshop.device({"if device.lines or device.level:": "if device.lines:"})
    said = outcome(kit_of(made), "each_field_alone")
    assert "EchoState.log" in said
    assert "normalised" not in said
