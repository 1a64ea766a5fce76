"""The laws of the kit for virtio-scsi and its disks."""

from __future__ import annotations

from virtmig.testing import DeviceConformance, SectionConformance


class TestScsi(DeviceConformance):
    """The controller."""

    driver = "virtio-scsi"


class TestDisk(SectionConformance):
    """Disks and CDs behind it."""

    driver = "scsi-disk"
