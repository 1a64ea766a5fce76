"""A section's state that agrees with itself is refitted to itself; queues are counted."""

from __future__ import annotations

import attrs
import pytest

from tests.core.material import OURS, envelope_of, state_of
from tests.golden import Golden
from virtmig.virtio.refitting import refit


@pytest.mark.parametrize("golden", OURS, ids=str)
def test_what_qemu_wrote_stays(golden: Golden):
    state = state_of(golden)
    made, pass_ = refit(state, envelope_of(golden), golden.version_id)
    assert made == state
    assert not pass_.because
    assert not pass_.missing


def test_queues_are_counted():
    golden = next(one for one in OURS if len(state_of(one).queues) > 1)
    state = state_of(golden)
    made, pass_ = refit(
        attrs.evolve(state, queues=state.queues[:-1]), envelope_of(golden), golden.version_id
    )
    assert made.common.nq == len(state.queues) - 1
    assert pass_.because == {"common.nq": "it counts `queues`"}
