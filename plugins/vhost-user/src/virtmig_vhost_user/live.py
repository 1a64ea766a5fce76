"""The live vhost-user devices and their hooks."""

from __future__ import annotations

import attrs

from virtmig.api import DeviceDriver, VirtioDevice, hookimpl
from virtmig_vhost_user.state import BlkInflight, BlkOuter, FsBackend, FsOuter, VhostUserState

BLK_FEATURES = {
    0: "BARRIER",
    1: "SIZE_MAX",
    2: "SEG_MAX",
    4: "GEOMETRY",
    5: "RO",
    6: "BLK_SIZE",
    7: "SCSI",
    9: "FLUSH",
    10: "TOPOLOGY",
    11: "CONFIG_WCE",
    12: "MQ",
    13: "DISCARD",
    14: "WRITE_ZEROES",
    15: "LIFETIME",
    16: "SECURE_ERASE",
    17: "ZONED",
}
"""virtio 1.3 section 5.2.3; 0 and 7 are of legacy devices."""
BLK_CONFIG_SPACE = {
    "capacity": 8,
    "size_max": 4,
    "seg_max": 4,
    "cylinders": 2,
    "heads": 1,
    "sectors": 1,
    "blk_size": 4,
    "physical_block_exp": 1,
    "alignment_offset": 1,
    "min_io_size": 2,
    "opt_io_size": 4,
    "writeback": 1,
    "unused0": 1,
    "num_queues": 2,
    "max_discard_sectors": 4,
    "max_discard_seg": 4,
    "discard_sector_alignment": 4,
    "max_write_zeroes_sectors": 4,
    "max_write_zeroes_seg": 4,
    "write_zeroes_may_unmap": 1,
    "unused1": 3,
    "max_secure_erase_sectors": 4,
    "max_secure_erase_seg": 4,
    "secure_erase_sector_alignment": 4,
}
"""virtio 1.3 section 5.2.4."""
FS_FEATURES = {0: "NOTIFICATION"}
"""virtio 1.3 section 5.11.3."""
FS_CONFIG_SPACE = {
    "tag": 36,
    "num_request_queues": 4,
}
"""virtio 1.3 section 5.11.4."""


@attrs.define(eq=False, kw_only=True, slots=False)
class LiveVhostUserBlk(VirtioDevice):
    """A disk.

    inflight: requests that its back-end has not finished; None if it finishes all before a save.
    """

    inflight: BlkInflight | None = None


@attrs.define(eq=False, kw_only=True, slots=False)
class LiveVhostUserFs(VirtioDevice):
    """A shared file system.

    backend: what its back-end wrote about itself; None if it was not asked.
    """

    backend: FsBackend | None = None


class WithoutState:
    """Hooks of a device that has no device part."""

    @hookimpl
    def save_device(self) -> VhostUserState:
        return VhostUserState()

    @hookimpl
    def load_device(self) -> None:
        """Put nothing back: there is nothing."""


class VhostUserBlk(WithoutState):
    """The hooks of `vhost-user-blk`."""

    @hookimpl
    def describe_driver(self) -> DeviceDriver:
        return DeviceDriver(
            name="vhost-user-blk",
            device_id=2,
            version=1,
            state=VhostUserState,
            outer=BlkOuter,
            queue_names=("requestq",),
            features=BLK_FEATURES,
            config_space=BLK_CONFIG_SPACE,
        )

    @hookimpl
    def create_device(self) -> LiveVhostUserBlk:
        return LiveVhostUserBlk()

    @hookimpl
    def save_outer(self, device: LiveVhostUserBlk) -> BlkOuter:
        return BlkOuter(inflight=device.inflight)

    @hookimpl
    def load_outer(self, device: LiveVhostUserBlk, state: BlkOuter) -> None:
        device.inflight = state.inflight


class VhostUserFs(WithoutState):
    """The hooks of `vhost-user-fs`."""

    @hookimpl
    def describe_driver(self) -> DeviceDriver:
        return DeviceDriver(
            name="vhost-user-fs",
            device_id=26,
            version=0,
            state=VhostUserState,
            outer=FsOuter,
            first_queues=("hiprio",),
            queue_names=("requestq",),
            features=FS_FEATURES,
            config_space=FS_CONFIG_SPACE,
        )

    @hookimpl
    def create_device(self) -> LiveVhostUserFs:
        return LiveVhostUserFs()

    @hookimpl
    def save_outer(self, device: LiveVhostUserFs) -> FsOuter:
        return FsOuter(backend=device.backend)

    @hookimpl
    def load_outer(self, device: LiveVhostUserFs, state: FsOuter) -> None:
        device.backend = state.backend


blk = VhostUserBlk()
fs = VhostUserFs()
