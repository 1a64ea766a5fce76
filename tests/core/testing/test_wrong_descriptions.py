"""A description that is wrong beside the layout breaks a law that names the place."""

from __future__ import annotations

import pytest

from tests.core.testing.test_wrong_distributions import OUTER
from tests.core.testing.trial import Workshop, kit_of, laws_of, outcome
from tests.core.testing.wrong import Wrong, check
from tests.core.testing.wrong_describing import DESCRIBING, RIGHT

LAWS = ("bits", "defaults", "defects", "edit_rules", "finish", "outer_view", "ring_sizes")


@pytest.mark.parametrize("name", DESCRIBING)
def test_a_wrong_description_breaks_a_law(workshop: Workshop, name: str) -> None:
    check(workshop.device(DESCRIBING[name].changes), DESCRIBING[name])


@pytest.mark.parametrize("name", RIGHT)
def test_a_right_description_passes(workshop: Workshop, name: str) -> None:
    kit = kit_of(workshop.device(RIGHT[name]))
    laws = {*laws_of(kit)} & {"contract", *LAWS}
    assert {law: said for law in laws if (said := outcome(kit, law))} == {}


def raising(body: str) -> dict[str, str]:
    """A transport that raises an interrupt in its own way."""
    function = f"def raised(state, queue):\n    {body}\n\n\nclass VirtioTube:"
    extra = "            extra=TubeExtra,\n"
    return {"class VirtioTube:": function, extra: extra + "            interrupt=raised,\n"}


INTERRUPTS = {
    "nothing": Wrong("interrupt", raising("return None"), "interrupt", "it gives None"),
    "an exception": Wrong(
        "interrupt", raising("state.queues[queue + 99]"), "interrupt", "IndexError"
    ),
    "a state that cannot be written": Wrong(
        "interrupt",
        raising("return attrs.evolve(state, config=None)"),
        "interrupt",
        "not written",
    ),
}


@pytest.mark.parametrize("name", INTERRUPTS)
def test_a_wrong_interrupt_breaks_a_law(workshop: Workshop, name: str) -> None:
    check(workshop.transport(INTERRUPTS[name].changes), INTERRUPTS[name])


def test_a_right_interrupt_passes(workshop: Workshop) -> None:
    assert outcome(kit_of(workshop.transport(raising("return state"))), "interrupt") == ""


def test_a_section_describes_defects_too(workshop: Workshop) -> None:
    find = "def find(patient):\n    return [1 / 0]\n\n\n"
    find += "BAD = Defect(name='x', title='y', written_by='all', find=find)\n\n\nclass EchoDisk:"
    state = "minimum_version=1, state=DiskState"
    changes = {
        "class EchoDisk:": find,
        state: f"{state}, defects=(BAD,)",
        "import SectionDriver,": "import Defect, SectionDriver,",
    }
    check(workshop.section(changes), Wrong("defects", changes, "defect x", "ZeroDivisionError"))


def test_the_view_of_the_outer_part_is_tried(workshop: Workshop) -> None:
    outer = "            outer=EchoOuter,\n"
    for view, broken in (("{'echoes': state.echoes}", False), ("1 // 0", True)):
        line = f"            outer_view=lambda state: {view},\n"
        changes = {old: new.replace(outer, outer + line) for old, new in OUTER.items()}
        said = outcome(kit_of(workshop.device(changes)), "outer_view")
        assert ("ZeroDivisionError" in said) is broken
