"""virtio-rtc obeys the laws of a device plugin."""

from __future__ import annotations

from virtmig.testing import DeviceConformance, Draw
from virtmig_rtc.live import LiveRtc


class TestRtc(DeviceConformance):
    driver = "virtio-rtc"

    def make_device(self) -> LiveRtc:
        return LiveRtc()

    def scramble(self, device: LiveRtc, draw: Draw) -> None:
        """There is nothing that a guest could change."""
