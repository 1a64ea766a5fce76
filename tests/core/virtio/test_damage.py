"""Damaged sections: a state, or one typed error with a place; nothing else, whatever the bytes."""

from __future__ import annotations

import random
import tracemalloc

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.core.material import OURS, envelope_of, facts_of, layout_kinds, pick
from tests.core.virtio.boundaries import device_start, header, proxy_size
from tests.golden import Golden
from virtmig.errors import (
    DecodeError,
    LimitExceeded,
    NotCanonical,
    TrailingBytes,
    Truncated,
    UnknownSubsection,
    VersionMismatch,
)

BLK, NET = pick("virtio-blk"), pick("virtio-net")
CCW_NET = pick("virtio-net", arch="s390x")
RSS = pick("virtio-net", lambda state: state.device.rss is not None)
REQUEST = pick("virtio-blk", lambda state: state.device.requests and state.common.nq == 1)
PAIRS = pick("virtio-net", lambda state: state.device.max_queue_pairs is not None)
MEMORY = 4 << 20
"""Bytes that reading a section may take at its peak; the largest golden is 100 KB."""


def read(golden: Golden, payload: bytes, *, facts: bool = False) -> DecodeError | None:
    """The error of a payload, or None; a state that comes out must give the payload back."""
    envelope = envelope_of(golden)
    known = facts_of(golden) if facts else None
    try:
        state = envelope.parse(payload, golden.version_id, known)
    except DecodeError as error:
        assert error.where.offset is not None or "two layouts" in error.reason
        assert str(error).isprintable()
        return error
    assert envelope.unparse(state, golden.version_id) == payload
    return None


def changed(golden: Golden, at: int, data: bytes) -> bytes:
    return golden.payload[:at] + data + golden.payload[at + len(data) :]


@pytest.mark.parametrize("golden", layout_kinds(), ids=str)
def test_a_flipped_bit_gives_a_state_or_a_typed_error(golden: Golden) -> None:
    """And a state that comes out has exactly the flipped bytes, so nothing was overlooked."""
    dice = random.Random(golden.sha256)  # noqa: S311  chosen anew for each golden, always alike
    used = [at for at, byte in enumerate(golden.payload) if byte]
    places = [
        *dice.sample(used, min(60, len(used))),
        *dice.choices(range(len(golden.payload)), k=20),
    ]
    outcomes = {
        type(
            read(golden, changed(golden, at, bytes([golden.payload[at] ^ 1 << dice.randrange(8)])))
        )
        for at in places
    }
    assert len(outcomes) > 1  # some flips are understood, some are not


@pytest.mark.parametrize("golden", layout_kinds()[::3], ids=str)
def test_random_bytes_inside_a_section_give_a_state_or_a_typed_error(golden: Golden) -> None:
    dice = random.Random(golden.sha256)  # noqa: S311
    for _ in range(30):
        start = dice.choice((dice.randrange(len(golden.payload)), dice.randrange(700)))
        read(golden, changed(golden, start, dice.randbytes(dice.choice((1, 2, 4, 30, 3000)))))


@given(data=st.binary(max_size=3000), golden=st.sampled_from([BLK, NET, CCW_NET]))
def test_any_bytes_give_a_state_or_a_typed_error(data: bytes, golden: Golden) -> None:
    read(golden, data)


@pytest.mark.parametrize("extra", [b"\0", b"\xff", b"\x05", b"virtio", b"\x05\x06virtio"])
def test_bytes_behind_the_section_are_not_passed_over(extra: bytes) -> None:
    for golden in OURS[::29]:
        error = read(golden, golden.payload + extra, facts=True)
        assert isinstance(error, TrailingBytes | Truncated)
        assert error.where.offset == len(golden.payload)


COUNTS = {
    "config_len": (BLK, lambda: common(BLK) + 8, 0xFFFFFFFF, Truncated, "common.config", 4),
    "config_len of 2 GiB": (NET, lambda: common(NET) + 8, 1 << 31, Truncated, "common.config", 4),
    "nq": (BLK, lambda: nq(BLK), 0xFFFFFFFF, LimitExceeded, "common.nq", 0),
    "nq above 1024": (CCW_NET, lambda: nq(CCW_NET), 1025, LimitExceeded, "common.nq", 0),
    "mac_table_in_use": (
        NET,
        lambda: device_start(NET) + 18,
        0xFFFFFFFF,
        Truncated,
        "device.mac_table_macs",
        None,
    ),
    "in_num": (REQUEST, lambda: element(REQUEST, 8), 1025, LimitExceeded, "in_num", 0),
    "out_num": (REQUEST, lambda: element(REQUEST, 4), 0xFFFFFFFF, LimitExceeded, "out_num", 0),
}


def common(golden: Golden) -> int:
    """Offset of the device status, the first of the common fields."""
    return proxy_size(golden)


def nq(golden: Golden) -> int:
    """Offset of the number of queues."""
    at = common(golden) + 8
    return at + 4 + int.from_bytes(golden.payload[at : at + 4], "big")


def element(golden: Golden, field: int) -> int:
    """Offset of a field of the first request: behind its marker, and `ndescs` if that is there."""
    front = 4 if facts_of(golden)["element_ndescs"] == "front" else 0
    return device_start(golden) + 1 + front + field


@pytest.mark.parametrize("name", COUNTS)
def test_a_hostile_count_dies_at_its_place_and_costs_nothing(name: str) -> None:
    golden, place, count, kind, path, behind = COUNTS[name]
    at = place()
    order = "little" if "num" in name else "big"
    payload = changed(golden, at, count.to_bytes(4, order))  # type: ignore[arg-type]
    tracemalloc.start()
    error = read(golden, payload, facts=True)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert type(error) is kind
    assert path in error.where.path
    assert error.where.offset is not None
    if behind is not None:
        assert error.where.offset == at + behind
    assert peak < MEMORY


@pytest.mark.parametrize("length", [0xFFFF, 129, 127])
def test_a_hostile_length_of_the_rss_table_is_found(length: int) -> None:
    """A table that is too long runs into the end, one that is too short into what follows."""
    body = RSS.payload.index(b"virtio-net-device/rss") + 21
    version = int.from_bytes(RSS.payload[body : body + 4], "big")
    at = body + 4 + 3 + 4 + (4 if version == 2 else 0)
    assert RSS.payload[at : at + 2] == (128).to_bytes(2, "big")
    error = read(RSS, changed(RSS, at, length.to_bytes(2, "big")), facts=True)
    assert error is not None
    if length == 0xFFFF:
        assert isinstance(error, Truncated)
        assert error.where.path.startswith("device.virtio-net-device/rss.indirections[")


@pytest.mark.parametrize("pairs", [0xFFFF, 0x4000])
def test_a_hostile_number_of_queue_pairs_is_found(pairs: int) -> None:
    at = device_start(PAIRS) + 545 + 6 * PAIRS.payload[device_start(PAIRS) + 21] + 2
    error = read(PAIRS, changed(PAIRS, at, pairs.to_bytes(2, "big")), facts=True)
    assert isinstance(error, Truncated)
    assert error.where.path.startswith("device.tx_waiting_more[")


def test_no_number_of_queue_pairs_in_use_is_read_as_it_is() -> None:
    """QEMU loads it; the scheduled transmits of pairs from 1 on are then none."""
    start = device_start(PAIRS) + 545 + 6 * PAIRS.payload[device_start(PAIRS) + 21]
    current = int.from_bytes(PAIRS.payload[start + 2 : start + 4], "big")
    behind = start + 4 + 4 * (current - 1)
    payload = PAIRS.payload[: start + 2] + bytes(2) + PAIRS.payload[behind:]
    state = envelope_of(PAIRS).parse(payload, PAIRS.version_id)
    assert state.device.curr_queue_pairs == 0
    assert state.device.tx_waiting_more == ()
    assert envelope_of(PAIRS).unparse(state, PAIRS.version_id) == payload


@pytest.mark.parametrize("golden", OURS[::17], ids=str)
@pytest.mark.parametrize("step", [-1, 1, 1000, -1000])
def test_a_section_of_another_version_is_refused(golden: Golden, step: int) -> None:
    with pytest.raises(VersionMismatch) as caught:
        envelope_of(golden).parse(golden.payload, golden.version_id + step)
    assert str(golden.version_id + step) in caught.value.reason


@pytest.mark.parametrize(
    "name", ["virtio/device_endian", "virtio/64bit_features", "virtio/virtqueues", "virtio/started"]
)
@pytest.mark.parametrize("version", [0, 2, 0xFFFFFFFF])
def test_a_subsection_of_another_version_is_refused(name: str, version: int) -> None:
    golden = next(one for one in OURS if header(name) in one.payload)
    at = golden.payload.index(header(name))
    error = read(golden, changed(golden, at, header(name, version)), facts=True)
    assert isinstance(error, VersionMismatch)
    assert error.where.path == f"subsections.{name}"
    assert error.where.offset == at


@pytest.mark.parametrize("name", ["virtio/future", "virtio/", "virtio", "virtio-later/x"])
def test_an_unknown_subsection_is_named(name: str) -> None:
    """Behind the last one, as a newer QEMU would append it."""
    for golden in (BLK, CCW_NET):
        error = read(golden, golden.payload + header(name) + bytes(3), facts=True)
        expected = TrailingBytes if name == "virtio" else UnknownSubsection
        assert isinstance(error, expected)
        assert error.where.offset == len(golden.payload)
        if expected is UnknownSubsection:
            assert error.where.path == f"subsections.{name}"


def test_a_doubled_subsection_is_refused() -> None:
    """QEMU takes the last one; written back, the first would be lost."""
    golden = next(one for one in OURS if one.payload.endswith(header("virtio/started") + b"\1"))
    error = read(golden, golden.payload + header("virtio/started") + b"\1", facts=True)
    assert isinstance(error, NotCanonical)
    assert error.where.path == "subsections.virtio/started"
