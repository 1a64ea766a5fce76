"""Sections of real virtio devices, as four versions of QEMU wrote them, and what breaks them."""
