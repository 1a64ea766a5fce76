"""vhost-user devices obey the laws of a device plugin."""

from __future__ import annotations

from virtmig.testing import DeviceConformance, Draw
from virtmig_vhost_user.live import LiveVhostUserBlk, LiveVhostUserFs
from virtmig_vhost_user.state import BlkOuter, FsOuter


class TestVhostUserBlk(DeviceConformance):
    driver = "vhost-user-blk"

    def make_device(self) -> LiveVhostUserBlk:
        return LiveVhostUserBlk()

    def scramble(self, device: LiveVhostUserBlk, draw: Draw) -> None:
        device.inflight = draw.field(BlkOuter, "inflight")


class TestVhostUserFs(DeviceConformance):
    driver = "vhost-user-fs"

    def make_device(self) -> LiveVhostUserFs:
        return LiveVhostUserFs()

    def scramble(self, device: LiveVhostUserFs, draw: Draw) -> None:
        device.backend = draw.field(FsOuter, "backend")
