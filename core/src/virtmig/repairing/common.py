"""The defects that devices of any type can have."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import attrs

from virtmig.repairing.newer import NEWER_STATE
from virtmig.virtio.common import QueueState
from virtmig.virtio.defects import Defect, Diagnosis, Patient, RingSize
from virtmig.virtio.element import ELEMENT_NDESCS, VirtQueueElement
from virtmig.virtio.facts import Source
from virtmig.virtio.state import SectionState, VirtioState, parts_of
from virtmig.wire.meaning import safe
from virtmig.wire.rebuild import places, rebuild
from virtmig.wire.record import evolve


def _elements(patient: Patient) -> Iterator[Diagnosis]:
    """Requests whose `ndescs` stands in front."""
    found = [
        path
        for part, value in parts_of(patient.state).items()
        for path, element in places(value, VirtQueueElement, part)
        if element.ndescs is not None
    ]
    if found:
        count = f"{len(found)} requests" if len(found) > 1 else "1 request"
        text = f"`ndescs` in front of the element, in {count}"
        yield Diagnosis(path=found[0], found=text, mended=_moved_behind(patient.state))


def _moved_behind(state: Any) -> Any:
    def move(element: VirtQueueElement) -> VirtQueueElement:
        return evolve(element, ndescs=None, ndescs_behind=element.ndescs)

    parts = {
        name: rebuild(value, VirtQueueElement, move) for name, value in parts_of(state).items()
    }
    return with_fact(attrs.evolve(state, **parts), ELEMENT_NDESCS.name, "behind")


def with_fact(state: Any, name: str, value: Any) -> Any:
    """The state with another answer to one of the facts that it depends on."""
    facts = tuple(
        attrs.evolve(fact, value=value, source=Source.GIVEN) if fact.name == name else fact
        for fact in state.facts
    )
    return attrs.evolve(state, facts=facts)


PACKED_ELEMENT = Defect(
    name="packed-element",
    title="a request of a packed ring has `ndescs` in front, and every QEMU reads it behind",
    written_by="all, of devices with packed=on that have a request in flight",
    mend="the four bytes are moved behind the element, where they are read; nothing else changes",
    verdict=safe("the request is the one that was saved, and is carried out when the guest runs"),
    find=_elements,
)


def _rings(patient: Patient) -> Iterator[Diagnosis]:
    """Rings that are longer than the device's own size."""
    state = patient.state
    if isinstance(state, SectionState):
        return
    queues = tuple(_Ring(patient, number, queue) for number, queue in enumerate(state.queues))
    for ring in queues:
        if ring.too_long and not ring.idle:
            path, found = f"queues[{ring.number}].num", f"{ring.text}, and in use"
            yield Diagnosis(path=path, found=found, why_not=ring.why_not)
    idle = [ring for ring in queues if ring.resettable]
    if idle:
        lengths = ", ".join(ring.text for ring in idle[:4]) + (" ..." if len(idle) > 4 else "")
        yield Diagnosis(
            path=f"queues[{idle[0].number}].num", found=lengths, mended=_shortened(state, queues)
        )


@attrs.frozen
class _Ring:
    """One queue beside what its device offers."""

    patient: Patient
    number: int
    queue: QueueState

    @property
    def role(self) -> str:
        queues: int = len(self.patient.state.queues)
        return str(self.patient.driver.queue_name(self.number, queues))

    @property
    def size(self) -> RingSize | None:
        found: RingSize | None = self.patient.driver.ring_sizes.get(self.role)
        return found

    @property
    def default(self) -> int:
        """The size that it has after a reset; 0 if the stream says none of its own."""
        tail = self.patient.state.subsections.ringsize
        rows = tail.num_default if tail is not None else ()
        return rows[self.number] if self.number < len(rows) else 0

    @property
    def idle(self) -> bool:
        return not self.queue.desc

    @property
    def too_long(self) -> bool:
        limit = self.size.default if self.size is not None else 0
        return bool(limit) and self.queue.num > limit

    @property
    def resettable(self) -> bool:
        """Whether the size, or that after a reset, is too long and can be the device's own."""
        if self.size is None or (self.too_long and not self.idle):
            return False
        return self.too_long or self.default > self.size.default

    @property
    def text(self) -> str:
        own = self.size.default if self.size is not None else "?"
        length = self.queue.num if self.too_long else self.default
        after = "" if self.too_long else " after a reset"
        return f"queue {self.number} ({self.role}) {length} long{after}, its own size is {own}"

    @property
    def why_not(self) -> str:
        base = "the guest's driver works with a ring of this length, so it cannot be shortened"
        if self.size is None or not self.size.option:
            return f"{base}, and no option of QEMU makes this queue longer"
        option = f"{self.size.option}={self.queue.num}"
        return f"{base}; a target that is started with {option} for the device loads it as it is"


def _shortened(state: VirtioState, rings: tuple[_Ring, ...]) -> VirtioState:
    """Each ring that is not set up, and each size after a reset, as the device has it."""
    reset = {ring.number: ring.size.default for ring in rings if ring.resettable and ring.size}
    queues = tuple(
        evolve(queue, num=reset[number]) if number in reset and not queue.desc else queue
        for number, queue in enumerate(state.queues)
    )
    tails = state.subsections
    if tails.ringsize is not None:
        rows = (reset.get(number, size) for number, size in enumerate(tails.ringsize.num_default))
        tails = evolve(tails, ringsize=evolve(tails.ringsize, num_default=tuple(rows)))
    return attrs.evolve(state, queues=queues, subsections=tails)


LONG_RING = Defect(
    name="long-ring",
    title="rings are longer than the device's own size, which newer QEMU refuses",
    written_by="10.0.13, of every device; all up to 10.0, of virtio-mmio",
    since="11.1",
    mend="a ring that the guest has not set up gets the device's own size, as after a reset",
    cannot="a ring in use: the guest's driver and the memory of the ring have its length",
    verdict=safe("no driver has looked at these rings, or has seen them since the last reset"),
    find=_rings,
)

COMMON_DEFECTS = (PACKED_ELEMENT, LONG_RING, NEWER_STATE)
