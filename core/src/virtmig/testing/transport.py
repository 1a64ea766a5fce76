"""`TransportConformance`: the laws of a transport plugin, to be subclassed by its tests."""

from __future__ import annotations

from functools import cached_property
from typing import Any, ClassVar

from virtmig.testing.bench import Author, Bench
from virtmig.testing.benches import TransportBench
from virtmig.testing.draw import Draw
from virtmig.testing.laws.annotations import AnnotationLaws
from virtmig.testing.laws.asking import AskingLaws
from virtmig.testing.laws.description import InterruptLaws
from virtmig.testing.laws.docs import DocLaws
from virtmig.testing.laws.facts import FactLaws
from virtmig.testing.laws.going_on import GoingOnLaws
from virtmig.testing.laws.goldens import LiveGoldenLaws
from virtmig.testing.laws.hooks import HookLaws
from virtmig.testing.laws.live import RoundTripLaws
from virtmig.testing.laws.package import PackageLaws
from virtmig.testing.laws.paths import PathLaws
from virtmig.testing.laws.properties import PropertyLaws
from virtmig.testing.laws.queues import QueueLaws
from virtmig.testing.laws.room import RoomLaws
from virtmig.testing.laws.saving import SaveLaws
from virtmig.testing.laws.settings import SettingsLaws
from virtmig.testing.laws.states import StateLaws
from virtmig.testing.laws.tables import TableLaws
from virtmig.testing.scrambling import set_same_names
from virtmig.virtio.state import VirtioState


class TransportConformance(
    PackageLaws,
    DocLaws,
    PathLaws,
    LiveGoldenLaws,
    FactLaws,
    AnnotationLaws,
    TableLaws,
    HookLaws,
    AskingLaws,
    RoundTripLaws,
    GoingOnLaws,
    SaveLaws,
    StateLaws,
    PropertyLaws,
    SettingsLaws,
    RoomLaws,
    QueueLaws,
    InterruptLaws,
):
    """The laws of a transport plugin.

    paths, not_paths: device paths that it must and must not claim. for_state: while make_transport
    runs, the drawn state that the transport has to be able to take.
    """

    kind: ClassVar[str] = "transport"
    own_parts: ClassVar[tuple[str, ...]] = ("config", "queues", "subsections")
    for_state: VirtioState

    def make_transport(self) -> Any:
        """A live transport as just plugged in; default: what the hook create_transport makes."""
        return self.bench().created(self.for_state)

    def scramble(self, transport: Any, draw: Draw) -> None:
        """Put the transport into another state that a guest could have reached.

        Default: draw a record of the driver's class, and set the live attributes of the same names;
        give each queue a small vector.
        """
        set_same_names(
            transport, draw, self.subject.driver.config, *self.properties, *self.converted
        )
        for queue in transport.device.queues:
            queue.vector = draw.integer(0, 3)

    def bench(self) -> Bench:
        return self._bench

    @cached_property
    def _bench(self) -> Bench:
        def make(state: VirtioState) -> Any:
            self.for_state = state
            return self.make_transport()

        return TransportBench(self.subject, Author(make, self.scramble))
