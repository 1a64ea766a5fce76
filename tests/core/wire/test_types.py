"""One value on the wire: its bytes, its bounds, and the errors that say where it went wrong."""

from __future__ import annotations

import struct as pack
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from virtmig.errors import (
    LimitExceeded,
    MissingFact,
    NotCanonical,
    OutOfRange,
    TrailingBytes,
    Truncated,
)
from virtmig.wire.codec import decode, encode
from virtmig.wire.record import record, wire
from virtmig.wire.scope import Scope
from virtmig.wire.types import (
    Fixed,
    Form,
    Int,
    be16,
    be32,
    be64,
    boolean,
    le16,
    le32,
    low_high,
    mac_address,
    native32,
    native64,
    raw,
    s8,
    sbe32,
    u8,
)

BIG = Scope(facts={"host_byteorder": "big"})
LITTLE = Scope(facts={"host_byteorder": "little"})

# Each integer type, and how Python's own struct module writes it.
INTEGERS = {
    "u8": (u8, ">B"),
    "s8": (s8, ">b"),
    "be16": (be16, ">H"),
    "be32": (be32, ">I"),
    "be64": (be64, ">Q"),
    "sbe32": (sbe32, ">i"),
    "le16": (le16, "<H"),
    "le32": (le32, "<I"),
    "native32": (native32, "<I"),
    "native64": (native64, "<Q"),
}
integers = pytest.mark.parametrize(("kind", "code"), INTEGERS.values(), ids=INTEGERS)


def one(kind: Fixed[Any]) -> Any:
    """A record with one byte in front, so that offsets are not all zero, and one field."""

    @record()
    class One:
        front: int = wire(u8, "a byte in front")
        value: Any = wire(kind, "the value")

    return One


def limits(code: str) -> tuple[int, int]:
    bits = 8 * pack.calcsize(code)
    return (-(1 << bits - 1), (1 << bits - 1) - 1) if code[1].islower() else (0, (1 << bits) - 1)


@integers
@given(data=st.data())
def test_integers_have_the_bytes_that_struct_gives_them(
    kind: Int, code: str, data: st.DataObject
) -> None:
    value = data.draw(st.integers(*limits(code)))
    cls = one(kind)
    expected = b"\x07" + pack.pack(code, value)
    assert encode(cls(front=7, value=value), LITTLE) == expected
    assert decode(cls, expected, LITTLE) == cls(front=7, value=value)


@integers
def test_integers_outside_their_range_are_refused_by_name(kind: Int, code: str) -> None:
    low, high = limits(code)
    cls = one(kind)
    for value in (low - 1, high + 1, 1 << 70):
        with pytest.raises(OutOfRange) as caught:
            encode(cls(front=0, value=value), LITTLE)
        assert caught.value.where.path == "value"
        assert str(value)[:40] in caught.value.reason


@integers
@pytest.mark.parametrize("value", [None, "1", 1.5, b"\x01", (1,)])
def test_what_is_no_integer_is_refused_by_name(kind: Int, code: str, value: Any) -> None:
    with pytest.raises(OutOfRange) as caught:
        encode(one(kind)(front=0, value=value), LITTLE)
    assert caught.value.where.path == "value"


def test_an_integer_too_long_to_print_is_refused_all_the_same() -> None:
    """Python refuses to print a number of more than 4,300 digits."""
    with pytest.raises(OutOfRange) as caught:
        encode(one(be32)(front=0, value=1 << 20_000))
    assert caught.value.where.path == "value"


@integers
def test_a_cut_names_the_field_and_where_it_starts(kind: Int, code: str) -> None:
    cls = one(kind)
    whole = encode(cls(front=0, value=0), LITTLE)
    for length in range(1, len(whole)):
        with pytest.raises(Truncated) as caught:
            decode(cls, whole[:length], LITTLE)
        assert (caught.value.where.path, caught.value.where.offset) == ("value", 1)
        need, left = len(whole) - 1, length - 1
        assert caught.value.reason == f"need {need} bytes, {left} left"


@pytest.mark.parametrize("kind", [native32, native64], ids=["native32", "native64"])
def test_native_integers_turn_with_the_source_host(kind: Int) -> None:
    cls = one(kind)
    value = cls(front=7, value=0x01020304)
    assert encode(value, BIG)[1:] == encode(value, LITTLE)[:0:-1]
    assert decode(cls, encode(value, BIG), BIG) == value
    assert decode(cls, encode(value, LITTLE), LITTLE) == value


@pytest.mark.parametrize("kind", [native32, native64], ids=["native32", "native64"])
def test_native_integers_need_to_know_the_source_host(kind: Int) -> None:
    cls = one(kind)
    with pytest.raises(MissingFact, match="host_byteorder"):
        decode(cls, bytes(9))
    with pytest.raises(MissingFact, match="host_byteorder"):
        encode(cls(front=0, value=1))


def test_nothing_may_be_left_over() -> None:
    with pytest.raises(TrailingBytes) as caught:
        decode(one(u8), bytes(5))
    assert caught.value.where.offset == 2
    assert caught.value.reason.startswith("3 bytes")


@given(value=st.integers(0, 0xFFFF))
def test_a_limit_holds_in_both_directions(value: int) -> None:
    cls = one(be16.upto(1023))
    data = b"\0" + value.to_bytes(2, "big")
    if value <= 1023:
        assert decode(cls, data).value == value
        assert encode(cls(front=0, value=value)) == data
        return
    with pytest.raises(LimitExceeded) as read:
        decode(cls, data)
    assert (read.value.where.path, read.value.where.offset) == ("value", 1)
    assert hex(value) in read.value.reason
    with pytest.raises(OutOfRange) as written:
        encode(cls(front=0, value=value))
    assert written.value.where.path == "value"


def test_a_limit_is_part_of_what_documentation_prints() -> None:
    assert be16.upto(1023).label == "be16 ≤ 1023"


def test_booleans_are_one_byte_0_or_1() -> None:
    cls = one(boolean)
    assert encode(cls(front=0, value=True)) == b"\0\1"
    assert decode(cls, b"\0\0").value is False
    assert decode(cls, b"\0\1").value is True


@pytest.mark.parametrize("byte", [2, 5, 0x80, 0xFF])
def test_a_boolean_that_could_not_be_written_back_is_refused(byte: int) -> None:
    """QEMU reads any byte as true and writes 1, so the byte would be lost."""
    with pytest.raises(NotCanonical) as caught:
        decode(one(boolean), bytes([0, byte]))
    assert (caught.value.where.path, caught.value.where.offset) == ("value", 1)


@pytest.mark.parametrize("value", [0, 1, None, "yes"])
def test_only_bools_are_booleans(value: Any) -> None:
    with pytest.raises(OutOfRange) as caught:
        encode(one(boolean)(front=0, value=value))
    assert caught.value.where.path == "value"


@given(value=st.integers(0, (1 << 64) - 1))
def test_low_high_writes_the_low_word_first(value: int) -> None:
    cls = one(low_high)
    data = b"\0" + pack.pack(">II", value & 0xFFFFFFFF, value >> 32)
    assert encode(cls(front=0, value=value)) == data
    assert decode(cls, data).value == value


@pytest.mark.parametrize("value", [-1, 1 << 64, None, "0"])
def test_low_high_refuses_what_does_not_fit_64_bits(value: Any) -> None:
    with pytest.raises(OutOfRange) as caught:
        encode(one(low_high)(front=0, value=value))
    assert caught.value.where.path == "value"


@pytest.mark.parametrize("value", [b"", b"1234", b"123456", "12345", None, 5])
def test_raw_bytes_have_exactly_their_length(value: Any) -> None:
    with pytest.raises(OutOfRange) as caught:
        encode(one(raw(5))(front=0, value=value))
    assert caught.value.where.path == "value"


def test_bytes_are_hexadecimal_in_text_and_a_mac_address_has_colons() -> None:
    text, binary = Form(text=True), Form(text=False)
    mac = bytes.fromhex("525400123456")
    assert mac_address.plain(mac, text) == "52:54:00:12:34:56"
    assert raw(6).plain(mac, text) == "525400123456"
    assert mac_address.plain(mac, binary) == mac
    for kind in (mac_address, raw(6)):
        assert kind.unplain(kind.plain(mac, text), text) == mac
        assert kind.unplain(mac, binary) == mac
