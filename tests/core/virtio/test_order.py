"""The documented order as data; `tests/procedure` holds it against the mission's diagrams."""

from __future__ import annotations

from collections.abc import Iterator

from tests.core.virtio.boundaries import CORE
from virtmig.virtio.order import LOAD, PARTS, SAVE, SUBSECTIONS, label, walk


def test_the_five_parts_lie_in_the_order_in_which_they_are_saved() -> None:
    assert PARTS == ("config", "common", "queues", "device", "subsections")
    for steps in (SAVE, LOAD):
        moved = tuple(dict.fromkeys(step.part for step in steps if step.part))
        assert moved == (*PARTS, "outer")


def test_subsections_have_qemus_names_in_qemus_order() -> None:
    assert SUBSECTIONS == CORE


def test_both_steps_of_a_queue_are_done_before_those_of_the_next() -> None:
    labels = [label(step, key) for step, key in walk(LOAD, 2, ["virtio/started"])]
    assert labels == [
        "load",
        "load_config",
        "load_common",
        "load_virtqueue[0]",
        "load_queue[0]",
        "load_virtqueue[1]",
        "load_queue[1]",
        "notify",
        "load_device",
        "load_subsection virtio/started",
        "sanitize_endianness",
        "sanitize_features",
        "check_indices",
        "post_load",
    ]


def test_without_queues_and_subsections_their_steps_are_left_out() -> None:
    names = [step.name for step, _ in walk(SAVE, 0, ())]
    assert names == ["save", "save_config", "save_common", "save_device"]


def test_subsections_are_asked_for_when_their_turn_comes() -> None:
    """What is needed depends on what the hooks before them did."""
    done: list[str] = []

    def needed() -> Iterator[str]:
        done.append("asked")
        yield "virtio/broken"

    for step, _ in walk(SAVE, 1, needed()):
        done.append(step.name)
    assert done[-3:] == ["save_device", "asked", "save_subsection"]
