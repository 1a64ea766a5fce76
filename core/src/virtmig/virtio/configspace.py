"""The configuration space of a device, field by field; a stream has it as bytes."""

from __future__ import annotations

from collections.abc import Mapping

from virtmig.virtio.rings import Endian

_NUMBERS = (1, 2, 4, 8)
"""Sizes of numbers, in bytes; what has another size is shown as bytes."""


def config_fields(sizes: Mapping[str, int], space: bytes, endian: Endian) -> dict[str, int | str]:
    """The fields of a configuration space by name: numbers, and bytes in hexadecimal.

    sizes: bytes of each field, in order. What the space ends in front of is left out; bytes that no
    field is known for are one entry, `[OFFSET:]`.
    """
    found: dict[str, int | str] = {}
    at = 0
    for name, size in sizes.items():
        raw = space[at : at + size]
        if raw:
            number = size in _NUMBERS and len(raw) == size
            found[name] = int.from_bytes(raw, endian) if number else raw.hex()
        at += size
    if at < len(space):
        found[f"[{at}:]"] = space[at:].hex()
    return found
