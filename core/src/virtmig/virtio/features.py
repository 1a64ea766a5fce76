"""Feature and status bits by name, as the virtio specification spells them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

VERSION_1 = 32
RING_PACKED = 34
IN_ORDER = 35
RING_RESET = 40

COMMON: Mapping[int, str] = {
    24: "NOTIFY_ON_EMPTY",
    27: "ANY_LAYOUT",
    28: "RING_INDIRECT_DESC",
    29: "RING_EVENT_IDX",
    30: "BAD_FEATURE",
    32: "VERSION_1",
    33: "IOMMU_PLATFORM",
    34: "RING_PACKED",
    35: "IN_ORDER",
    36: "ORDER_PLATFORM",
    37: "SR_IOV",
    38: "NOTIFICATION_DATA",
    39: "NOTIF_CONFIG_DATA",
    40: "RING_RESET",
    41: "ADMIN_VQ",
}
"""Features of all device types (virtio 1.3 section 6; 24 to 30 are of legacy devices)."""

STATUS: Mapping[int, str] = {
    0: "ACKNOWLEDGE",
    1: "DRIVER",
    2: "DRIVER_OK",
    3: "FEATURES_OK",
    6: "NEEDS_RESET",
    7: "FAILED",
}
"""Device status register (virtio 1.3 section 2.1)."""

ISR: Mapping[int, str] = {0: "QUEUE", 1: "CONFIG"}
"""Interrupt status register (virtio 1.3 section 4.1.4.5)."""


def bits(value: int) -> Iterator[int]:
    """Numbers of the bits that are set, in rising order."""
    return (bit for bit in range(value.bit_length()) if value >> bit & 1)


def names(value: int, known: Mapping[int, str]) -> list[str]:
    """Names of the bits that are set; `BIT_n` where there is none."""
    return [known.get(bit, f"BIT_{bit}") for bit in bits(value)]


def feature_names(value: int, device: Mapping[int, str]) -> list[str]:
    """Names of accepted features, of a device type with these features of its own."""
    return names(value, {**COMMON, **device})
