"""Laws of full records: what a declaration has room for, the live object has too."""

from __future__ import annotations

from virtmig.errors import LoadRefused
from virtmig.testing.draw import RoomyDraw
from virtmig.testing.kit import law
from virtmig.testing.laws.live import LiveKit, same_parts
from virtmig.testing.report import LawBroken

TRIES = 4


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
        device = bench.fresh(state)
        try:
            bench.load(device, state)
        except LoadRefused:
            return
        do = (
            "let the live object hold as many as the declaration allows; or lower .upto(N) to what "
        )
        do += "the device has; or raise DeviceMismatch for more"
        for found in same_parts(bench, state, bench.save(device)):
            long = isinstance(found.one, tuple) or "[" in found.path
            if long and found.field.rpartition(".")[2] not in self.normalised:
                raise LawBroken(found.said("loaded", "saved"), do=do, field=found.name)
