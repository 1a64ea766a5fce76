"""What virtio-9p saves of its own: nothing. Its queue and features are the core's."""

from __future__ import annotations

from virtmig.api import record


@record()
class NinePState:
    """The device part, empty (QEMU: hw/9pfs/virtio-9p-device.c, vmsd `virtio-9p`)."""
