"""Decoded states as values: what each field is worth, trees of them, and drawn ones."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import attrs
import cbor2
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.core.material import (
    OURS,
    changed,
    drivers,
    envelope_of,
    facts_of,
    layout_kinds,
    pick,
    state_of,
)
from tests.golden import Golden
from virtmig.errors import AmbiguousLayout, BadContainer, DecodeError, EncodeError
from virtmig.formats import tree
from virtmig.testing.strategies import states
from virtmig.virtio.facts import Fact, Source
from virtmig.virtio.state import VirtioState
from virtmig.virtio.subsections import Features128

goldens = pytest.mark.parametrize("golden", OURS, ids=str)
forms = pytest.mark.parametrize("text", [True, False], ids=["json", "cbor"])


@forms
@goldens
def test_a_tree_gives_the_same_state_back(golden: Golden, text: bool) -> None:
    state, envelope = state_of(golden), envelope_of(golden)
    plain = tree.from_state(state, envelope, text=text)
    assert list(plain) == ["config", "common", "queues", "device", "subsections"]
    assert tree.to_state(plain, envelope, state.facts, text=text) == state


@goldens
def test_a_tree_survives_cbor_itself(golden: Golden) -> None:
    plain = tree.from_state(state_of(golden), envelope_of(golden), text=False)
    assert cbor2.loads(cbor2.dumps(plain, canonical=True)) == plain


@pytest.mark.parametrize("golden", OURS[::40], ids=str)
def test_a_tree_has_exactly_the_five_parts(golden: Golden) -> None:
    envelope = envelope_of(golden)
    plain = tree.from_state(state_of(golden), envelope, text=True)
    for bad in ({**plain, "more": 1}, {**plain, "queues": None}, {}, None, [plain]):
        with pytest.raises(BadContainer):
            tree.to_state(bad, envelope, text=True)
    for part in plain:
        with pytest.raises(BadContainer):
            tree.to_state({k: v for k, v in plain.items() if k != part}, envelope, text=True)


@pytest.mark.parametrize("golden", OURS[::40], ids=str)
def test_an_error_in_a_tree_has_the_path_that_the_decoder_would_give(golden: Golden) -> None:
    envelope = envelope_of(golden)
    plain = tree.from_state(state_of(golden), envelope, text=True)
    queues = [*plain["queues"]]
    queues[0] = {**queues[0], "desc": "0x1000"}
    with pytest.raises(BadContainer) as caught:
        tree.to_state({**plain, "queues": queues}, envelope, text=True)
    assert caught.value.where.path == "queues[0].desc"


def leaves(value: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    """Every field that holds no record, with its path; of long lists the first and last item."""
    if attrs.has(type(value)):
        for field in attrs.fields(type(value)):
            if field.name != "facts":
                yield from leaves(getattr(value, field.name), f"{path}.{field.name}".strip("."))
    elif isinstance(value, tuple):
        for index in sorted({0, len(value) - 1}) if value else ():
            yield from leaves(value[index], f"{path}.{index}")
    elif value is not None:
        yield path, value


def other(value: Any) -> Any:
    """Another value of the same kind and length; not zero, which the end of a table leaves out."""
    if isinstance(value, bool):
        return not value
    if isinstance(value, int):
        return (value ^ 1 or 2) if value < (1 << 62) else value - 1
    if isinstance(value, bytes):
        return bytes([value[0] ^ 1]) + value[1:] if value else b"1"
    return value ^ {7}


@pytest.mark.parametrize("golden", layout_kinds(), ids=str)
def test_changing_any_one_field_changes_the_bytes_or_is_refused(golden: Golden) -> None:
    """No field is only for show, and what is written is what was meant."""
    envelope = envelope_of(golden)
    facts = {"host_byteorder": "little", **facts_of(golden)}
    given = tuple(Fact(name, value, Source.GIVEN) for name, value in facts.items())
    state = attrs.evolve(state_of(golden), facts=given)
    written = 0
    for path, value in leaves(state):
        altered = changed(state, path, other(value))
        try:
            payload = envelope.unparse(altered, golden.version_id)
        except EncodeError:
            continue
        assert payload != golden.payload, path
        try:
            found = envelope.parse(payload, golden.version_id, facts)
        except DecodeError:
            continue  # a capability list that leads elsewhere, say
        assert attrs.evolve(found, facts=()) == attrs.evolve(altered, facts=()), path
        written += 1
    assert written > 30


ENVELOPES = {
    f"{name} on {'pci' if path.startswith('0') else 'ccw'}": drivers(f"{path}/{name}", "").envelope
    for path in ("0000:00:02.0", "/fe.0.0001")
    for name in ("virtio-net", "virtio-blk")
}


@pytest.mark.parametrize("name", ENVELOPES)
@given(data=st.data())
@settings(max_examples=25, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
def test_any_state_that_the_declarations_allow_survives_the_wire(
    name: str, data: st.DataObject
) -> None:
    envelope = ENVELOPES[name]
    state: VirtioState = data.draw(states(envelope))
    payload = envelope.unparse(state, envelope.device.version)
    facts = {fact.name: fact.value for fact in state.facts}
    found = envelope.parse(payload, envelope.device.version, facts)
    assert attrs.evolve(found, facts=()) == attrs.evolve(state, facts=())


@pytest.mark.parametrize("name", ENVELOPES)
@given(data=st.data())
@settings(max_examples=15, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
def test_any_drawn_state_is_found_without_facts_or_said_to_be_ambiguous(
    name: str, data: st.DataObject
) -> None:
    envelope = ENVELOPES[name]
    payload = envelope.unparse(data.draw(states(envelope)), envelope.device.version)
    try:
        found = envelope.parse(payload, envelope.device.version)
    except AmbiguousLayout as error:
        assert "--fact" in error.hint
    else:
        assert envelope.unparse(found, envelope.device.version) == payload


def test_a_state_is_frozen() -> None:
    with pytest.raises(attrs.exceptions.FrozenInstanceError):
        state_of(OURS[0]).common = None  # type: ignore[misc,assignment]


def test_features_of_any_width_are_one_number() -> None:
    """QEMU 11 has 128 of them."""
    state = state_of(pick("virtio-net", lambda s: s.subsections.features_64 is not None))
    wide = changed(state, "subsections.features_128", Features128(features_hi=1 << 3))
    assert wide.guest_features == state.guest_features | 1 << 67
    assert wide.has_feature(67)
    assert not state.has_feature(67)
    narrow = changed(state, "subsections.features_64", None)
    assert narrow.guest_features == state.common.guest_features_lo
