"""Every real section is understood to its last byte, and written back to the same bytes."""

from __future__ import annotations

from collections import Counter

import pytest

from tests.core.material import OURS, drivers_of, envelope_of, facts_of, is_pci, state_of
from tests.golden import Golden
from virtmig.virtio.facts import Source

goldens = pytest.mark.parametrize("golden", OURS, ids=str)


def test_the_goldens_are_of_all_four_versions_on_both_architectures() -> None:
    """The tests of this folder are only as good as what they are run on."""
    kinds = Counter((golden.device, golden.arch, golden.qemu.split(".")[0]) for golden in OURS)
    assert len(kinds) == 2 * 2 * 4
    assert min(kinds.values()) >= 2


@goldens
def test_a_section_written_again_has_the_same_bytes(golden: Golden) -> None:
    assert envelope_of(golden).unparse(state_of(golden), golden.version_id) == golden.payload


@goldens
def test_a_section_written_again_is_read_as_the_same_state(golden: Golden) -> None:
    envelope = envelope_of(golden)
    data = envelope.unparse(state_of(golden), golden.version_id)
    assert envelope.parse(data, golden.version_id) == state_of(golden)


@goldens
def test_the_drivers_are_those_of_the_path(golden: Golden) -> None:
    found = drivers_of(golden)
    assert found.device.driver.name == golden.device
    assert found.transport.driver.name == ("virtio-pci" if is_pci(golden) else "virtio-ccw")


@goldens
def test_what_the_section_does_not_say_is_found_as_it_was(golden: Golden) -> None:
    """The command line of the machine knows how many queue pairs there were."""
    facts = facts_of(golden)
    if golden.device == "virtio-net":
        assert facts["multiqueue"] is (golden.net_queue_pairs > 1)
    if is_pci(golden):
        express = "root-port" in golden.command and golden.idstr.count(":") > 2
        assert facts["pci_config_size"] == (4096 if express else 256)
    requests = getattr(state_of(golden).device, "requests", ())
    if requests:
        assert facts["element_ndescs"] == ("front" if golden.packed_offered else "absent")
        assert facts["host_byteorder"] == "little"


@goldens
def test_a_fact_that_was_found_was_found_by_trying(golden: Golden) -> None:
    """The byte order of a host may be assumed where nothing tells; nothing else may."""
    sources = {fact.name: fact.source for fact in state_of(golden).facts}
    assert Source.GIVEN not in sources.values()
    assumed = {name for name, source in sources.items() if source is Source.ASSUMED}
    assert assumed <= {"host_byteorder"}


@goldens
def test_facts_given_by_the_caller_give_the_same_state(golden: Golden) -> None:
    found = state_of(golden)
    given = envelope_of(golden).parse(golden.payload, golden.version_id, facts_of(golden))
    assert (given.config, given.common, given.queues) == (found.config, found.common, found.queues)
    assert (given.device, given.subsections) == (found.device, found.subsections)
    assert {fact.source for fact in given.facts} <= {Source.GIVEN}
    assert {fact.name: fact.value for fact in given.facts} == facts_of(golden)


@goldens
def test_the_number_of_queues_is_that_of_the_queues(golden: Golden) -> None:
    state = state_of(golden)
    assert state.common.nq == len(state.queues)
    assert state.common.config_len == len(state.common.config)


@goldens
def test_accepted_features_agree_wherever_they_are_written(golden: Golden) -> None:
    state = state_of(golden)
    assert state.guest_features & 0xFFFFFFFF == state.common.guest_features_lo
    for bit in range(70):
        assert state.has_feature(bit) is bool(state.guest_features >> bit & 1)
