"""Laws of full records: what a declaration has room for, the live object has too."""

from __future__ import annotations

from virtmig.errors import LoadRefused
from virtmig.testing.bench import Bench
from virtmig.testing.bytework import TooLong, alarm
from virtmig.testing.draw import RoomyDraw
from virtmig.testing.kit import law
from virtmig.testing.laws.facts import check_view
from virtmig.testing.laws.live import LiveKit, same_parts
from virtmig.testing.report import LawBroken
from virtmig.virtio.state import VirtioState

TRIES = 4
SECONDS = 5
"""Time for one load and save of a full record."""


class RoomLaws(LiveKit):
    """What holds for lists that are as long as their counts allow."""

    @law
    def test_full_house(self) -> None:
        """A state with as many items as its counts allow is refused whole, or kept whole."""
        for number in range(TRIES):
            self._full_house(RoomyDraw(number))

    def _full_house(self, draw: RoomyDraw) -> None:
        bench = self.bench()
        state = bench.draw_state(draw)
        if self.subject.driver.view is not None:
            check_view(self.subject.driver.view, bench.parts(state))
        again = self._in_time(bench, state)
        if again is None:
            return
        do = (
            "let the live object hold as many as the declaration allows; or lower .upto(N) to what "
        )
        do += "the device has; or raise DeviceMismatch for more"
        for found in same_parts(bench, state, again):
            long = isinstance(found.one, tuple) or "[" in found.path
            first = "any_state" if "[" in found.path else ""
            if long and found.field.rpartition(".")[2] not in self.normalised:
                text = found.said("loaded", "saved")
                raise LawBroken(text, do=do, field=found.name, first=first)

    def _in_time(self, bench: Bench, state: VirtioState) -> VirtioState | None:
        """What is saved after a load of a full state; None if it is refused."""
        device = bench.fresh(state)
        late = LawBroken(
            f"with full lists a load and a save did not end within {SECONDS} seconds",
            do="let a hook work once for each item; more than that grows with the square and worse",
            field=type(bench.live(device)).__name__,
        )
        try:
            with alarm(SECONDS):
                bench.load(device, state)
                return bench.save(device)
        except LoadRefused:
            return None
        except TooLong:
            raise late from None
        except LawBroken as error:
            if TooLong.__name__ in error.found:
                raise late from None
            raise
