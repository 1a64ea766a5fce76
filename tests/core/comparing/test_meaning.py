"""Words for differences: positions in rings, and bytes."""

from __future__ import annotations

import pytest

from virtmig.comparing.meaning import came_or_went, compared_bytes, is_hexadecimal, moved_on, shown


@pytest.mark.parametrize(
    ("one", "other", "modulus", "text"),
    [
        (5, 8, 65536, "3 more"),
        (65535, 2, 65536, "3 more"),
        (8, 5, 65536, "3 fewer"),
        (2, 65535, 65536, "3 fewer"),
        (250, 4, 256, "10 more"),
    ],
)
def test_a_position_goes_on_past_the_end_of_its_numbers(
    one: int, other: int, modulus: int, text: str
) -> None:
    assert moved_on(one, other, modulus, "buffers taken") == f"{text} buffers taken"


def test_of_long_bytes_the_runs_that_differ_are_told() -> None:
    old = bytearray(40)
    new = bytearray(40)
    new[3:5] = b"\1\2"
    new[30] = 0xFF
    assert compared_bytes(old.hex(), new.hex()) == "[3] 0000 -> 0102, [30] 00 -> ff"


def test_of_many_runs_the_rest_is_counted_and_a_new_length_told() -> None:
    old, new = bytes(40), bytes(at % 2 for at in range(50))
    text = compared_bytes(old.hex(), new.hex())
    assert text.startswith("[1] 00 -> 01, [3] 00 -> 01, ")
    assert text.endswith("16 more places, 40 bytes -> 50 bytes")


def test_what_is_long_and_hexadecimal_is_bytes() -> None:
    assert is_hexadecimal("00" * 16)
    assert not is_hexadecimal("00" * 15)
    assert not is_hexadecimal("xx" * 20)
    assert not is_hexadecimal(10**40)


def test_what_is_on_one_side_only() -> None:
    assert came_or_went(None, {"started": True}) == "added"
    assert came_or_went({"started": True}, None) == "gone"
    assert came_or_went(None, 7) == "added: 7"
    assert came_or_went(3, 4) == ""


def test_large_numbers_are_addresses() -> None:
    assert (shown(0xFFFF), shown(0x10000), shown(True)) == ("65535", "0x10000", "true")
