"""The live virtio-iommu device and its hooks."""

from __future__ import annotations

from collections.abc import Mapping as Map
from typing import Any

import attrs

from virtmig.api import (
    DeviceDriver,
    DeviceMismatch,
    RingSize,
    VirtioDevice,
    VirtioState,
    collect,
    hookimpl,
    restore,
)
from virtmig_iommu.state import Domain, IommuState

FEATURES = {
    0: "INPUT_RANGE",
    1: "DOMAIN_RANGE",
    2: "MAP_UNMAP",
    3: "BYPASS",
    4: "PROBE",
    5: "MMIO",
    6: "BYPASS_CONFIG",
}
"""virtio 1.3 section 5.13.3."""
CONFIG_SPACE = {
    "page_size_mask": 8,
    "input_range.start": 8,
    "input_range.end": 8,
    "domain_range.start": 4,
    "domain_range.end": 4,
    "probe_size": 4,
    "bypass": 1,
}
"""virtio 1.3 section 5.13.4."""


@attrs.define(eq=False, kw_only=True, slots=False)
class LiveIommu(VirtioDevice):
    """An IOMMU. Its state has the names of `IommuState`.

    bypass: None in a device of QEMU 6.2 and older, which has no such field. domain_of: id of the
    domain of each attached endpoint, by endpoint ID; derived after a load.
    """

    domains: tuple[Domain, ...] = ()
    bypass: int | None = 0
    domain_of: dict[int, int] = attrs.field(factory=dict[int, int])


class VirtioIommu:
    """The hooks of `virtio-iommu`."""

    @hookimpl
    def describe_driver(self) -> DeviceDriver:
        return DeviceDriver(
            name="virtio-iommu",
            device_id=23,
            version=2,
            minimum_version=1,
            state=IommuState,
            queue_names=("requestq", "eventq"),
            ring_sizes={"requestq": RingSize(256), "eventq": RingSize(256)},
            features=FEATURES,
            config_space=CONFIG_SPACE,
            view=iommu_view,
        )

    @hookimpl
    def create_device(self, state: VirtioState) -> LiveIommu:
        iommu: IommuState = state.device
        return LiveIommu(bypass=None if iommu.bypass is None else 0)

    @hookimpl
    def save_device(self, device: LiveIommu) -> IommuState:
        return collect(IommuState, device)

    @hookimpl
    def load_device(self, device: LiveIommu, state: IommuState) -> None:
        if (state.bypass is None) is not (device.bypass is None):
            text = "only one of stream and device has the bypass field of section version 2"
            raise DeviceMismatch(text, path="device.bypass")
        restore(device, state)
        device.domain_of = {
            endpoint.id: domain.id for domain in state.domains for endpoint in domain.endpoint_list
        }


def iommu_view(state: IommuState) -> Map[str, Any]:
    """A line for each domain: its endpoints and how much it maps."""
    return {"domains": [_line(domain) for domain in state.domains]}


def _line(domain: Domain) -> str:
    endpoints = " ".join(f"{one.id:#x}" for one in domain.endpoint_list) or "none"
    size = sum(one.high - one.low + 1 for one in domain.mappings)
    maps = "bypass" if domain.bypass else f"{len(domain.mappings)} mappings of {size} bytes"
    return f"domain {domain.id}: endpoints {endpoints}, {maps}"


plugin = VirtioIommu()
