"""The answers of a disk to requests that it has taken (virtio 1.3 section 5.2.6)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from virtmig.api import Answer, Finished, Outcome, Unloadable, device_writable, evolve
from virtmig_blk.state import BlkRequest, BlkState

STATUS: Mapping[Outcome, int] = {"ok": 0, "error": 1}
"""VIRTIO_BLK_S_OK and VIRTIO_BLK_S_IOERR."""


def finish(state: Any, outcome: Outcome) -> Finished:
    """Answer every request; its last byte that the device may write is the status."""
    disk: BlkState = state.device
    answers = tuple(_answer(request, STATUS[outcome]) for request in disk.requests)
    return Finished(answers=answers, device=evolve(disk, requests=()))


def _answer(request: BlkRequest, status: int) -> Answer:
    segments = device_writable(request.elem)
    address, length = segments[-1] if segments else (0, 0)
    if not length:
        raise Unloadable("a request without a place for its status", path="device.requests")
    return Answer(
        queue=request.queue_index or 0,
        element=request.elem,
        length=sum(size for _, size in segments),
        writes=((address + length - 1, bytes([status])),),
    )
