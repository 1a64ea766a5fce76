"""Where a file has data and where a hole: a file of a few bytes can have any length.

A hole costs nothing as long as nobody reads it. Where a file system knows no holes, all is data.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator

from virtmig.stream.place import CHUNK, Place

_ZEROS = bytes(CHUNK)


def seek(file: int, at: int, whence: int, end: int) -> int:
    """The next data or hole of a file at or behind `at`, but `end` at most."""
    try:
        return min(os.lseek(file, at, whence), end)
    except OSError as error:
        if error.errno == errno.ENXIO:  # there is none
            return end
        raise


def extents(place: Place, piece: range) -> Iterator[range]:
    """The parts of a range of offsets that are no holes, in order."""
    if place.file is None:
        yield piece
        return
    at = piece.start
    while (start := seek(place.file, at, os.SEEK_DATA, piece.stop)) < piece.stop:
        at = seek(place.file, start, os.SEEK_HOLE, piece.stop)
        yield range(start, at)


def data_size(place: Place, enough: int) -> int:
    """How many bytes of a place are no holes; counted no further than to `enough`."""
    size = 0
    for extent in extents(place, range(place.at, len(place.data))):
        size += len(extent)
        if size >= enough:
            return enough
    return size


def content_end(place: Place) -> int:
    """Offset behind the last byte of a place that is not zero; read, not mapped."""
    end = _data_end(place, len(place.data))
    while end > place.at:
        start = max(place.at, end - CHUNK)
        chunk = b"".join(place.chunks(range(start, end)))
        if chunk != _ZEROS[: len(chunk)]:
            return start + len(chunk.rstrip(b"\0"))
        end = _data_end(place, start)
    return place.at


def _data_end(place: Place, end: int) -> int:
    """Offset behind the last byte in front of `end` that is in no hole."""
    if place.file is None:
        return end
    low, high = place.at, end
    while low < high:
        middle = (low + high) // 2
        if seek(place.file, middle, os.SEEK_DATA, end) < end:
            low = middle + 1
        else:
            high = middle
    return low
