"""The laws of the kit for virtio-iommu."""

from __future__ import annotations

from virtmig.testing import DeviceConformance


class TestIommu(DeviceConformance):
    """The IOMMU."""

    driver = "virtio-iommu"
    derived = ("domain_of",)
