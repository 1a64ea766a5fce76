"""A request is a device, a path, an operator and a value; the rest is refused."""

from __future__ import annotations

import pytest

from virtmig.editing.requests import Drop, Set, parse_drop, parse_rename, parse_set
from virtmig.errors import BadValue


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("device.mac=1:2", Set("device.mac", "=", "1:2")),
        (
            "0000:00:02.0/virtio-net:device.mac=x",
            Set("device.mac", "=", "x", "0000:00:02.0/virtio-net"),
        ),
        ("virtio-net:common.isr+=QUEUE", Set("common.isr", "+=", "QUEUE", "virtio-net")),
        ("a.b-=1", Set("a.b", "-=", "1")),
        ("device.x-y/z=1", Set("device.x-y/z", "=", "1")),
        ("a = [1, 2] ", Set("a", "=", "[1, 2]")),
        ("a==", Set("a", "=", "=")),
        ('a={"x": "y=z"}', Set("a", "=", '{"x": "y=z"}')),
        ("a=", Set("a", "=", "")),
    ],
)
def test_the_parts_of_a_request(text: str, expected: Set):
    assert parse_set(text) == expected


def test_a_device_beside_the_request_is_for_those_without_one():
    assert parse_set("a=1", "virtio-net").device == "virtio-net"
    assert parse_set("virtio-blk:a=1", "virtio-net").device == "virtio-blk"
    assert parse_drop("virtio/started", "virtio-net") == Drop("virtio/started", "virtio-net")
    assert parse_drop("/fe.0.0001/virtio-net:virtio/started").device == "/fe.0.0001/virtio-net"


@pytest.mark.parametrize("text", ["", "a", "=1", "+=1"])
def test_what_is_no_request_is_refused(text: str):
    with pytest.raises(BadValue, match="PATH=VALUE"):
        parse_set(text)


def test_names_have_a_limit_and_values_have_none():
    long = "x" * 2000
    for refused in (
        lambda: parse_set(f"{long}=1"),
        lambda: parse_drop(long),
        lambda: parse_rename("a", long),
    ):
        with pytest.raises(BadValue, match="a name of 2000 characters"):
            refused()
    assert parse_set(f"a={long}").value == long
