"""QEMU's devices by name: which distribution of this project brings the driver, and their ids.

Only for advice: drivers are found by entry point, whoever brings them.
"""

from __future__ import annotations

DISTRIBUTIONS = {
    "scsi-disk": "virtmig-scsi",
    "vhost-user-blk": "virtmig-vhost-user",
    "vhost-user-fs": "virtmig-vhost-user",
    "virtio-9p": "virtmig-9p",
    "virtio-balloon": "virtmig-balloon",
    "virtio-blk": "virtmig-blk",
    "virtio-ccw": "virtmig-ccw",
    "virtio-console": "virtmig-serial",
    "virtio-gpu": "virtmig-gpu",
    "virtio-input": "virtmig-input",
    "virtio-iommu": "virtmig-iommu",
    "virtio-mem": "virtmig-mem",
    "virtio-mem-device-early": "virtmig-mem",
    "virtio-mmio": "virtmig-mmio",
    "virtio-net": "virtmig-net",
    "virtio-pci": "virtmig-pci",
    "virtio-rng": "virtmig-rng",
    "virtio-rtc": "virtmig-rtc",
    "virtio-scsi": "virtmig-scsi",
    "virtio-vga": "virtmig-gpu",
    "virtio-vhost_vsock": "virtmig-vhost-vsock",
}
"""Driver names, and the distributions that bring them."""
BUSES = ("virtio-pci", "virtio-ccw", "virtio-mmio")
"""Those of them that are transports."""

DEVICE_IDS = {
    "virtio-net": 1,
    "virtio-blk": 2,
    "virtio-console": 3,
    "virtio-rng": 4,
    "virtio-balloon": 5,
    "virtio-scsi": 8,
    "virtio-9p": 9,
    "virtio-gpu": 16,
    "virtio-input": 18,
    "virtio-vhost_vsock": 19,
    "virtio-crypto": 20,
    "virtio-iommu": 23,
    "virtio-mem": 24,
    "virtio-sound": 25,
    "vhost-user-fs": 26,
    "virtio-pmem": 27,
    "vhost-user-i2c": 34,
    "vhost-user-gpio": 41,
}
"""Ids of the virtio specification (section 5), by the names of QEMU."""
NO_ID = 63
"""The largest id, for a device that has none yet."""


def same_id(name: str, number: int) -> list[str]:
    """Other device types that have this id; one that another program serves is the same type."""
    kind = _type_of(name)
    return [one for one, known in DEVICE_IDS.items() if known == number and _type_of(one) != kind]


def _type_of(name: str) -> str:
    return name.removeprefix("virtio-").removeprefix("vhost-user-")


def advice(name: str) -> str:
    """What to do about a driver that is not installed."""
    if name in DISTRIBUTIONS:
        return f"pip install {DISTRIBUTIONS[name]}"
    return f"virtmig has none of its own; virtmig plugins new {name} makes one"
