"""The live virtio-blk device and its hooks."""

from __future__ import annotations

import attrs

from virtmig.api import (
    DefaultChange,
    DeviceDriver,
    DeviceMismatch,
    RingSize,
    VirtioDevice,
    hookimpl,
)
from virtmig_blk.finishing import finish
from virtmig_blk.state import BlkRequest, BlkState

FEATURES = {
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
CONFIG_SPACE = {
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


@attrs.define(eq=False, kw_only=True, slots=False)
class LiveBlk(VirtioDevice):
    """requests: taken from a ring and not finished, to be submitted again when the VM runs."""

    requests: tuple[BlkRequest, ...] = ()


class VirtioBlk:
    """The hooks of `virtio-blk`."""

    @hookimpl
    def describe_driver(self) -> DeviceDriver:
        return DeviceDriver(
            name="virtio-blk",
            device_id=2,
            version=2,
            state=BlkState,
            queue_names=("requestq",),
            ring_sizes={"requestq": RingSize(256, "queue-size")},
            defaults=(DefaultChange(option="queue-size", since="5.0", before="128", after="256"),),
            features=FEATURES,
            config_space=CONFIG_SPACE,
            finish=finish,
        )

    @hookimpl
    def create_device(self) -> LiveBlk:
        return LiveBlk()

    @hookimpl
    def save_device(self, device: LiveBlk) -> BlkState:
        return BlkState(requests=device.requests)

    @hookimpl
    def load_device(self, device: LiveBlk, state: BlkState) -> None:
        for number, request in enumerate(state.requests):
            queue = request.queue_index or 0
            if queue >= len(device.queues):
                text = f"request of queue {queue}; this device has {len(device.queues)}"
                raise DeviceMismatch(text, path=f"device.requests[{number}].queue_index")
        device.requests = state.requests


plugin = VirtioBlk()
