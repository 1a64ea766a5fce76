"""Feature bits of virtio-net (virtio 1.3 section 5.1.3)."""

from __future__ import annotations

CTRL_GUEST_OFFLOADS = 2
MRG_RXBUF = 15
CTRL_VQ = 17
CTRL_VLAN = 19
GUEST_ANNOUNCE = 21
VERSION_1 = 32
HASH_REPORT = 57

FEATURES = {
    0: "CSUM",
    1: "GUEST_CSUM",
    2: "CTRL_GUEST_OFFLOADS",
    3: "MTU",
    5: "MAC",
    6: "GSO",
    7: "GUEST_TSO4",
    8: "GUEST_TSO6",
    9: "GUEST_ECN",
    10: "GUEST_UFO",
    11: "HOST_TSO4",
    12: "HOST_TSO6",
    13: "HOST_ECN",
    14: "HOST_UFO",
    15: "MRG_RXBUF",
    16: "STATUS",
    17: "CTRL_VQ",
    18: "CTRL_RX",
    19: "CTRL_VLAN",
    20: "CTRL_RX_EXTRA",
    21: "GUEST_ANNOUNCE",
    22: "MQ",
    23: "CTRL_MAC_ADDR",
    51: "DEVICE_STATS",
    52: "HASH_TUNNEL",
    53: "VQ_NOTF_COAL",
    54: "GUEST_USO4",
    55: "GUEST_USO6",
    56: "HOST_USO",
    57: "HASH_REPORT",
    59: "GUEST_HDRLEN",
    60: "RSS",
    61: "RSC_EXT",
    62: "STANDBY",
    63: "SPEED_DUPLEX",
    65: "GUEST_UDP_TUNNEL_GSO",
    66: "GUEST_UDP_TUNNEL_GSO_CSUM",
    67: "HOST_UDP_TUNNEL_GSO",
    68: "HOST_UDP_TUNNEL_GSO_CSUM",
}
CONFIG_SPACE = {
    "mac": 6,
    "status": 2,
    "max_virtqueue_pairs": 2,
    "mtu": 2,
    "speed": 4,
    "duplex": 1,
    "rss_max_key_size": 1,
    "rss_max_indirection_table_length": 2,
    "supported_hash_types": 4,
}
"""virtio 1.3 section 5.1.4."""

GUEST_OFFLOADS = sum(1 << bit for bit in (1, 7, 8, 9, 10, 54, 55, 65, 66))
"""Bits of what a guest can take from the device: these can be switched while it runs."""
