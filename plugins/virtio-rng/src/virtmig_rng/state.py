"""What virtio-rng saves of its own: nothing. Its queue and its features are the core's."""

from __future__ import annotations

from virtmig.api import record


@record()
class RngState:
    """The device part, empty (QEMU: hw/virtio/virtio-rng.c, vmsd `virtio-rng`)."""
