"""Streams that a QEMU does not load: what is wrong with them by name, and what mends it."""
