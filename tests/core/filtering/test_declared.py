"""Requests that no device could follow are refused before there is a stream."""

from __future__ import annotations

import pytest

from virtmig.editing.requests import Rename, Request, parse_drop, parse_set
from virtmig.errors import BadValue, NoDriver, NoSuchPath, VirtmigError
from virtmig.filtering.declared import check_declared
from virtmig.hooks.registry import Registry

REGISTRY = Registry()
NET = "0000:00:02.0/virtio-net"


@pytest.mark.parametrize(
    "request_",
    [
        parse_set("device.mac=52:54:00:00:00:01"),
        parse_set(f"{NET}:device.mac=52:54:00:00:00:01"),
        parse_set("virtio-net:queues[7].num-=5"),
        parse_set("virtio-net:device.vlans+=3-9"),
        parse_set("common.guest_features-=GUEST_USO4"),
        parse_set("common.status=ACKNOWLEDGE|DRIVER"),
        parse_set("config.revision=1", "/fe.0.0001/virtio-blk"),
        parse_set("config.header.bar1=0", "virtio-blk"),
        parse_drop("virtio/started"),
        parse_drop("virtio-net-device/rss", "virtio-net"),
        parse_drop("subsections.virtio/started"),
        Rename("anything", "else"),
    ],
    ids=str,
)
def test_what_a_device_of_some_machine_could_follow_passes(request_: Request) -> None:
    check_declared([request_], REGISTRY)


@pytest.mark.parametrize(
    ("request_", "kind", "says"),
    [
        (parse_set("device.macc=1"), NoSuchPath, "nearest: device.mac"),
        (parse_set("virtio-blk:device.mac=1"), NoSuchPath, "no such field"),
        (parse_set("queues.num=1"), NoSuchPath, "queues[0].num"),
        (parse_set("virtio-net:device.mac=5"), BadValue, "'5'"),
        (parse_set("queues[0].num=many"), BadValue, "'many'"),
        (parse_set("queues[0].num=0x100000000"), BadValue, "does not fit"),
        (parse_set("common.guest_features-=GUEST_USO9"), BadValue, "nearest: GUEST_USO"),
        (parse_set("common.status-=DRIVEROK"), BadValue, "DRIVER_OK"),
        (parse_set("virtio-nett:device.mac=1"), NoDriver, "nearest: virtio-net"),
        (parse_set("timer:x=1"), NoDriver, "'timer'"),
        (parse_drop("virtio/start"), NoSuchPath, "virtio/started"),
        (parse_drop("virtio-net-device/rss", "virtio-blk"), NoSuchPath, "no such subsection"),
    ],
    ids=lambda value: str(value) if not isinstance(value, type) else "",
)
def test_what_none_could_follow_is_refused_with_what_is_near(
    request_: Request, kind: type[VirtmigError], says: str
) -> None:
    with pytest.raises(kind) as caught:
        check_declared([request_], REGISTRY)
    assert says in str(caught.value)


def test_features_of_a_section_without_virtio_are_refused() -> None:
    for name in sorted(REGISTRY.section_names):
        with pytest.raises(NoSuchPath, match="no features"):
            check_declared([parse_set("common.guest_features=0", name)], REGISTRY)
