"""Values are read by the wire type of their field; what does not fit is refused with what does."""

from __future__ import annotations

from typing import Any

import pytest

from virtmig.editing import values
from virtmig.errors import BadValue
from virtmig.virtio.features import STATUS
from virtmig.wire.compound import bitmap, buffer
from virtmig.wire.types import WireType, be16, be64, boolean, low_high, mac_address, raw, s8, u8


@pytest.mark.parametrize(
    ("kind", "text", "expected"),
    [
        (u8, "10", 10),
        (u8, "0x10", 16),
        (u8, "0b11", 3),
        (s8, "-1", -1),
        (be16.upto(1023), "1023", 1023),
        (low_high, "0xffffffffffffffff", (1 << 64) - 1),
        (boolean, "true", True),
        (boolean, "OFF", False),
        (boolean, "1", True),
        (mac_address, "52:54:00:12:34:56", "52:54:00:12:34:56"),
        (mac_address, "52-54-00-12-34-AB", "52:54:00:12:34:ab"),
        (mac_address, "525400123456", "52:54:00:12:34:56"),
        (raw(2), "beef", "beef"),
        (buffer(3), "be:ef:00", "beef00"),
        (bitmap(4096), "1,5-7", ["1", "5-7"]),
        (bitmap(4096), '["5-7", "1"]', ["1", "5-7"]),
        (bitmap(4096), "7,6,5", ["5-7"]),
        (bitmap(4096), "", []),
    ],
)
def test_a_value_is_read_by_its_type(kind: WireType[Any], text: str, expected: object):
    assert values.parse(kind, None, text, None, "=") == expected


@pytest.mark.parametrize(
    ("kind", "text", "hint"),
    [
        (u8, "256", "from 0 to 0xff"),
        (u8, "-1", "from 0 to 0xff"),
        (u8, "ten", "from 0 to 0xff"),
        (u8, "010", "from 0 to 0xff"),
        (be16.upto(1023), "1024", "from 0 to 0x3ff"),
        (boolean, "2", ""),
        (mac_address, "52:54:00", ""),
        (mac_address, "52:54:00:12:34:5g", ""),
        (raw(2), "123", ""),
        (bitmap(4096), "4096", "numbers below 4096"),
        (bitmap(4096), "1-", "numbers below 4096"),
        (bitmap(4096), "-1", "numbers below 4096"),
    ],
)
def test_what_a_field_cannot_hold_is_refused(kind: WireType[Any], text: str, hint: str):
    with pytest.raises(BadValue) as caught:
        values.parse(kind, None, text, None, "=")
    assert hint in caught.value.hint


@pytest.mark.parametrize(
    ("operator", "text", "expected"),
    [
        ("=", "ACKNOWLEDGE|DRIVER", 3),
        ("=", "acknowledge | BIT_4", 0x11),
        ("+=", "DRIVER_OK", 0x0F),
        ("+=", "4", 0x0F),
        ("-=", "FEATURES_OK|ACKNOWLEDGE", 2),
        ("-=", "FAILED", 0x0B),
        ("=", "0", 0),
    ],
)
def test_bits_have_names(operator: str, text: str, expected: int):
    assert values.parse(u8, STATUS, text, 0x0B, operator) == expected


def test_a_name_that_no_bit_has_gets_the_nearest():
    with pytest.raises(BadValue, match="DRIVER_OK"):
        values.parse(u8, STATUS, "DRIVER_KO", 0, "=")


@pytest.mark.parametrize(("operator", "expected"), [("+=", 12), ("-=", 8)])
def test_numbers_without_names_are_counted_with(operator: str, expected: int):
    assert values.parse(u8, None, "2", 10, operator) == expected


def test_a_number_does_not_leave_its_range():
    with pytest.raises(BadValue, match="does not fit"):
        values.parse(be64, None, "1", 0, "-=")


def test_a_message_stays_short_whatever_is_asked_for():
    for text in ("0x" + "f" * 100_000, "9" * 100_000, "x" * 100_000):
        with pytest.raises(BadValue) as caught:
            values.parse(u8, STATUS, text, 0, "=")
        assert len(str(caught.value)) < 300


@pytest.mark.parametrize(
    ("operator", "expected"), [("+=", ["1-3", "9"]), ("-=", ["1"]), ("=", ["2-3", "9"])]
)
def test_sets_of_numbers_are_joined_and_cut(operator: str, expected: list[str]):
    assert values.parse(bitmap(64), None, "2-3,9", ["1-2"], operator) == expected


@pytest.mark.parametrize("kind", [boolean, mac_address, buffer(1)])
def test_other_types_have_no_such_operator(kind: WireType[Any]):
    with pytest.raises(BadValue, match="for numbers and sets"):
        values.parse(kind, None, "1", None, "+=")


@pytest.mark.parametrize(
    ("value", "known", "expected"),
    [
        (None, None, "absent"),
        (3, STATUS, "0x3 ACKNOWLEDGE DRIVER"),
        (0, STATUS, "0x0"),
        (7, None, "7"),
        ("ab", None, "ab"),
        (True, None, "true"),
        ({"a": 1}, None, '{"a": 1}'),
    ],
)
def test_values_are_shown_as_people_write_them(value: object, known: Any, expected: str):
    assert values.shown(value, known) == expected


def test_a_long_value_is_cut_and_an_address_is_hexadecimal():
    assert len(values.shown("x" * 500, None)) == 96
    assert values.shown(4096, None, be64) == "0x1000"


def test_the_bits_that_turn_are_named():
    assert values.turned(3, 5, STATUS) == "-DRIVER +DRIVER_OK"


@pytest.mark.parametrize("text", ["1_0", "\uff11\uff10", "0x_1", "\u0661", "1 0", "0o7"])
def test_a_number_is_of_plain_digits(text: str):
    with pytest.raises(BadValue, match="is no number"):
        values.number(text, None, u8)


def test_a_bit_and_a_range_are_of_plain_digits_and_rise():
    with pytest.raises(BadValue, match="no bit"):
        values.number("BIT_\uff11", {0: "A"})
    with pytest.raises(BadValue, match="no range"):
        values.parse(bitmap(4096), None, "7-5", ["1"], "+=")
