"""What a device says to its guest's driver when a request is finished, as data."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal

import attrs

from virtmig.virtio.element import VirtQueueElement

Outcome = Literal["error", "ok"]
"""How a request ends: it failed, or it was carried out."""


@attrs.frozen(kw_only=True)
class Answer:
    """One finished request.

    queue: index of its queue. element: its descriptor chain. length: bytes that the device says it
    has written to the chain. writes: what it writes, by guest physical address.
    """

    queue: int
    element: VirtQueueElement
    length: int
    writes: tuple[tuple[int, bytes], ...]


@attrs.frozen(kw_only=True)
class Finished:
    """All requests in flight of a device, finished. device: its record without them."""

    answers: tuple[Answer, ...]
    device: Any


Finish = Callable[[Any, Outcome], Finished]
"""From a `VirtioState` and an outcome to the answers; raises `Unloadable` if there is none."""


def device_writable(element: VirtQueueElement) -> list[tuple[int, int]]:
    """Address and length of each segment that the device may write to."""
    pairs = zip(element.in_addr, element.in_sg, strict=False)
    found = [(address, part.iov_len) for address, part in pairs]
    return (found + [(0, 0)] * element.in_num)[: element.in_num]
