"""What a network device sets up when all features are known, which its section does not say."""

from __future__ import annotations

from typing import Any

import pytest

from tests.core.material import changed, drivers_of, fresh, pick, state_of
from virtmig.live.procedure import virtio_load, virtio_save

NET = pick("virtio-net", lambda s: s.has_feature(32) and s.device.mac_table_in_use > 1)
GUEST_TSO4, MRG_RXBUF, CTRL_VQ, GUEST_ANNOUNCE = 7, 15, 17, 21
CTRL_GUEST_OFFLOADS, VERSION_1, HASH_REPORT = 2, 32, 57


def with_features(*accepted: int) -> Any:
    """The golden's state as if these features had been accepted, and no others."""
    features = sum(1 << bit for bit in accepted)
    state = changed(state_of(NET), "common.guest_features_lo", features & 0xFFFFFFFF)
    return changed(state, "subsections.features_64.guest_features", features)


def load(state: Any) -> Any:
    device: Any = fresh(NET)
    device.host_features = (1 << 64) - 1
    virtio_load(device, drivers_of(NET), state)
    return device


@pytest.mark.parametrize(
    ("features", "length"),
    [
        ((), 10),
        ((HASH_REPORT,), 10),
        ((MRG_RXBUF,), 12),
        ((VERSION_1,), 12),
        ((VERSION_1, MRG_RXBUF), 12),
        ((VERSION_1, HASH_REPORT), 20),
    ],
)
def test_the_packet_header_depends_on_features_above_bit_31(
    features: tuple[int, ...], length: int
) -> None:
    """Which is why it is set up in `post_load` and not in `load_device`."""
    assert load(with_features(*features)).vnet_hdr_len == length


def test_offloads_that_were_not_sent_are_those_that_were_accepted() -> None:
    device = load(with_features(VERSION_1, GUEST_TSO4, CTRL_VQ, 54))
    assert device.curr_guest_offloads == 1 << GUEST_TSO4 | 1 << 54


def test_offloads_that_were_sent_are_taken_as_they_are() -> None:
    """The driver may have switched some off while it ran."""
    state = with_features(VERSION_1, GUEST_TSO4, CTRL_GUEST_OFFLOADS)
    device = load(changed(state, "device.curr_guest_offloads", 0))
    assert device.curr_guest_offloads == 0


@pytest.mark.parametrize("features", [(), (CTRL_VQ,), (GUEST_ANNOUNCE,), (CTRL_VQ, GUEST_ANNOUNCE)])
def test_a_driver_announces_itself_if_it_can_be_asked_to(features: tuple[int, ...]) -> None:
    assert load(with_features(*features)).announce is (len(features) == 2)


@pytest.mark.parametrize(
    ("macs", "first"),
    [
        ((), 0),
        (("020000000001",), 1),
        (("010000000001",), 0),
        (("020000000001", "040000000001", "330000000001", "010000000001"), 2),
    ],
)
def test_the_first_multicast_entry_is_the_first_odd_one(macs: tuple[str, ...], first: int) -> None:
    table = tuple(bytes.fromhex(mac) for mac in macs)
    state = changed(state_of(NET), "device.mac_table_in_use", len(table))
    device = load(changed(state, "device.mac_table_macs", table))
    assert device.first_multi == first
    assert virtio_save(device, drivers_of(NET)).device.mac_table_macs == table
