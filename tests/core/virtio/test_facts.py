"""What a section does not say: found by trying, taken from the caller, and never guessed."""

from __future__ import annotations

import struct
from typing import Any

import attrs
import pytest

from tests.core.material import OURS, envelope_of, facts_of, is_pci, pick, state_of
from tests.core.virtio.boundaries import device_start, header, single_queue_end
from tests.golden import Golden
from virtmig.errors import AmbiguousLayout, DecodeError, MissingFact
from virtmig.virtio.element import VirtQueueElement
from virtmig.virtio.facts import Fact, OpenFact, Source, Trial
from virtmig.virtio.state import VirtioState

ELEMENT = 49168
"""Bytes of a request on the wire, without `ndescs`."""
PACKED = pick("virtio-blk", lambda s: s.device.requests, name="inflight-read-packed")
SPLIT = pick(
    "virtio-blk",
    lambda state: (
        any((fact.name, fact.value) == ("element_ndescs", "absent") for fact in state.facts)
        and state.common.nq == 1
    ),
)
VLANS = pick("virtio-net", lambda state: 0 < len(state.device.vlans) < 4096)
PAIRS = pick("virtio-net", lambda state: state.device.max_queue_pairs is not None)
SINGLE = pick("virtio-net", lambda state: state.device.max_queue_pairs is None)
EXPRESS = next(one for one in OURS if facts_of(one).get("pci_config_size") == 4096)


def parse(golden: Golden, payload: bytes, **facts: Any) -> VirtioState:
    return envelope_of(golden).parse(payload, golden.version_id, facts)


def fact(state: VirtioState, name: str) -> Fact:
    return next(one for one in state.facts if one.name == name)


def first_element(golden: Golden) -> int:
    """Offset of the first request, `ndescs` in front included."""
    return device_start(golden) + 1


def swapped_element(data: bytes) -> bytes:
    """The same element, as a big endian host would have copied it out of its memory."""
    words = struct.unpack(f"<4I{2 * 1024}Q{4 * 1024}Q", data)
    return struct.pack(f">4I{2 * 1024}Q{4 * 1024}Q", *words)


def test_ndescs_is_found_in_front_where_qemu_writes_it() -> None:
    element: VirtQueueElement = state_of(PACKED).device.requests[0].elem
    start = first_element(PACKED)
    assert fact(state_of(PACKED), "element_ndescs") == Fact(
        "element_ndescs", "front", Source.DERIVED
    )
    assert element.ndescs == int.from_bytes(PACKED.payload[start : start + 4], "big")
    assert element.ndescs_behind is None


def test_ndescs_is_found_behind_where_qemu_reads_it() -> None:
    """A stream that was mended so that QEMU can load it."""
    at = first_element(PACKED)
    payload = bytearray(PACKED.payload)
    for _ in state_of(PACKED).device.requests:
        ndescs = payload[at : at + 4]
        payload[at : at + 4 + ELEMENT] = payload[at + 4 : at + 4 + ELEMENT] + ndescs
        at += 4 + ELEMENT + 1
    state = parse(PACKED, bytes(payload))
    assert fact(state, "element_ndescs").value == "behind"
    for moved, original in zip(
        state.device.requests, state_of(PACKED).device.requests, strict=True
    ):
        assert moved.elem.ndescs is None
        assert moved.elem.ndescs_behind == original.elem.ndescs
        assert moved.elem.in_addr == original.elem.in_addr
    assert envelope_of(PACKED).unparse(state, PACKED.version_id) == bytes(payload)


def test_ndescs_is_found_to_be_absent() -> None:
    state = state_of(SPLIT)
    assert fact(state, "element_ndescs").value == "absent"
    assert state.device.requests[0].elem.ndescs is None
    assert state.device.requests[0].elem.ndescs_behind is None


def emptied(golden: Golden, kept: int, size: int) -> bytes:
    """The payload with `size` bytes of each element zeroed, from `kept` bytes behind its start."""
    payload = bytearray(golden.payload)
    for number in range(len(state_of(golden).device.requests)):
        start = first_element(golden) + number * (4 + ELEMENT + 1) + 4 + kept
        payload[start : start + size] = bytes(size)
    return bytes(payload)


def test_a_request_without_segments_to_write_to_can_be_read_in_one_way() -> None:
    """Moved by four bytes, the lengths of its segments would be more than a descriptor holds."""
    payload = emptied(PACKED, 8, 4)
    state = parse(PACKED, payload)
    assert state.device.requests[0].elem.in_num == 0
    assert fact(state, "element_ndescs") == Fact("element_ndescs", "front", Source.DERIVED)


def test_a_request_without_any_segment_can_be_read_in_two_ways() -> None:
    """All of its numbers may have moved by four bytes, and nothing in it says whether they did."""
    payload = emptied(PACKED, 4, ELEMENT - 4)
    with pytest.raises(AmbiguousLayout) as caught:
        parse(PACKED, payload)
    assert "--fact element_ndescs=" in caught.value.hint
    front = parse(PACKED, payload, element_ndescs="front")
    behind = parse(PACKED, payload, element_ndescs="behind")
    assert front.device != behind.device
    for state in (front, behind):
        assert fact(state, "element_ndescs").source is Source.GIVEN
        assert envelope_of(PACKED).unparse(state, PACKED.version_id) == payload


def test_a_fact_that_does_not_fit_is_an_error_even_if_another_would() -> None:
    with pytest.raises(DecodeError):
        parse(SPLIT, SPLIT.payload, element_ndescs="front")
    with pytest.raises(DecodeError):
        parse(PAIRS, PAIRS.payload, multiqueue=False)
    with pytest.raises(DecodeError):
        parse(SINGLE, SINGLE.payload, multiqueue=True)
    with pytest.raises(DecodeError):
        parse(EXPRESS, EXPRESS.payload, pci_config_size=256)


def test_elements_of_a_big_endian_host_are_recognised() -> None:
    at = first_element(SPLIT)
    payload = bytearray(SPLIT.payload)
    for _ in state_of(SPLIT).device.requests:
        payload[at : at + ELEMENT] = swapped_element(bytes(payload[at : at + ELEMENT]))
        at += ELEMENT + 1
    state = parse(SPLIT, bytes(payload))
    assert fact(state, "host_byteorder") == Fact("host_byteorder", "big", Source.DERIVED)
    assert state.device == state_of(SPLIT).device
    assert envelope_of(SPLIT).unparse(state, SPLIT.version_id) == bytes(payload)


def test_a_vlan_filter_reads_in_both_byte_orders_so_little_endian_is_assumed() -> None:
    """And said to be assumed; a caller who knows better says so."""
    assert fact(state_of(VLANS), "host_byteorder") == Fact(
        "host_byteorder", "little", Source.ASSUMED
    )
    big = parse(VLANS, VLANS.payload, host_byteorder="big")
    assert fact(big, "host_byteorder").source is Source.GIVEN
    expected = {
        bit // 32 * 32 + (3 - bit % 32 // 8) * 8 + bit % 8 for bit in state_of(VLANS).device.vlans
    }
    assert big.device.vlans == expected
    assert envelope_of(VLANS).unparse(big, VLANS.version_id) == VLANS.payload


def test_a_vlan_filter_with_all_or_nothing_asks_for_no_byte_order() -> None:
    golden = pick("virtio-net", lambda state: len(state.device.vlans) in (0, 4096))
    assert "host_byteorder" not in facts_of(golden)


def test_a_device_with_one_pair_cannot_be_taken_for_one_with_more() -> None:
    assert fact(state_of(SINGLE), "multiqueue") == Fact("multiqueue", False, Source.DERIVED)
    assert state_of(SINGLE).device.curr_queue_pairs is None


def test_a_device_with_pairs_is_read_even_where_it_could_end_as_one_without() -> None:
    """Cut there, the bytes are those of another device; whole, they are of this one only."""
    assert fact(state_of(PAIRS), "multiqueue") == Fact("multiqueue", True, Source.DERIVED)
    short = parse(PAIRS, PAIRS.payload[: single_queue_end(PAIRS)])
    assert fact(short, "multiqueue").value is False


def test_a_device_behind_an_express_port_has_a_large_configuration_space() -> None:
    state = state_of(EXPRESS)
    assert fact(state, "pci_config_size") == Fact("pci_config_size", 4096, Source.DERIVED)
    assert len(state.config.config_rest) == 4096 - 64


def test_a_section_that_fits_in_no_way_shows_the_way_that_went_furthest() -> None:
    """Cut in the last subsection of a large device, the error is not that of a small one."""
    with pytest.raises(DecodeError) as caught:
        parse(EXPRESS, EXPRESS.payload[:-1])
    assert caught.value.where.path.startswith("subsections.virtio/")


@pytest.mark.parametrize("golden", [one for one in OURS if is_pci(one)][::7], ids=str)
def test_bytes_that_are_left_over_begin_where_the_right_layout_ends(golden: Golden) -> None:
    """Not where one ends that takes the device for a larger one, most of it zeros."""
    with pytest.raises(DecodeError) as caught:
        parse(golden, golden.payload + b"xy")
    assert caught.value.where.offset == len(golden.payload)


@pytest.mark.parametrize("golden", OURS[::7], ids=str)
def test_only_facts_that_the_bytes_depend_on_are_reported(golden: Golden) -> None:
    names = set(facts_of(golden))
    assert ("pci_config_size" in names) is is_pci(golden)
    assert ("multiqueue" in names) is (golden.device == "virtio-net")
    assert ("element_ndescs" in names) is bool(getattr(state_of(golden).device, "requests", ()))


def test_a_user_names_a_fact_by_text() -> None:
    size = OpenFact("size", (256, 4096), "a number")
    flag = OpenFact("flag", (False, True), "a bool")
    assert size.parse("4096") == 4096
    assert flag.parse("TRUE") is True
    for bad in ("", "255", "yes"):
        with pytest.raises(MissingFact) as caught:
            flag.parse(bad)
        assert "flag" in caught.value.reason
        assert "false, true" in caught.value.reason


def test_every_combination_of_answers_is_tried_once() -> None:
    one = OpenFact("one", (1, 2), "two answers")
    two = OpenFact("two", ("a", "b", "c"), "three answers")
    trial = Trial({"one": one, "two": two, "unasked": one}, {})
    seen = [(trial["one"], trial["two"])]
    while trial.advance(fitted=True):
        seen.append((trial["one"], trial["two"]))
    assert sorted(seen) == [(n, letter) for n in (1, 2) for letter in "abc"]
    assert trial.facts(Source.DERIVED) == ()


def test_the_rivals_of_an_exclusive_fact_are_left_out_once_it_fits() -> None:
    fact_ = OpenFact("one", (1, 2), "two answers", exclusive=True)
    trial = Trial({"one": fact_}, {})
    assert trial["one"] == 1
    assert not trial.advance(fitted=True)
    trial = Trial({"one": fact_}, {})
    assert trial["one"] == 1
    assert trial.advance(fitted=False)
    assert trial["one"] == 2


def test_a_fact_that_the_driver_did_not_declare_is_missing() -> None:
    with pytest.raises(MissingFact, match="colour"):
        Trial({}, {})["colour"]


def test_a_subsection_that_follows_decides_between_layouts() -> None:
    """The end of a device part is judged by what stands there."""
    golden = next(
        one for one in OURS if header("virtio/started") in one.payload and one is not PAIRS
    )
    state = parse(golden, golden.payload)
    assert state.subsections.started is not None
    assert attrs.evolve(state, facts=()) == attrs.evolve(state_of(golden), facts=())
