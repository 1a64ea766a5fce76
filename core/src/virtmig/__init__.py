"""QEMU virtio device state: decoded, loaded through hooks into live devices, and written back."""

__version__ = "0.1.0"
