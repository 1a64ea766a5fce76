"""A changed device loaded into a live one, as QEMU would: what refuses it there refuses it here."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from virtmig.editing.applying import Applied
from virtmig.editing.judging import Change
from virtmig.errors import IndexMismatch, VirtmigError
from virtmig.guest.memory import guest_memory
from virtmig.guest.vring import Memory
from virtmig.live.blueprint import create
from virtmig.live.procedure import virtio_load
from virtmig.reading import Decoded
from virtmig.stream.opening import Stream
from virtmig.virtio.order import Step
from virtmig.virtio.rings import RingPlace, ring_places
from virtmig.virtio.state import VirtioState
from virtmig.wire.meaning import Risk


def try_loads(stream: Stream, applied: Sequence[Applied]) -> tuple[list[Change], list[str]]:
    """What live devices refuse, as changes that are unsafe; and what could not be tried."""
    memory, notes = _memory(stream, applied)
    refused: list[Change] = []
    for one in applied:
        found = one.device.found
        if not isinstance(found, Decoded):
            continue
        error = refusal(found, one.state, memory)
        if error is None:
            continue
        before = refusal(found, found.state, memory)
        if before is not None and str(before) == str(error):
            notes.append(f"{found.section.idstr} was refused before the change too: {error}")
            continue
        refused.append(_refusal(one, error))
    return refused, notes


def _memory(stream: Stream, applied: Sequence[Applied]) -> tuple[Memory | None, list[str]]:
    """Guest memory, if a ring changes: to read it takes as long as to copy the stream."""
    if not any(_moves_rings(one) for one in applied):
        return None, []
    memory = guest_memory(stream)
    if memory.available:
        return memory, []
    return None, [f"indices are not checked against guest memory: {memory.why_not}"]


def _moves_rings(one: Applied) -> bool:
    """Whether a ring, or the place in it, is another than before."""
    found = one.device.found
    return isinstance(found, Decoded) and _rings(found, found.state) != _rings(found, one.state)


def _rings(found: Decoded, state: VirtioState) -> tuple[list[RingPlace], list[int]]:
    return ring_places(state, found.endian), [queue.last_avail_idx for queue in state.queues]


def refusal(found: Decoded, state: Any, memory: Memory | None) -> VirtmigError | None:
    """Why a live device with the properties that the source's had cannot take a state.

    QEMU loads some of them and then takes the device for broken; that is no better.
    """
    told: list[str] = []

    def on_step(_: Step, __: int | str, note: str) -> None:
        told.append(note)

    try:
        live = create(found.drivers, found.state, found.endian)
        virtio_load(live, found.drivers, state, memory, on_step)
    except VirtmigError as error:
        return error
    sent = state.subsections.broken
    if live.broken and not (sent is not None and sent.broken):
        return IndexMismatch(next(note for note in told if "broken" in note), path="queues")
    return None


def _refusal(one: Applied, error: VirtmigError) -> Change:
    return Change(
        section=one.device.section,
        path=error.where.path,
        old=None,
        new=None,
        text="a live device refuses the changed state",
        risk=Risk.UNSAFE,
        why=f"{type(error).__name__}: {error.reason}",
        consequence="the device is loaded before anything is written",
    )
