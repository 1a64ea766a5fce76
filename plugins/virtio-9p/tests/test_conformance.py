"""virtio-9p obeys the laws of a device plugin."""

from __future__ import annotations

from virtmig.testing import DeviceConformance, Draw
from virtmig_9p.live import LiveNineP


class TestNineP(DeviceConformance):
    driver = "virtio-9p"

    def make_device(self) -> LiveNineP:
        return LiveNineP()

    def scramble(self, device: LiveNineP, draw: Draw) -> None:
        """There is nothing that a guest could change."""
