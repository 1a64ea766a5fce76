"""The bitmaps of mapped-ram, in words of a little-endian host: which pages are in the file."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from virtmig.stream.output import AnyPiece, Zeros
from virtmig.stream.place import Place

BITMAP_CHUNK = 1 << 16
"""Bytes of a bitmap that are looked at at once."""


def bitmap_of(spans: Iterable[tuple[int, int]], size: int) -> Iterator[AnyPiece]:
    """A bitmap of so many bytes with these bits set: each span's first, and the one behind."""
    at, bits = 0, bytearray()
    for span_first, stop in spans:
        first = span_first
        while first < stop:
            start = first // (BITMAP_CHUNK * 8) * BITMAP_CHUNK
            if start != at or not bits:
                yield bytes(bits)
                yield Zeros(start - at - len(bits))
                at, bits = start, bytearray(min(BITMAP_CHUNK, size - start))
            end = min(stop, (start + BITMAP_CHUNK) * 8)
            _set(bits, first - start * 8, end - start * 8)
            first = end
    yield bytes(bits)
    yield Zeros(size - at - len(bits))


def _set(bits: bytearray, start: int, stop: int) -> None:
    """Set the bits from `start` on, up to `stop`."""
    first, last = start // 8, (stop - 1) // 8
    low, high = 0xFF << start % 8 & 0xFF, 0xFF >> 7 - (stop - 1) % 8
    if first == last:
        bits[first] |= low & high
        return
    bits[first] |= low
    bits[first + 1 : last] = b"\xff" * (last - first - 1)
    bits[last] |= high


def set_bits(place: Place, at: int, count: int) -> Iterator[tuple[int, int]]:
    """Where bits of a bitmap are set, as first and behind the last; those of one chunk apart."""
    for start in range(0, count, BITMAP_CHUNK * 8):
        number = min(BITMAP_CHUNK * 8, count - start)
        raw = place.data[at + start // 8 : at + (start + number + 7) // 8]
        text = f"{int.from_bytes(raw, 'little'):0{len(raw) * 8}b}"[::-1][:number]
        for found in re.finditer("1+", text):
            yield start + found.start(), start + found.end()
