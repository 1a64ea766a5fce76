"""The plugin by itself: its records keep their bytes, and its hooks are what the core expects."""

from __future__ import annotations

from typing import Any

from hypothesis import given, settings

from virtmig.api import Scope, decode, encode
from virtmig.hooks.bound import BoundDevice
from virtmig.testing.strategies import records
from virtmig.wire.scope import Facts
from virtmig_net.live import plugin
from virtmig_net.state import NetState


def scope() -> Scope:
    return Scope(facts=Facts({"multiqueue": True, "host_byteorder": "big"}), features_lo=1 << 2)


@settings(deadline=None)
@given(records(NetState, scope))
def test_what_is_drawn_survives_the_wire(state: Any) -> None:
    assert decode(NetState, encode(state, scope()), scope()) == state


def test_the_hooks_are_complete_and_the_name_is_right() -> None:
    bound = BoundDevice(plugin, "virtio-net", "virtmig-net")
    assert bound.driver.state is NetState
