"""Containers: a file's bytes to framed sections and back; knows nothing of virtio."""
