"""virtio-balloon obeys the laws of a device plugin."""

from __future__ import annotations

from virtmig.testing import DeviceConformance, Draw
from virtmig_balloon.live import LiveBalloon
from virtmig_balloon.state import BalloonState, PagePoison, PagePoisonOf51


class TestBalloon(DeviceConformance):
    driver = "virtio-balloon"
    derived = ("stats_rewind",)

    def make_device(self) -> LiveBalloon:
        return LiveBalloon()

    def scramble(self, device: LiveBalloon, draw: Draw) -> None:
        for name in ("num_pages", "actual", "free_page_hint", "page_poison", "vitio_page_poison"):
            setattr(device, name, draw.field(BalloonState, name))


def test_the_poison_is_found_under_either_name() -> None:
    """QEMU 5.1 and 5.2 misspell the name of its subsection."""
    assert LiveBalloon().poison_val == 0
    assert LiveBalloon(page_poison=PagePoison(poison_val=0xAA)).poison_val == 0xAA
    assert LiveBalloon(vitio_page_poison=PagePoisonOf51(poison_val=0xAA)).poison_val == 0xAA
