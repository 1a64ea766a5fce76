"""virtio-net obeys the laws of a device plugin."""

from __future__ import annotations

from typing import Any

import attrs

from virtmig.api import restore
from virtmig.testing import DeviceConformance, Draw
from virtmig_net.features import CTRL_GUEST_OFFLOADS, GUEST_OFFLOADS
from virtmig_net.live import LiveNet
from virtmig_net.state import NetState, Rss

NOT_DRAWN = ("status", "mac_table_in_use", "curr_guest_offloads", "rss")


class TestNet(DeviceConformance):
    driver = "virtio-net"
    properties = ("max_queue_pairs", "has_vnet_hdr", "has_ufo")
    derived = ("first_multi", "vnet_hdr_len", "announce")

    def scramble(self, device: LiveNet, draw: Draw) -> None:
        """Everything that a driver can set through the control queue, and pending transmits."""
        drawn = draw.record(NetState)
        restore(device, drawn, *self.properties, *NOT_DRAWN)
        device.link_status = drawn.status
        if device.max_queue_pairs is not None:
            device.curr_queue_pairs = draw.integer(0, min(3, device.max_queue_pairs))
            count = max(0, device.curr_queue_pairs - 1)
            device.tx_waiting_more = tuple(draw.integer(0, 1) for _ in range(count))
        offloads = draw.integer(0, 0xFFFF)
        if not device.has_feature(CTRL_GUEST_OFFLOADS):
            offloads = device.guest_features & GUEST_OFFLOADS
        device.curr_guest_offloads = offloads
        device.rss = draw_rss(draw) if draw.boolean() else None


def draw_rss(draw: Draw) -> Rss:
    """Receive side scaling as a driver can set it: the table's length is a power of two."""
    drawn: Any = draw.record(Rss)
    length = 1 << draw.integer(0, 2)
    table = tuple(draw.integer(0, 3) for _ in range(length))
    rss: Rss = attrs.evolve(drawn, indirections_len=length, indirections=table)
    return rss
