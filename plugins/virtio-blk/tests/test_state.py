"""The plugin by itself: its records keep their bytes, and its hooks are what the core expects."""

from __future__ import annotations

from typing import Any

from hypothesis import given, settings

from virtmig.api import Scope, decode, encode
from virtmig.hooks.bound import BoundDevice
from virtmig.testing.strategies import records
from virtmig.virtio.common import CommonState
from virtmig.wire.scope import Facts
from virtmig_blk.live import plugin
from virtmig_blk.state import BlkState

MANY_QUEUES = CommonState(
    status=0, isr=0, queue_sel=0, guest_features_lo=0, config_len=0, config=b"", nq=2
)


def scope() -> Scope:
    return Scope(
        facts=Facts({"element_ndescs": "front", "host_byteorder": "little"}),
        parts={"common": MANY_QUEUES},
    )


@settings(deadline=None)
@given(records(BlkState, scope))
def test_what_is_drawn_survives_the_wire(state: Any) -> None:
    assert decode(BlkState, encode(state, scope()), scope()) == state


def test_the_hooks_are_complete_and_the_name_is_right() -> None:
    bound = BoundDevice(plugin, "virtio-blk", "virtmig-blk")
    assert bound.driver.state is BlkState
