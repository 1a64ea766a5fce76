"""A cut section says which field is missing; cut in front of a subsection it is whole."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import pytest

from tests.core.material import OURS, envelope_of, facts_of, layout_kinds, state_of
from tests.core.virtio.boundaries import device_start, headers, whole_prefixes
from tests.golden import Golden
from virtmig.errors import DecodeError, Truncated
from virtmig.virtio.order import PARTS

STRIDE = 211
"""Of the cuts in long stretches of zero bytes, where one row of a table is like the next."""


def interesting(payload: bytes, around: Iterable[int]) -> set[int]:
    """Every offset at which, or beside which, something else than zero lies; few of the others."""
    chosen = set(range(0, len(payload), STRIDE))
    for at, byte in enumerate(payload):
        if byte:
            chosen.update((at, at + 1))
    for at in around:
        chosen.update(range(at - 2, at + 3))
    return {at for at in chosen if 0 <= at < len(payload)}


def cuts(golden: Golden, offsets: set[int]) -> Iterator[tuple[int, DecodeError | None]]:
    """What becomes of the payload when it is cut at each of these offsets."""
    envelope, facts = envelope_of(golden), facts_of(golden)
    for length in sorted(offsets):
        try:
            envelope.parse(golden.payload[:length], golden.version_id, facts)
        except DecodeError as error:
            yield length, error
        else:
            yield length, None


def in_a_header(payload: bytes, length: int) -> bool:
    """Whether a cut lies behind a 5 and in front of the end of the name that it may announce."""
    at = payload.rfind(5, max(0, length - 64), length)
    return at >= 0 and length < at + 2 + payload[at + 1]


@pytest.mark.parametrize("golden", layout_kinds(), ids=str)
def test_every_cut_is_an_error_except_in_front_of_a_subsection(golden: Golden) -> None:
    """With the facts known, the only good cuts are those in front of an optional tail."""
    boundaries = set(headers(golden).values())
    offsets = interesting(golden.payload, boundaries)
    good = set()
    for length, error in cuts(golden, offsets):
        if error is None:
            good.add(length)
            continue
        if in_a_header(golden.payload, length):
            continue  # too few bytes for the prefix may be a value: any typed error will do
        assert type(error) is Truncated, (length, error)
        assert error.where.offset is not None
        assert error.where.offset <= length
        assert error.where.path.split(".")[0].split("[")[0] in PARTS
    assert good == boundaries


@pytest.mark.parametrize("golden", OURS, ids=str)
def test_a_cut_is_found_as_well_when_no_fact_is_known(golden: Golden) -> None:
    """Other layouts may explain a cut section only where a device with other facts would end."""
    envelope = envelope_of(golden)
    boundaries = whole_prefixes(golden)
    offsets = set(range(0, len(golden.payload), 1009)) | {len(golden.payload) - 1}
    offsets |= {at + step for at in boundaries for step in (-1, 0, 1)}
    offsets |= {device_start(golden) + step for step in (-1, 0, 1)}
    good = set()
    for length in (at for at in offsets if at < len(golden.payload)):
        try:
            state = envelope.parse(golden.payload[:length], golden.version_id)
        except DecodeError:
            continue
        good.add(length)
        assert envelope.unparse(state, golden.version_id) == golden.payload[:length]
    assert good == boundaries


@pytest.mark.parametrize("golden", layout_kinds(), ids=str)
def test_a_cut_payload_shows_how_far_it_was_understood(golden: Golden) -> None:
    """The offset of the error never goes back when more of the payload is there."""
    reached = 0
    for _, error in cuts(golden, set(range(0, len(golden.payload), STRIDE))):
        if error is not None:
            assert error.where.offset is not None
            assert error.where.offset >= reached
            reached = error.where.offset


def test_an_empty_payload_misses_its_first_field() -> None:
    for golden in (OURS[0], OURS[-1]):
        with pytest.raises(Truncated) as caught:
            envelope_of(golden).parse(b"", golden.version_id, facts_of(golden))
        assert caught.value.where.path.startswith("config.")
        assert caught.value.where.offset == 0


@pytest.mark.parametrize("golden", layout_kinds(), ids=str)
def test_what_is_left_in_front_of_a_subsection_lacks_just_that_and_what_follows(
    golden: Golden,
) -> None:
    whole = state_of(golden)
    for at in headers(golden).values():
        short = envelope_of(golden).parse(golden.payload[:at], golden.version_id, facts_of(golden))
        assert (short.config, short.common, short.queues) == (
            whole.config,
            whole.common,
            whole.queues,
        )
        assert short != whole
