"""The live virtio-scsi controller and its hooks."""

from __future__ import annotations

import attrs

from virtmig.api import DefaultChange, DeviceDriver, RingSize, VirtioDevice, hookimpl
from virtmig_scsi.state import ScsiState

FEATURES = {0: "INOUT", 1: "HOTPLUG", 2: "CHANGE", 3: "T10_PI"}
"""virtio 1.3 section 5.6.3."""
CONFIG_SPACE = {
    "num_queues": 4,
    "seg_max": 4,
    "max_sectors": 4,
    "cmd_per_lun": 4,
    "event_info_size": 4,
    "sense_size": 4,
    "cdb_size": 4,
    "max_channel": 2,
    "max_target": 2,
    "max_lun": 4,
}
"""virtio 1.3 section 5.6.4."""


@attrs.define(eq=False, kw_only=True, slots=False)
class LiveScsi(VirtioDevice):
    """A SCSI host bus adapter. It has no state beside that of the virtio core."""


class VirtioScsi:
    """The hooks of `virtio-scsi`."""

    @hookimpl
    def describe_driver(self) -> DeviceDriver:
        return DeviceDriver(
            name="virtio-scsi",
            device_id=8,
            version=1,
            state=ScsiState,
            first_queues=("controlq", "eventq"),
            queue_names=("requestq",),
            ring_sizes=dict.fromkeys(
                ("controlq", "eventq", "requestq"), RingSize(256, "virtqueue_size")
            ),
            defaults=(
                DefaultChange(option="virtqueue_size", since="5.0", before="128", after="256"),
            ),
            features=FEATURES,
            config_space=CONFIG_SPACE,
        )

    @hookimpl
    def create_device(self) -> LiveScsi:
        return LiveScsi()

    @hookimpl
    def save_device(self) -> ScsiState:
        return ScsiState()

    @hookimpl
    def load_device(self) -> None:
        """Put nothing back: there is nothing."""


plugin = VirtioScsi()
