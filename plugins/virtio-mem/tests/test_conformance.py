"""The laws of the kit for virtio-mem and its early section."""

from __future__ import annotations

from virtmig.testing import DeviceConformance, Draw, SectionConformance
from virtmig_mem.live import PROPERTIES, LiveMem


class TestMem(DeviceConformance):
    """The device."""

    driver = "virtio-mem"
    properties = PROPERTIES

    def scramble(self, device: LiveMem, draw: Draw) -> None:
        """Let the driver plug other blocks of the same region."""
        device.usable_region_size = draw.integer(0, 1 << 40)
        device.requested_size = draw.integer(0, 1 << 40)
        if device.bitmap is not None:
            device.size = draw.integer(0, 1 << 40)
            device.bitmap = draw.binary(len(device.bitmap))


class TestEarly(SectionConformance):
    """The section in front of RAM."""

    driver = "virtio-mem-device-early"
