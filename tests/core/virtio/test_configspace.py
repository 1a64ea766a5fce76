"""Configuration spaces by field, whatever their length."""

from __future__ import annotations

from virtmig.virtio.configspace import config_fields

SIZES = {"mac": 6, "status": 2, "mtu": 2}


def test_fields_are_named_and_numbers_have_the_byte_order_of_the_device():
    space = bytes([2, 0, 0, 0, 0, 1, 1, 0]) + b"\xdc\x05"
    little = {"mac": "020000000001", "status": 1, "mtu": 1500}
    assert config_fields(SIZES, space, "little") == little
    assert config_fields(SIZES, space, "big") == {**little, "status": 256, "mtu": 0xDC05}


def test_a_space_may_end_in_front_of_a_field_or_inside_it():
    assert config_fields(SIZES, bytes(8), "little") == {"mac": "00" * 6, "status": 0}
    assert config_fields(SIZES, bytes(9), "little")["mtu"] == "00"
    assert config_fields(SIZES, b"", "little") == {}


def test_bytes_behind_the_known_fields_are_shown():
    assert config_fields(SIZES, bytes(10) + b"ab", "little")["[10:]"] == "6162"
    assert config_fields({}, b"ab", "little") == {"[0:]": "6162"}
