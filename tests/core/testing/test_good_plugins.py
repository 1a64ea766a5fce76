"""Plugins without a fault pass every law, with Hypothesis and without."""

from __future__ import annotations

import sys

import pytest

from tests.core.testing.trial import Workshop, kit_of, laws_of, outcome

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
