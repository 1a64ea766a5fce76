"""Requests in flight finished by hand: answered in guest memory as their device would have done.

A stream has a request twice: the device's list has it, and the ring in guest memory says that the
device took it and has not given it back. To take it off the list alone would leave the guest
waiting for ever. So the answer is written to the guest's buffer, the chain into the used ring, and
the guest is told to look.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import groupby
from typing import Any

import attrs

from virtmig.errors import Unloadable
from virtmig.guest.memory import GuestMemory
from virtmig.guest.vring import DESCRIPTOR_SIZE, SplitRing
from virtmig.reading import Decoded
from virtmig.virtio.features import IN_ORDER
from virtmig.virtio.finishing import Answer, Outcome
from virtmig.virtio.rings import RingPlace, ring_places
from virtmig.virtio.state import VirtioState
from virtmig.virtio.subsections import PackedQueue
from virtmig.wire.meaning import Verdict, conditional, unsafe
from virtmig.wire.record import evolve

QUEUE_INTERRUPT = 1
"""Bit of the interrupt status: a buffer was used."""
AVAIL_AND_USED = 1 << 7 | 1 << 15
"""Flags of a packed descriptor that is used while the wrap counter is 1."""
VERDICTS: Mapping[Outcome, Verdict] = {
    "error": conditional("the guest sees I/O errors, and may have made its file system read-only"),
    "ok": unsafe(
        "the guest believes that its data were written, or takes what lies in its buffer for data "
        "that were read"
    ),
}
"""What it means for the guest that its requests end so."""


@attrs.define(eq=False)
class Finishing:
    """Collects what is written to guest memory, as new bytes of the file."""

    memory: GuestMemory
    outcome: Outcome
    told: list[str] = attrs.field(factory=list[str])
    """What was finished, a line for each device."""
    _new: dict[int, int] = attrs.field(factory=dict[int, int])
    """New bytes by offset in the file."""

    @property
    def spans(self) -> dict[range, bytes]:
        """The new bytes, neighbours together."""
        offsets = sorted(self._new)
        runs = groupby(enumerate(offsets), lambda pair: pair[1] - pair[0])
        places = [[offset for _, offset in run] for _, run in runs]
        return {
            range(one[0], one[-1] + 1): bytes(self._new[offset] for offset in one) for one in places
        }

    def finish(self, device: Decoded, state: VirtioState) -> VirtioState:
        """The state without requests in flight; itself if there are none."""
        driver = device.drivers.device.driver
        if driver.finish is None:
            return state
        finished = driver.finish(state, self.outcome)
        if not finished.answers:
            return state
        if state.has_feature(IN_ORDER):
            raise Unloadable("the guest expects its requests back in order, which is not known")
        rings = {place.index: place for place in ring_places(state, device.endian)}
        made = attrs.evolve(state, device=finished.device, common=_interrupted(state))
        for queue, group in groupby(sorted(finished.answers, key=_queue), key=_queue):
            if queue not in rings:
                raise Unloadable(f"a request of queue {queue}, which is not set up")
            made = self._give_back(made, rings[queue], list(group))
            raise_interrupt = device.drivers.transport.driver.interrupt
            made = raise_interrupt(made, queue) if raise_interrupt is not None else made
        count = len(finished.answers)
        name = device.section.idstr
        self.told.append(f"{name}  {count} requests in flight finished with {self.outcome}")
        return made

    def _give_back(
        self, state: VirtioState, ring: RingPlace, answers: Sequence[Answer]
    ) -> VirtioState:
        for answer in answers:
            for address, content in answer.writes:
                self._write(address, content)
        if ring.packed:
            return self._packed(state, ring, answers)
        self._split(ring, answers)
        return state

    def _split(self, ring: RingPlace, answers: Sequence[Answer]) -> None:
        """Into the used ring; what the device has taken and not returned QEMU counts itself."""
        used = SplitRing(
            self.memory, ring.num, ring.desc, ring.avail, ring.used, ring.endian
        ).used_idx()
        for number, answer in enumerate(answers, used):
            entry = answer.element.index.to_bytes(4, ring.endian)
            entry += answer.length.to_bytes(4, ring.endian)
            self._write(ring.used + 4 + 8 * (number % ring.num), entry)
        index = (used + len(answers)) & 0xFFFF
        self._write(ring.used + 2, index.to_bytes(2, ring.endian))

    def _packed(
        self, state: VirtioState, ring: RingPlace, answers: Sequence[Answer]
    ) -> VirtioState:
        """Over the first descriptor of each chain; the position is in the stream."""
        tail = state.subsections.packed_virtqueues
        if tail is None:
            raise Unloadable("a packed ring without its position")
        row = tail.vq[ring.index]
        for answer in answers:
            self._mark_used(ring, row, answer)
            row = _advanced(row, ring, answer)
        rows = (*tail.vq[: ring.index], row, *tail.vq[ring.index + 1 :])
        tails = evolve(state.subsections, packed_virtqueues=evolve(tail, vq=rows))
        return attrs.evolve(state, subsections=tails)

    def _mark_used(self, ring: RingPlace, row: PackedQueue, answer: Answer) -> None:
        flags = AVAIL_AND_USED if row.used_wrap_counter else 0
        words = ((answer.length, 4), (answer.element.index, 2), (flags, 2))
        content = b"".join(value.to_bytes(size, ring.endian) for value, size in words)
        self._write(ring.desc + DESCRIPTOR_SIZE * row.used_idx + 8, content)

    def _write(self, address: int, content: bytes) -> None:
        at = 0
        for place in self.memory.places(address, len(content)):
            for offset in place:
                self._new[offset] = content[at]
                at += 1


def _queue(answer: Answer) -> int:
    return answer.queue


def _interrupted(state: VirtioState) -> Any:
    return evolve(state.common, isr=state.common.isr | QUEUE_INTERRUPT)


def _advanced(row: PackedQueue, ring: RingPlace, answer: Answer) -> PackedQueue:
    """The position behind a chain that was returned."""
    behind = answer.element.ndescs_behind
    count = (behind if behind is not None else answer.element.ndescs) or 0
    if not 0 < count <= row.inuse:
        raise Unloadable(f"a request of {count} descriptors, of {row.inuse} that are in use")
    index, wraps = row.used_idx + count, row.used_wrap_counter
    if index >= ring.num:
        index, wraps = index - ring.num, not wraps
    return evolve(row, used_idx=index, used_wrap_counter=wraps, inuse=row.inuse - count)
