"""What virtio-rng saves of its own: nothing. Its queue and features are the core's."""

from __future__ import annotations

from virtmig.api import record


@record()
class RngState:
    """The device part of virtio-rng, empty on purpose (QEMU: hw/virtio/virtio-rng.c)."""
