"""vhost-vsock obeys the laws of a device plugin; there are no real sections of it to try."""

from __future__ import annotations

from virtmig.testing import DeviceConformance, Draw
from virtmig_vhost_vsock.live import LiveVsock


class TestVsock(DeviceConformance):
    driver = "virtio-vhost_vsock"
    derived = ("transport_reset",)

    def make_device(self) -> LiveVsock:
        return LiveVsock()

    def scramble(self, device: LiveVsock, draw: Draw) -> None:
        """There is nothing that a guest could change."""
