"""The law of names: what a description names of queues and configuration space is really there."""

from __future__ import annotations

from itertools import accumulate, pairwise

from virtmig.testing.kit import law
from virtmig.testing.laws.goldens import LiveGoldenLaws
from virtmig.testing.report import LawBroken


class NamingLaws(LiveGoldenLaws):
    """What holds for the description of a device, beside what real ones wrote."""

    @law
    def test_names_fit_goldens(self) -> None:
        """The queues of each golden have roles, and its configuration space ends with a field."""
        for golden in self.all_goldens:
            state = self.decoded(golden).state
            self._roles(str(golden), len(state.queues))
            self._space(str(golden), len(state.common.config))

    def _roles(self, golden: str, queues: int) -> None:
        driver = self.subject.driver
        if not driver.first_queues and not driver.queue_names:
            return  # it says nothing of roles
        for index in range(queues):
            if not driver.queue_name(index, queues):
                do = "name roles that repeat in queue_names, and the others in first_queues"
                found = f"golden {golden}: queue {index} of {queues} has no role"
                raise LawBroken(found, do=do, field="queue_names")

    def _space(self, golden: str, length: int) -> None:
        sizes = self.subject.driver.config_space
        ends = accumulate(sizes.values(), initial=0)
        for name, (start, end) in zip(sizes, pairwise(ends), strict=True):
            if start < length < end:
                do = "give each field its size in bytes, in order, with the padding between them"
                found = f"golden {golden}: its {length} bytes end inside {name!r}, {start} to {end}"
                raise LawBroken(found, do=do, field="config_space")
