"""virtio-rng whose rate limit survives a migration: a device's state, extended by a subsection."""

from __future__ import annotations

import attrs
from virtmig.api import DeviceDriver, VirtioDevice, be64, hookimpl, record, subsection, wire


@record("virtio-rng-device/quota")
class Quota:
    """Sent when the guest has used some of its quota and the machine type sends it at all."""

    remaining: int = wire(be64, "bytes that the guest may still take in this period")


@record("virtio-rng-device")
class RngState:
    """The device part: still without fields of its own, so old sections are read as before."""

    quota: Quota | None = wire(subsection(Quota), "rate limit")


@attrs.define(eq=False, kw_only=True, slots=False)
class LiveRng(VirtioDevice):
    """max_bytes: a property, the quota of a period. migrate_quota: set by the machine type."""

    max_bytes: int = 4096
    migrate_quota: bool = True
    remaining: int = 4096

    def quota_needed(self) -> bool:
        """Whether a reader without the subsection would end up with another value."""
        return self.migrate_quota and self.remaining != self.max_bytes


class VirtioRng:
    """The hooks of virtio-rng."""

    @hookimpl
    def describe_driver(self) -> DeviceDriver:
        return DeviceDriver(name="virtio-rng", device_id=4, version=1, state=RngState)

    @hookimpl
    def create_device(self) -> LiveRng:
        return LiveRng()

    @hookimpl
    def save_device(self, device: LiveRng) -> RngState:
        quota = Quota(remaining=device.remaining) if device.quota_needed() else None
        return RngState(quota=quota)

    @hookimpl
    def load_device(self, device: LiveRng, state: RngState) -> None:
        quota = state.quota
        device.remaining = device.max_bytes if quota is None else quota.remaining


plugin = VirtioRng()
