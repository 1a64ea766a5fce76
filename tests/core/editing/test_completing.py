"""A half-typed request is completed from the devices that are there."""

from __future__ import annotations

import pytest

from virtmig.editing.completing import complete_drop, complete_set
from virtmig.editing.devices import Device, decoded
from virtmig.errors import EditError
from virtmig.hooks.registry import Registry
from virtmig.reading import read_devices
from virtmig.stream.opening import Stream


@pytest.fixture
def devices(x86: Stream, registry: Registry) -> list[Device]:
    return decoded(read_devices(x86, registry))


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("dev", ["device."]),
        ("device.mac_table_m", ["device.mac_table_macs=", "device.mac_table_multi_overflow="]),
        ("device.prom", ["device.promisc="]),
        ("common.st", ["common.status+=", "common.status-=", "common.status="]),
        ("common.status=ACK", ["common.status=ACKNOWLEDGE"]),
        ("common.status+=DRIVER|F", ["common.status+=DRIVER|FEATURES_OK"
                                     , "common.status+=DRIVER|FAILED"]),
        ("common.guest_features-=GUEST_U", [
            *("common.guest_features-=GUEST_UFO", "common.guest_features-=GUEST_USO4"),
            *("common.guest_features-=GUEST_USO6", "common.guest_features-=GUEST_UDP_TUNNEL_GSO"),
            "common.guest_features-=GUEST_UDP_TUNNEL_GSO_CSUM",
        ]),
        ("virtio-net:queues[2].v", ["virtio-net:queues[2].vector="]),
        ("virtio-rng:qu", ["virtio-rng:queues[0]."]),
        ("0000:00:02", ["0000:00:02.0/virtio-net:"]),
        ("device.nothing", []),
        ("nobody:device.", []),
    ],
)  # fmt: skip
def test_paths_and_names(devices: list[Device], text: str, found: list[str]):
    assert complete_set(devices, text) == found


def test_a_path_that_is_not_there_has_no_end(devices: list[Device]):
    with pytest.raises(EditError):
        complete_set(devices, "virtio-net:devize.m")


def test_everything_that_is_offered_leads_on(devices: list[Device]):
    """From nothing to a whole request, always by the first thing that is offered."""
    text = "virtio-net:"
    for _ in range(12):
        offered = complete_set(devices, text)
        if not offered or offered == [text] or offered[0].endswith("="):
            break
        text = offered[0]
    assert offered[0].endswith("=")


def test_subsections(devices: list[Device]):
    assert complete_drop(devices, "virtio/st") == ["virtio/started"]
    assert complete_drop(devices, "virtio-net:virtio/64") == ["virtio-net:virtio/64bit_features"]
    assert complete_drop(devices, "nobody:virtio/64") == []
