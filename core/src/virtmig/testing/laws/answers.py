"""Laws of what a device's description says of its rings, its options and its last answers."""

from __future__ import annotations

from typing import Any

from virtmig.errors import Unloadable, shown
from virtmig.testing.draw import Draw
from virtmig.testing.kit import law
from virtmig.testing.laws.description import OuterLaws, called, release, with_device
from virtmig.testing.report import LawBroken
from virtmig.virtio.defects import DefaultChange, RingSize
from virtmig.virtio.element import VirtQueueElement
from virtmig.virtio.finishing import Answer, Finished, Outcome, device_writable
from virtmig.virtio.state import VirtioState

LONGEST = 1024
"""Descriptors of the longest ring that QEMU offers (QEMU: VIRTQUEUE_MAX_SIZE)."""
OUTCOMES: tuple[Outcome, ...] = ("error", "ok")
FINISH = "return Finished(answers=..., device=the record without its requests), or raise Unloadable"


class AnswerLaws(OuterLaws):
    """What holds for the description of a device."""

    @law
    def test_ring_sizes(self) -> None:
        """Each ring size is a power of two up to 1024, of a role that the device has."""
        driver = self.subject.driver
        roles = {*driver.first_queues, *driver.queue_names, driver.control_queue} - {""}
        for role, size in driver.ring_sizes.items():
            where = f"ring_sizes[{role!r}]"
            if role not in roles:
                do = f"use a role that the device has: {', '.join(sorted(roles))}"
                raise LawBroken("no queue has that role", do=do, field=where)
            number: Any = size.default if isinstance(size, RingSize) else None
            fits = isinstance(number, int) and 0 < number <= LONGEST
            if not fits or number.bit_count() != 1:
                do = f"give RingSize(N) with a power of two up to {LONGEST}"
                raise LawBroken(f"it is {shown(size)}", do=do, field=where)

    @law
    def test_defaults(self) -> None:
        """Each option whose default has changed says in which machine type, and how."""
        for change in self.subject.driver.defaults:
            if not isinstance(change, DefaultChange):
                do = "give DefaultChange(option=..., since=..., before=..., after=...) objects"
                raise LawBroken(f"a default is {shown(change)}", do=do, field="defaults")
            where = f"default of {change.option}"
            release(change.since, where)
            if not change.option.strip() or change.before == change.after:
                do = "name the option, and the two values that it has by default"
                raise LawBroken(f"it is {shown(change)}", do=do, field=where)

    @law
    def test_finish(self) -> None:
        """Requests in flight are answered on their queues, and are not there any more."""
        if self.subject.driver.finish is not None:
            self.each_random(self._finish, 20)

    def _finish(self, draw: Draw) -> None:
        drawn, *saved = self.states(draw)
        for outcome in OUTCOMES:
            self._finished(drawn, outcome)
            for state in saved:
                made = self._finished(state, outcome)
                for answer in made.answers if made is not None else ():
                    _on_its_queue(answer, state)
                    _inside_its_chain(answer)

    def _finished(self, state: VirtioState, outcome: Outcome) -> Finished | None:
        """The answers to all requests of a state; None if the device gives none."""
        made = self._answers_of(state, outcome)
        if made is None:
            return None
        after = with_device(state, made.device)
        why = self.writable(after)
        if why and not self.writable(state):
            found = f"the record without requests is not written: {why}"
            raise LawBroken(found, do="let counts and lists fit", field="finish")
        again = self._answers_of(after, outcome)
        if again is not None and again.answers:
            found = f"what is left has {len(again.answers)} requests in flight"
            raise LawBroken(found, do="take all of them out of the record", field="finish")
        return made

    def _answers_of(self, state: VirtioState, outcome: Outcome) -> Finished | None:
        finish = self.subject.driver.finish
        of = f"with the outcome {outcome!r}"
        try:
            made: Any = called(lambda: finish(state, outcome), of, FINISH, "finish", Unloadable)
        except Unloadable:
            return None
        if not isinstance(made, Finished) or type(made.device) is not type(state.device):
            raise LawBroken(f"{of}: it gives {shown(made)}", do=FINISH, field="finish")
        answers: tuple[Any, ...] = made.answers
        for answer in answers:
            element: Any = getattr(answer, "element", None)
            if not isinstance(answer, Answer) or not isinstance(element, VirtQueueElement):
                do = "answer each request with Answer(queue=..., element=..., length=..., writes=)"
                raise LawBroken(f"{of}: an answer is {shown(answer)}", do=do, field="finish")
        return made


def _on_its_queue(answer: Answer, state: VirtioState) -> None:
    """An answer to a request that a device of this state can have goes to a queue it has."""
    if not 0 <= answer.queue < len(state.queues):
        do = "answer on the queue that the request came from, by its index"
        found = f"an answer on queue {answer.queue} of {len(state.queues)}"
        raise LawBroken(found, do=do, field="finish")
    if not 0 <= answer.length < 1 << 32:
        do = "say how many bytes were written to the chain"
        raise LawBroken(f"an answer has the length {answer.length}", do=do, field="finish")


def _inside_its_chain(answer: Answer) -> None:
    """What an answer writes goes where the guest has given room, and is counted."""
    room: list[tuple[int, int, int]] = []
    before = 0
    for address, size in device_writable(answer.element):
        room.append((address, size, before))
        before += size
    for address, data in answer.writes:
        ends = [
            in_front + address + len(data) - start
            for start, size, in_front in room
            if start <= address and address + len(data) <= start + size
        ]
        if not ends:
            do = "write inside the segments of device_writable(element) alone"
            found = f"{len(data)} bytes at {address:#x}, where the device may not write"
            raise LawBroken(found, do=do, field="finish")
        if min(ends) > answer.length:
            do = "let `length` count all bytes of the chain up to the last that is written"
            found = f"{min(ends)} bytes up to what is written, and the length is {answer.length}"
            raise LawBroken(found, do=do, field="finish")
