"""What a state decides of a device is tried, and what lies beside the wrong line is blamed."""

from __future__ import annotations

import pytest

from tests.core.testing.trial import Workshop, kit_of, outcome, scramble_echo, taken_notes
from tests.core.testing.wrong import and_then, check
from tests.core.testing.wrong_blaming import BLAMING, OF_A_SIZE, fill

UNTRIED = "LiveEcho.modern: never set by scramble as the running device would"


@pytest.mark.parametrize("name", BLAMING)
def test_a_wrong_device_breaks_a_law(workshop: Workshop, name: str) -> None:
    check(workshop.device(BLAMING[name].changes), BLAMING[name])


@pytest.mark.parametrize("law", ["properties", "refusals", "load_save", "every_field_changes"])
def test_a_property_that_counts_a_list_may_be_there(workshop: Workshop, law: str) -> None:
    made = workshop.device(OF_A_SIZE)
    scramble = and_then(scramble_echo(made), fill)
    properties = ("points_len",)
    assert outcome(kit_of(made, scramble=scramble, properties=properties), law) == ""


@pytest.mark.parametrize("sets", [True, False])
def test_a_derived_value_that_scramble_never_sets_is_told_in_a_note(
    workshop: Workshop, *, sets: bool
) -> None:
    made = workshop.device()

    def forget(kit: object, device: object, draw: object) -> None:
        scramble_echo(made)(kit, device, draw)
        vars(device)["modern"] = 0

    taken_notes()
    kit = kit_of(made) if sets else kit_of(made, scramble=forget)
    assert outcome(kit, "derived") == ""
    assert any(UNTRIED in note for note in taken_notes()) is not sets


def test_a_plugin_object_that_stays_the_same_is_not_blamed(workshop: Workshop) -> None:
    made = workshop.device({"        device.limit = state.limit\n": ""})
    assert "VirtioEcho" not in outcome(kit_of(made), "load_save")
