"""A transport or a section driver with one fault breaks a law that names it."""

# ruff: noqa: E501  pieces of source text are lines as they are

from __future__ import annotations

import pytest

from tests.core.testing.trial import Workshop, kit_of, outcome, taken_notes
from tests.core.testing.wrong import Wrong, check

EXTRA_END = "        transport.rate = 0 if state.leak is None else state.leak.rate\n"

TRANSPORTS = {
    "load drops a field": Wrong(
        "load_save", {"        transport.pressure = state.pressure\n": ""}, "TubeConfig.pressure"
    ),
    "vectors are not put back": Wrong(
        "load_save",
        {"        transport.device.queues[index].vector = state.vector\n": "        pass\n"},
        "TubeQueue.vector",
    ),
    "vectors of the wrong queue": Wrong(
        "load_save",
        {
            "transport.device.queues[index].vector = state": "transport.device.queues[0].vector = state"
        },
        "TubeQueue.vector",
    ),
    "extra state is not put back": Wrong("load_save", {EXTRA_END: "        pass\n"}, "leak"),
    "a subsection leaves what was there": Wrong(
        "without_subsections",
        {
            EXTRA_END: "        if state.leak is not None:\n            transport.rate = state.leak.rate\n"
        },
        "TubeExtra.leak",
    ),
    "state in the class": Wrong(
        "load_save",
        {"transport.pressure = state.pressure": "type(transport).pressure = state.pressure"},
        "TubeConfig.pressure",
    ),
    "save counts": Wrong(
        "save_twice",
        {
            "        return TubeConfig(": "        transport.pressure += 1\n        return TubeConfig("
        },
        "Tube.pressure",
    ),
    "hooks of extra state are missing": Wrong(
        "contract",
        {"    @hookimpl\n    def has_extra_state": "    def has_extra"},
        "hooks",
        "has_extra_state",
    ),
    "has_extra_state gives a number": Wrong(
        "load_save", {"        return True\n": "        return 1\n"}, "has_extra_state", "bool"
    ),
    "has_extra_state looks at what it holds": Wrong(
        "load_replaces",
        {"        return True\n": "        return bool(transport.rate)\n"},
        "extra_state",
        "by a property, and not what it holds now",
    ),
    "a pattern for everything": Wrong(
        "paths", {'path_pattern="tube:[0-9]+"': 'path_pattern=".+"'}, "path_pattern", "claimed"
    ),
    "a pattern for nothing": Wrong(
        "paths", {'path_pattern="tube:[0-9]+"': 'path_pattern="tuba:[0-9]+"'}, "path_pattern"
    ),
    "a pattern with a dot that is not escaped": Wrong(
        "paths",
        {'path_pattern="tube:[0-9]+"': 'path_pattern="tube.[0-9]+"'},
        "path_pattern",
        "stands for any",
    ),
    "a pattern that never gets done": Wrong(
        "paths_in_time",
        {'path_pattern="tube:[0-9]+"': 'path_pattern="tube:([0-9]+)+"'},
        "path_pattern",
        "write x+",
    ),
    "machines of today": Wrong(
        "paths",
        {'path_pattern="tube:[0-9]+"': 'path_pattern="tube:[0-9]+", pathless_machines="virt"'},
        "pathless_machines",
        "virt-2",
    ),
    "a pattern that is none": Wrong(
        "contract", {'path_pattern="tube:[0-9]+"': 'path_pattern="tube:["'}, "path_pattern"
    ),
    "reads features in load_config": Wrong(
        "reads_nothing_unloaded",
        {
            "        transport.pressure = state": "        transport.device.guest_features\n        transport.pressure = state"
        },
        "load_config",
    ),
    "a refusal behind a change": Wrong(
        "any_state",
        {
            "        if state.place != transport.place:": "        SEEN.add(state.place)\n        if state.pressure & 1 or state.place != transport.place:",
            "class VirtioTube": "SEEN = set()\n\n\nclass VirtioTube",
            "pending: bool = False": "pending: bool = False\n    seen: object = None\n\n"
            "    def __attrs_post_init__(self):\n        self.seen = Seen()",
            "SEEN.add(state.place)": "transport.seen.all.add(state.place)",
            "@attrs.define(eq=False, kw_only=True, slots=False)\nclass Tube": "class Seen:\n"
            "    def __init__(self):\n        self.all = set()\n\n    def __deepcopy__(self, memo):\n"
            "        raise TypeError\n\n\n@attrs.define(eq=False, kw_only=True, slots=False)\nclass Tube",
        },
        "",  # what refuses first in the examples that are drawn
    ),
    "a field of every queue": Wrong(
        "contract",
        {
            "    vector: int = wire": "    num: int = wire",
            "TubeQueue(vector=": "TubeQueue(num=",
            "= state.vector": "= state.num",
        },
        "num",
        "every queue",
    ),
    "the create hook carries state": Wrong(
        "created_empty",
        {
            "Tube(place=state.config.place)": "Tube(place=state.config.place, pressure=state.config.pressure)"
        },
        "TubeConfig.pressure",
    ),
}

SECTIONS = {
    "a doc that says nothing": Wrong("docs", {'"dirty sectors"': '"cache"'}, "DiskState.cache"),
    "an unknown fact": Wrong(
        "exact",
        {"when=since(2)": 'when=if_fact("echo_cached")', "since, wire": "if_fact, since, wire"},
        "DiskState.cache",
    ),
    "since a version that is not declared": Wrong(
        "versions", {"when=since(2)": "when=since(1)"}, "DiskState.cache"
    ),
    "another name": Wrong("contract", {'name="echo-disk"': 'name="disk"'}, "hooks", "same name"),
    "another kind of driver": Wrong(
        "contract",
        {
            '        return SectionDriver(\n            name="echo-disk", parent="virtio-echo", version=2, minimum_version=1, state=DiskState\n        )': "        from virtmig.api import DeviceDriver\n"
            "        return DeviceDriver(name='echo-disk', device_id=9, version=1, state=DiskState)"
        },
        "hooks",
        "SectionDriver",
    ),
}


@pytest.mark.parametrize("name", TRANSPORTS)
def test_a_wrong_transport_breaks_a_law(workshop: Workshop, name: str) -> None:
    check(workshop.transport(TRANSPORTS[name].changes), TRANSPORTS[name])


@pytest.mark.parametrize("name", SECTIONS)
def test_a_wrong_section_driver_breaks_a_law(workshop: Workshop, name: str) -> None:
    point = {"point": ""}
    made = workshop.section(SECTIONS[name].changes, **point)
    check(made, SECTIONS[name])


def test_a_transport_that_always_has_more_is_told_in_a_note(workshop: Workshop) -> None:
    taken_notes()
    assert outcome(kit_of(workshop.transport()), "each_field_occurs") == ""
    assert any("has_extra_state was always True" in note for note in taken_notes())
