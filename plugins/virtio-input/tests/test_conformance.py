"""virtio-input obeys the laws of a device plugin."""

from __future__ import annotations

from virtmig.testing import DeviceConformance, Draw
from virtmig_input.live import LiveInput


class TestInput(DeviceConformance):
    driver = "virtio-input"
    derived = ("active",)

    def make_device(self) -> LiveInput:
        return LiveInput()

    def scramble(self, device: LiveInput, draw: Draw) -> None:
        """There is nothing that a guest could change."""
