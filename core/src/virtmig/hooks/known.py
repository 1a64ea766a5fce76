"""Which distribution of this project brings which driver, to say what to install.

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


def advice(name: str) -> str:
    """What to do about a driver that is not installed."""
    if name in DISTRIBUTIONS:
        return f"pip install {DISTRIBUTIONS[name]}"
    return f"virtmig has none of its own; virtmig plugins new {name} makes one"
