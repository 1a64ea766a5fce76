"""What virtio-input saves of its own: nothing. Its queues and features are the core's."""

from __future__ import annotations

from virtmig.api import record


@record()
class InputState:
    """The device part, empty (QEMU: hw/input/virtio-input.c, vmsd `virtio-input`)."""
