"""Faults of a distribution, and of fields behind the virtio core, break laws as well."""

# ruff: noqa: E501  pieces of source text are lines as they are

from __future__ import annotations

import pytest

from tests.core.testing.trial import METADATA, Workshop, kit_of, laws_of, outcome, rows_of
from tests.core.testing.wrong import Wrong, check

OUTER = {
    '@record("virtio-echo-device")\nclass EchoState': '''@record("virtio-echo")
class EchoOuter:
    """What virtio-echo has behind the virtio core."""

    echoes: int = wire(be32, "echoes that were heard in all")


@record("virtio-echo-device")
class EchoState''',
    "import LOUD, EchoState, Log, Point": "import LOUD, EchoOuter, EchoState, Log, Point",
    "    modern: int = 0\n\n\nclass": "    modern: int = 0\n    echoes: int = 0\n\n\nclass",
    "            state=EchoState,\n": "            state=EchoState,\n            outer=EchoOuter,\n",
    "    @hookimpl\n    def post_load": """    @hookimpl
    def save_outer(self, device: LiveEcho) -> EchoOuter:
        return EchoOuter(echoes=device.echoes)

    @hookimpl
    def load_outer(self, device: LiveEcho, state: EchoOuter) -> None:
        device.echoes = state.echoes

    @hookimpl
    def post_load""",
}


def scramble(self, device, draw) -> None:
    device.echoes = draw.integer(0, 0xFFFFFFFF)


def test_a_device_with_outer_fields_passes(workshop: Workshop) -> None:
    made = workshop.device(OUTER)
    fields = ("counter", "limit", "tag", "muted", "pitch", "volume", "points_len", "points", "gain",
              "log", "length", "text", "level", "delay", "queue")  # fmt: skip
    kit = kit_of(made, scramble=scramble, not_scrambled=fields, examples=6)
    found = {law: said for law in laws_of(kit) if (said := outcome(kit, law))}
    assert list(found) == ["goldens"], found


@pytest.mark.parametrize(
    ("law", "old", "new"),
    [
        ("load_save", "        device.echoes = state.echoes", "        pass"),
        ("every_field_changes", "echoes=device.echoes", "echoes=3"),
        ("contract", "    def load_outer", "    def load_inner"),
    ],
)
def test_a_fault_in_outer_fields_is_found(workshop: Workshop, law: str, old: str, new: str) -> None:
    changes = {key: value.replace(old, new) for key, value in OUTER.items()}
    fields = ("counter", "limit", "tag", "muted", "pitch", "volume", "points_len", "points", "gain",
              "log", "length", "text", "level", "delay", "queue")  # fmt: skip
    kit = kit_of(workshop.device(changes), scramble=scramble, not_scrambled=fields)
    said = outcome(kit, law)
    assert rows_of(said).get("law", "").startswith(law), said
    assert "outer" in said or "EchoOuter.echoes" in said or "load_inner" in said


def test_a_distribution_without_a_range_of_the_core(workshop: Workshop) -> None:
    text = METADATA.replace("Requires-Dist: virtmig<0.2,>=0.1\n", "")
    made = workshop.device(metadata=text)
    check(made, Wrong("distribution", {}, "METADATA", "which versions of virtmig"))


def test_a_distribution_for_another_core(workshop: Workshop) -> None:
    text = METADATA.replace("virtmig<0.2,>=0.1", "virtmig>=9")
    check(workshop.device(metadata=text), Wrong("contract", {}, "entry point", "needs virtmig>=9"))


def test_a_package_without_types(workshop: Workshop) -> None:
    check(workshop.device(typed=False), Wrong("distribution", {}, "virtmig_made", "py.typed"))


def test_two_versions(workshop: Workshop) -> None:
    made = workshop.device({'"""Made for a test."""': '"""Made."""\n\n__version__ = "0.2"'})
    check(made, Wrong("one_version", {}, "__version__", "0.2"))


def test_an_entry_point_that_names_nothing(workshop: Workshop) -> None:
    made = workshop.device(point="no_such_package.live:plugin")
    said = outcome(kit_of(made), "contract")
    assert "no_such_package" in said
    assert "do: " in said
