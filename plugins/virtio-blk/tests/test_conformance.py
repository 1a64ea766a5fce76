"""virtio-blk obeys the laws of a device plugin."""

from __future__ import annotations

from typing import Any

import attrs

from virtmig.testing import DeviceConformance, Draw
from virtmig_blk.live import LiveBlk
from virtmig_blk.state import BlkState


class TestBlk(DeviceConformance):
    driver = "virtio-blk"

    def make_device(self) -> LiveBlk:
        return LiveBlk()

    def scramble(self, device: LiveBlk, draw: Draw) -> None:
        """Let some requests be in flight, each of a queue that there is."""
        requests: Any = draw.record(BlkState).requests
        queue = draw.integer(0, len(device.queues) - 1)
        device.requests = tuple(
            one if one.queue_index is None else attrs.evolve(one, queue_index=queue)
            for one in requests
        )
