"""virtio-rng obeys the laws of a device plugin."""

from __future__ import annotations

from virtmig.testing import DeviceConformance

from virtmig_example_rng.live import LiveRng


class TestRng(DeviceConformance):
    """The device saves nothing of its own, so there is nothing to scramble."""

    driver = "virtio-rng"
    derived = ("modern",)

    def make_device(self) -> LiveRng:
        """A device as just plugged in."""
        return LiveRng()
