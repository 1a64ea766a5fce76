"""virtio-rng obeys the laws of a device plugin."""

from __future__ import annotations

from virtmig.testing import DeviceConformance, Draw
from virtmig_rng.live import LiveRng


class TestRng(DeviceConformance):
    driver = "virtio-rng"
    derived = ("ready",)

    def make_device(self) -> LiveRng:
        return LiveRng()

    def scramble(self, device: LiveRng, draw: Draw) -> None:
        """There is nothing that a guest could change."""
