"""What vhost-vsock saves of its own: nothing. Its queues and features are the core's."""

from __future__ import annotations

from virtmig.api import record


@record()
class VsockState:
    """The device part, empty (QEMU: hw/virtio/vhost-vsock.c, vmsd `virtio-vhost_vsock`)."""
