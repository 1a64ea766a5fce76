"""The JSON at the end: found whatever its length, believed only as far as it goes, and bounded."""

from __future__ import annotations

import json

import pytest

from tests.core.stream.building import DEVICES, Recipe, u32, vmdescription
from virtmig.errors import BadFooter, LimitExceeded, VirtmigError
from virtmig.stream.description import MOST_NODES, Device, find, parse
from virtmig.stream.opening import Stream


def sizes(*fields: dict[str, object], **more: object) -> int:
    device = {"name": "x", "instance_id": 0, "fields": fields, **more}
    return parse(json.dumps({"devices": [device]}).encode(), 0).devices[0].size


def test_a_size_is_the_sum_of_the_fields():
    assert sizes({"size": 3}, {"size": 4}) == 7


def test_an_array_counts_as_often_as_it_has_elements():
    assert sizes({"size": 3, "array_len": 5}, {"size": 1, "index": 4}) == 16


def test_a_nested_structure_is_counted_once():
    inner = {"vmsd_name": "y", "version": 1, "fields": [{"size": 8}]}
    assert sizes({"size": 8, "struct": inner}) == 8


def test_a_subsection_adds_its_header_and_its_own_subsections():
    inner = {"vmsd_name": "x/y/z", "version": 1, "fields": [{"size": 1}]}
    outer = {"vmsd_name": "x/y", "version": 1, "fields": [{"size": 10}], "subsections": [inner]}
    assert sizes({"size": 100}, subsections=[outer]) == 100 + 6 + 3 + 10 + 6 + 5 + 1


def test_keys_that_occur_twice_do_no_harm():
    text = b'{"devices":[{"name":"x","instance_id":1,"fields":[{"size":1,"size":2,"f":1,"f":2}]}]}'
    assert parse(text, 0).devices == (Device("x", 1, 2),)


@pytest.mark.parametrize("length", [0x7B, 0x67B, 0x606, 0x1006, 0x7B7B, 0x60606, 0x62006])
def test_a_length_whose_bytes_look_like_marks_is_no_trouble(length: int):
    recipe = Recipe(described=False)
    text = json.dumps({"devices": [device.described() for device in DEVICES]}).encode()
    padded = text + b" " * (length - len(text))
    data = recipe.build() + vmdescription(padded)
    stream = Stream.from_bytes(data)
    assert stream.description is not None
    assert len(stream.sections) == len(DEVICES)


@pytest.mark.parametrize(
    "text",
    [
        b"{",
        b"[]",
        b"{}",
        b'{"devices": 5}',
        b'{"devices": [5]}',
        b'{"devices": [{}]}',
        b'{"devices": [{"name": 5, "instance_id": 0}]}',
        b'{"devices": [{"name": "x", "instance_id": -1}]}',
        b'{"devices": [{"name": "x", "instance_id": 4294967296}]}',
        b'{"devices": [{"name": "x", "instance_id": true}]}',
        b'{"devices": [{"name": "\\ud800", "instance_id": 0}]}',
        b'{"devices": [{"name": "x", "instance_id": 0, "fields": [{"size": -1}]}]}',
        b'{"devices": [{"name": "x", "instance_id": 0, "fields": [{"size": 1e300}]}]}',
        b'{"devices": [{"name": "x", "instance_id": 0, "fields": [{"size": NaN}]}]}',
        b'{"devices": [{"name": "x", "instance_id": 0, "fields": [{}]}]}',
        b'{"devices": [{"name": "x", "instance_id": 0, "subsections": [{}]}]}',
        b'{"devices": [' + b'{"name": "x", "instance_id": 0, "fields": [{"size": ' + b"9" * 9999,
        b'{"devices": ' + b"[" * 100_000,
        b'{"devices": [' + b'{"subsections": [' * 50_000 + b"]}" * 50_000 + b"]}",
        b"\xff\xfe{\x00}\x00",
        b'{"page_size": 4097, "devices": []}',
        b'{"page_size": 1000000, "devices": []}',
    ],
)
def test_json_that_is_hostile_is_refused(text: bytes):
    data = Recipe(described=False).build() + vmdescription(text)
    with pytest.raises(VirtmigError):
        Stream.from_bytes(data)


def test_a_tower_of_subsections_is_refused():
    subsection = b'{"vmsd_name": "x", "subsections": ['
    device = b'{"name": "x", "instance_id": 0, "subsections": ['
    text = b'{"devices": [' + device + subsection * 480 + b"]}" * 481 + b"]}"
    with pytest.raises(BadFooter):
        Stream.from_bytes(Recipe(described=False).build() + vmdescription(text))


def test_more_parts_than_any_machine_has_are_refused():
    with pytest.raises(LimitExceeded):
        parse(b"[" * (MOST_NODES + 1), 0)


def test_a_device_that_is_not_in_the_stream_is_missed():
    devices = [device.described() for device in DEVICES]
    devices[2] = {**devices[2], "name": "other"}
    data = Recipe(described=False).build()
    with pytest.raises(BadFooter, match="other"):
        Stream.from_bytes(data + vmdescription(json.dumps({"devices": devices}).encode()))


@pytest.mark.parametrize("length", [0, 5, 0xFFFFFFFF])
def test_a_length_that_does_not_end_at_the_end_is_no_description(length: int):
    data = Recipe(described=False).build() + b"\x06" + u32(length) + b"{}"
    assert find(data, len(data)) is None


@pytest.mark.parametrize("data", [b"", b"\x06", b"\x06\0\0\0\0", b"\0\x06\0\0\0"])
def test_tiny_files_have_no_description(data: bytes):
    assert find(data, len(data)) is None
