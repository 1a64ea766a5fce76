"""`DeviceConformance`: the laws of a device plugin, to be subclassed by its tests."""

from __future__ import annotations

from functools import cached_property
from typing import Any, ClassVar

from virtmig.testing.bench import Author, Bench
from virtmig.testing.benches import DeviceBench
from virtmig.testing.draw import Draw
from virtmig.testing.laws.annotations import AnnotationLaws
from virtmig.testing.laws.answers import AnswerLaws
from virtmig.testing.laws.asking import AskingLaws
from virtmig.testing.laws.contract import DeviceContractLaws
from virtmig.testing.laws.docs import DocLaws
from virtmig.testing.laws.facts import FactLaws
from virtmig.testing.laws.going_on import GoingOnLaws
from virtmig.testing.laws.hooks import HookLaws
from virtmig.testing.laws.live import RoundTripLaws
from virtmig.testing.laws.naming import NamingLaws
from virtmig.testing.laws.package import PackageLaws
from virtmig.testing.laws.properties import PropertyLaws
from virtmig.testing.laws.room import RoomLaws
from virtmig.testing.laws.saving import SaveLaws
from virtmig.testing.laws.settings import SettingsLaws
from virtmig.testing.laws.tables import TableLaws
from virtmig.testing.laws.versions import VersionLaws
from virtmig.testing.scrambling import set_same_names
from virtmig.virtio.state import VirtioState


class DeviceConformance(
    DeviceContractLaws,
    PackageLaws,
    DocLaws,
    NamingLaws,
    FactLaws,
    AnnotationLaws,
    TableLaws,
    HookLaws,
    AskingLaws,
    RoundTripLaws,
    GoingOnLaws,
    SaveLaws,
    VersionLaws,
    PropertyLaws,
    SettingsLaws,
    RoomLaws,
    AnswerLaws,
):
    """The laws of a device plugin.

    for_state: while make_device runs, the drawn state that the device has to be able to take.
    """

    kind: ClassVar[str] = "device"
    own_parts: ClassVar[tuple[str, ...]] = ("device", "outer")
    for_state: VirtioState

    def make_device(self) -> Any:
        """A live device as just plugged in; default: what the hook create_device makes."""
        return self.bench().created(self.for_state)

    def scramble(self, device: Any, draw: Draw) -> None:
        """Put the device into another state that a guest could have reached.

        Default: draw a record of the driver's class, and set the live attributes of the same names.
        """
        driver = self.subject.driver
        set_same_names(device, draw, driver.state, *self.properties, *self.converted)
        if driver.outer is not None:
            set_same_names(device, draw, driver.outer, *self.properties, *self.converted)

    def bench(self) -> Bench:
        return self._bench

    @cached_property
    def _bench(self) -> Bench:
        def make(state: VirtioState) -> Any:
            self.for_state = state
            return self.make_device()

        return DeviceBench(self.subject, Author(make, self.scramble))
