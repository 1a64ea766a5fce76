"""What a plugin says of itself is checked when it says it."""

from __future__ import annotations

from typing import Any

import pytest

from tests.core.material import drivers
from virtmig.errors import ContractBroken
from virtmig.virtio.drivers import DeviceDriver, TransportDriver
from virtmig.wire.record import record, wire
from virtmig.wire.types import u8

PCI = drivers("0000:00:02.0/virtio-blk", "pc").transport.driver
CCW = drivers("/fe.0.0001/virtio-blk", "s390-ccw-virtio").transport.driver


@record()
class State:
    value: int = wire(u8, "a value")


class Plain:
    """Not a record."""


@pytest.mark.parametrize("wrong", [Plain, 5, None, State(value=1)], ids=str)
def test_the_state_of_a_device_is_a_record(wrong: Any) -> None:
    if wrong is None:
        with pytest.raises((ContractBroken, TypeError)):
            DeviceDriver(name="virtio-x", device_id=1, version=1)  # type: ignore[call-arg]
        return
    with pytest.raises(ContractBroken, match="state"):
        DeviceDriver(name="virtio-x", device_id=1, version=1, state=wrong)


@pytest.mark.parametrize("role", ["config", "queue", "extra"])
def test_the_parts_of_a_transport_are_records(role: str) -> None:
    given: dict[str, Any] = {"config": State, "queue": State, "extra": State, role: Plain}
    with pytest.raises(ContractBroken, match=role):
        TransportDriver(name="virtio-x", path_pattern="x", **given)


def test_the_oldest_version_read_is_the_one_written_unless_said_otherwise() -> None:
    driver = DeviceDriver(name="virtio-x", device_id=1, version=7, state=State)
    assert driver.minimum_version == 7


def test_a_transport_supplies_the_records_it_has() -> None:
    assert set(PCI.records) == {"queue", "extra"}
    assert set(CCW.records) == {"queue"}


@pytest.mark.parametrize(
    "path",
    ["0000:00:02.0", "0000:00:1f.7", "0000:00:02.0:00.0", "0001:ff:02.0:00.0:03.1"],
)
def test_pci_devices_are_known_by_their_path(path: str) -> None:
    assert PCI.claims(path, "")
    assert not CCW.claims(path, "")


@pytest.mark.parametrize("path", ["/fe.0.0001", "/0.3.ffff", "/fe.0.1234"])
def test_ccw_devices_are_known_by_their_path(path: str) -> None:
    assert CCW.claims(path, "")
    assert not PCI.claims(path, "")


@pytest.mark.parametrize(
    "path",
    [
        "0000:00:02.8",
        "0000:00:02.0/",
        "0000:00",
        "00:02.0",
        "x0000:00:02.0",
        "0000:00:02.0\n",
        "/fe.0.1",
        "fe.0.0001",
        "/fe.0.0001\n",
        "usb/1",
    ],
)
def test_other_paths_are_nobodys(path: str) -> None:
    assert not PCI.claims(path, "pc-q35-7.2")
    assert not CCW.claims(path, "s390-ccw-virtio-7.2")


def test_a_device_without_a_path_is_known_by_its_machine() -> None:
    """Machine types up to 2.5 of s390x write no path."""
    assert CCW.claims("", "s390-ccw-virtio-2.4")
    assert not CCW.claims("", "pc-q35-7.2")
    assert not CCW.claims("", "")
    assert not PCI.claims("", "pc-q35-7.2")


@pytest.mark.parametrize(
    ("roles", "queues", "expected"),
    [
        ({}, 2, ["", ""]),
        ({"queue_names": ("rx", "tx")}, 4, ["rx", "tx", "rx", "tx"]),
        ({"queue_names": ("rx", "tx"), "control_queue": "c"}, 3, ["rx", "tx", "c"]),
        ({"first_queues": ("c", "e"), "queue_names": ("r",)}, 5, ["c", "e", "r", "r", "r"]),
        ({"first_queues": ("c",)}, 2, ["c", ""]),
        (
            {"first_queues": ("a",), "queue_names": ("rx", "tx"), "control_queue": "c"},
            4,
            ["a", "rx", "tx", "c"],
        ),
    ],
)
def test_queues_are_named_by_their_place(
    roles: dict[str, Any], queues: int, expected: list[str]
) -> None:
    driver = DeviceDriver(name="virtio-x", device_id=1, version=1, state=State, **roles)
    assert [driver.queue_name(index, queues) for index in range(queues)] == expected
