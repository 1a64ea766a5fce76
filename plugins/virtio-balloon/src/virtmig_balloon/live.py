"""The live virtio-balloon device and its hooks."""

from __future__ import annotations

import attrs

from virtmig.api import (
    DefaultChange,
    DeviceDriver,
    RingSize,
    VirtioDevice,
    collect,
    hookimpl,
    restore,
)
from virtmig_balloon.defects import POISON_NAME, POISON_UNREADABLE
from virtmig_balloon.state import BalloonState, FreePageHint, PagePoison, PagePoisonOf51

STATS_VQ = 1
DRIVER_OK = 4
"""Bit of the device status: the driver is set up (virtio 1.3 section 2.1)."""

FEATURES = {
    0: "MUST_TELL_HOST",
    1: "STATS_VQ",
    2: "DEFLATE_ON_OOM",
    3: "FREE_PAGE_HINT",
    4: "PAGE_POISON",
    5: "PAGE_REPORTING",
}
"""virtio 1.3 section 5.5.3."""
CONFIG_SPACE = {
    "num_pages": 4,
    "actual": 4,
    "free_page_hint_cmd_id": 4,
    "poison_val": 4,
}
"""virtio 1.3 section 5.5.4."""
QUEUES = ("inflateq", "deflateq", "statsq", "free_page_vq or reporting_vq", "reporting_vq")
"""virtio 1.3 section 5.5.2. QEMU always has a statsq; of two optional queues it may have one."""
RING_SIZES = {
    **dict.fromkeys(QUEUES[:3], RingSize(128)),
    QUEUES[3]: RingSize(1024),
    QUEUES[4]: RingSize(32),
}


@attrs.define(eq=False, kw_only=True, slots=False)
class LiveBalloon(VirtioDevice):
    """A balloon; its state has the names of `BalloonState`.

    A subsection that is None is not sent: QEMU sends free_page_hint and one of the two page
    poisons if the guest's driver has accepted the feature. stats_rewind: the statistics queue
    is to be taken one back when the guest runs on; worked out after a load.
    """

    num_pages: int = 0
    actual: int = 0
    free_page_hint: FreePageHint | None = None
    page_poison: PagePoison | None = None
    vitio_page_poison: PagePoisonOf51 | None = None
    stats_rewind: bool = False

    @property
    def poison_val(self) -> int:
        """What the guest fills its free pages with, under whichever name it came; else 0."""
        poison = self.page_poison or self.vitio_page_poison
        return poison.poison_val if poison else 0


class VirtioBalloon:
    """The hooks of `virtio-balloon`."""

    @hookimpl
    def describe_driver(self) -> DeviceDriver:
        return DeviceDriver(
            name="virtio-balloon",
            device_id=5,
            version=1,
            state=BalloonState,
            queue_names=QUEUES,
            ring_sizes=RING_SIZES,
            defaults=(
                DefaultChange(
                    option="vectors", since="10.0", before="0", after="2", transport="virtio-pci"
                ),
            ),
            features=FEATURES,
            config_space=CONFIG_SPACE,
            defects=(POISON_NAME, POISON_UNREADABLE),
        )

    @hookimpl
    def create_device(self) -> LiveBalloon:
        return LiveBalloon()

    @hookimpl
    def save_device(self, device: LiveBalloon) -> BalloonState:
        return collect(BalloonState, device)

    @hookimpl
    def load_device(self, device: LiveBalloon, state: BalloonState) -> None:
        restore(device, state)

    @hookimpl
    def post_load(self, device: LiveBalloon) -> None:
        ready = bool(device.status & DRIVER_OK)
        device.stats_rewind = ready and device.has_feature(STATS_VQ)


plugin = VirtioBalloon()
