"""The live virtio-rtc device and its hooks."""

from __future__ import annotations

import attrs

from virtmig.api import DeviceDriver, VirtioDevice, hookimpl
from virtmig_rtc.state import RtcState

FEATURES = {0: "ALARM"}
"""virtio 1.4, RTC device, feature bits. QEMU 11.1 does not offer it."""


@attrs.define(eq=False, kw_only=True, slots=False)
class LiveRtc(VirtioDevice):
    """Clocks of the host that the guest reads.

    It has no state: a reading is worked out when a request is answered, from the clocks of the host
    that the device is on by then.
    """


class VirtioRtc:
    """The hooks of `virtio-rtc`."""

    @hookimpl
    def describe_driver(self) -> DeviceDriver:
        return DeviceDriver(
            name="virtio-rtc",
            device_id=17,
            version=1,
            state=RtcState,
            # the second is there only if alarms are offered; QEMU 11.1 has the first alone
            queue_names=("requestq", "alarmq"),
            features=FEATURES,
        )

    @hookimpl
    def create_device(self) -> LiveRtc:
        return LiveRtc()

    @hookimpl
    def save_device(self) -> RtcState:
        return RtcState()

    @hookimpl
    def load_device(self) -> None:
        """Put nothing back: there is nothing."""


plugin = VirtioRtc()
