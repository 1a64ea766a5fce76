"""What virtio-rtc saves of its own: nothing. Its queue and its features are the core's."""

from __future__ import annotations

from virtmig.api import record


@record()
class RtcState:
    """The device part, empty (QEMU 11.1: hw/virtio/virtio-rtc.c, vmsd `virtio-rtc`)."""
