"""The plugin by itself: its records keep their bytes, and its hooks are what the core expects."""

from __future__ import annotations

from typing import Any

from hypothesis import given, settings

from virtmig.api import Scope, decode, encode
from virtmig.hooks.bound import BoundTransport
from virtmig.testing.strategies import records
from virtmig.wire.scope import Facts
from virtmig_mmio.live import plugin
from virtmig_mmio.state import MmioProxy


def scope() -> Scope:
    return Scope(facts=Facts())


@settings(deadline=None)
@given(records(MmioProxy, scope))
def test_what_is_drawn_survives_the_wire(state: Any) -> None:
    assert decode(MmioProxy, encode(state, scope()), scope()) == state


def test_the_hooks_are_complete_and_the_name_is_right() -> None:
    bound = BoundTransport(plugin, "virtio-mmio", "virtmig-mmio")
    assert bound.driver.config is MmioProxy
