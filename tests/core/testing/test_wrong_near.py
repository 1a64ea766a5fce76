"""Faults that show one field away from a saved state, or beside all states, break a law too."""

# ruff: noqa: E501  pieces of source text are lines as they are

from __future__ import annotations

import sys

import pytest

from tests.core.testing.test_wrong_distributions import OUTER
from tests.core.testing.test_wrong_distributions import scramble as scramble_outer
from tests.core.testing.trial import Workshop, kit_of, outcome, rows_of, taken_notes
from tests.core.testing.wrong import Wrong, check
from tests.core.testing.wrong_near import NEAR, counted, kept

DRIVER = 'name="echo-disk", parent="virtio-echo"'
IMPORT = "import SectionDriver,"
MIRROR = "transport.device.queues[len(transport.device.active_queues) - 1 - index].vector"
TRANSPORTS = {
    "queues the other way round": Wrong(
        "queue_by_queue",
        {"transport.device.queues[index].vector": MIRROR},
        "queues[",
        "transport.device.queues[index] alone",
    ),
    "queues by a part of their index": Wrong(
        "each_field_alone",
        {
            "    pending: bool = False": "    pending: bool = False\n    kept: dict[int, int] = attrs.field(factory=dict)",
            "transport.device.queues[index].vector = state": "transport.kept[index & 1] = state",
            "vector=transport.device.queues[index].vector": "vector=transport.kept.get(index & 1, 0)",
        },
        "TubeQueue.vector",
        "by its whole index",
        {
            "scramble": lambda _, transport, draw: transport.kept.update(
                {n: draw.integer(0, 9) for n in range(2)}
            )
        },
    ),
}
SECTIONS = {
    "its own parent": Wrong(
        "parent", {DRIVER: 'name="echo-disk", parent="echo-disk"'}, "SectionDriver.parent", "vmsd"
    ),
    "a parent that is misspelt": Wrong(
        "parent",
        {DRIVER: 'name="echo-disk", parent="virtio-baloon"'},
        "SectionDriver.parent",
        "did you mean 'virtio-balloon'",
    ),
    "a hook that nobody calls": Wrong(
        "hooks_are_marked",
        {
            "    @hookimpl\n": "    @hookimpl\n    def load_device(self, device, state):\n        pass\n\n    @hookimpl\n"
        },
        "EchoDisk.load_device",
        "a section plugin is never asked",
    ),
    "a field for a feature": Wrong(
        "each_field_occurs",
        {"when=since(2)": 'when=if_feature(3, "X")', IMPORT: "import SectionDriver, if_feature,"},
        "DiskState.cache",
        "a section without virtio has no features",
    ),
    "a field for the common part": Wrong(
        "exact",
        {
            "when=since(2)": "when=Condition('queues', lambda scope, _: scope.parts['common'].nq > 1)",
            IMPORT: "import Condition, SectionDriver,",
        },
        "lambda",
        "has no part 'common'",
    ),
}


@pytest.mark.parametrize("name", NEAR)
def test_a_wrong_device_breaks_a_law(
    workshop: Workshop, request: pytest.FixtureRequest, name: str
) -> None:
    if name == "an end that fails" and sys.version_info[:2] == (3, 13):
        reason = "early releases of CPython 3.13 can fail to free what refers to itself"
        request.applymarker(pytest.mark.xfail(strict=False, reason=reason))
    check(workshop.device(NEAR[name].changes), NEAR[name])


@pytest.mark.parametrize("name", TRANSPORTS)
def test_a_wrong_transport_breaks_a_law(workshop: Workshop, name: str) -> None:
    check(workshop.transport(TRANSPORTS[name].changes), TRANSPORTS[name])


@pytest.mark.parametrize("name", SECTIONS)
def test_a_wrong_section_driver_breaks_a_law(workshop: Workshop, name: str) -> None:
    check(workshop.section(SECTIONS[name].changes), SECTIONS[name])


def test_a_parent_that_nobody_knows_is_told_in_a_note(workshop: Workshop) -> None:
    taken_notes()
    assert outcome(kit_of(workshop.section()), "parent") == ""
    assert any("how QEMU spells it" in note for note in taken_notes())


@pytest.mark.parametrize("value", ["{package}.live:lamp", "{package}.live:plugin"])
def test_every_entry_point_of_the_distribution_is_tried(workshop: Workshop, value: str) -> None:
    made = workshop.device(more_points=f"virtio-lamp = {value}\n")
    check(made, Wrong("entry_points", {}, "virtmig.devices: virtio-lamp", "virtio-lamp"))


def test_a_refusal_names_the_part_that_the_field_is_of(workshop: Workshop) -> None:
    refuse = "        from virtmig.api import DeviceMismatch\n"
    refuse += "        if state.echoes & 1:\n            raise DeviceMismatch('odd', path='device.echoes')\n"
    changes = {
        key: value.replace(
            "        device.echoes = state", refuse + "        device.echoes = state"
        )
        for key, value in OUTER.items()
    }
    wrong = Wrong(
        "refusals", {}, "device.echoes", "write 'outer.echoes'", {"scramble": scramble_outer}
    )
    check(workshop.device(changes), wrong)


def test_what_post_load_derives_too_early_is_told_once(workshop: Workshop) -> None:
    changes = {
        **OUTER,
        "2 if device.has_feature(WIDE) else 1": "device.echoes & 1",
    }

    def derive(kit, device, draw) -> None:
        scramble_outer(kit, device, draw)
        device.modern = device.echoes & 1

    kit = kit_of(workshop.device(changes), scramble=derive)
    said = rows_of(outcome(kit, "load_replaces"))
    assert said["field"] == "LiveEcho.modern"
    assert "load_outer as well" in said["do"]
    for law in ("derived", "post_load_again"):
        assert outcome(kit, law) == "skipped: the law `load_replaces` comes first"


def test_what_is_saved_nowhere_is_not_to_be_emptied_by_a_load(workshop: Workshop) -> None:
    made = workshop.device(kept("list"))
    kit = kit_of(made)
    plain = type(kit).scramble
    type(kit).scramble = lambda kit, device, draw: (plain(kit, device, draw), counted(device, draw))
    assert outcome(kit, "load_replaces") == "skipped: the law `nothing_is_forgotten` comes first"
    assert "LiveEcho.kept" in outcome(kit, "nothing_is_forgotten")
