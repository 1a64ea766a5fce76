"""A stream taken through a pipe: edited in front of RAM and behind it, and checked as it leaves."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import suppress
from typing import Any, Protocol

import attrs

from virtmig.editing.devices import sections_named
from virtmig.editing.log import Entry, entries
from virtmig.editing.patches import undo_of
from virtmig.editing.plan import EditPlan, plan_edits
from virtmig.editing.requests import Bytes, Machine, MachineBack, Rename, Request
from virtmig.errors import Contradiction, NoSuchPath, PluginError, StreamError, UnsafeEdit
from virtmig.filtering.checks import Checked, check
from virtmig.filtering.declared import check_declared
from virtmig.hooks.registry import Registry
from virtmig.reading import Options
from virtmig.stream.flow import Flow
from virtmig.stream.opening import Stream
from virtmig.stream.passing import Opening, look_at_head, pass_live
from virtmig.stream.sections import Section
from virtmig.stream.skeleton import STAND_IN, Kept, keep, keep_head
from virtmig.stream.tailing import Tail


@attrs.frozen(kw_only=True, eq=False)
class Wish:
    """What is to be done to a stream that comes.

    unsafe: allow changes that a running guest driver may be hurt by, and what live devices refuse.
    """

    requests: Sequence[Request] = ()
    options: Options = attrs.field(factory=Options)
    unsafe: bool = False


@attrs.frozen(kw_only=True)
class Record:
    """What is left of a change beside the stream.

    changed: each run of bytes that is another, at its offset in the streams. undo: the patch that
    takes the edits back.
    """

    changed: tuple[Entry, ...]
    undo: dict[str, Any]


@attrs.frozen(kw_only=True, eq=False)
class Report:
    """What became of a stream, when all of it is known and its end is not written yet.

    tail: what is still to be written.
    """

    machine: str
    judged: Judged
    record: Record
    tail: bytes


class Witness(Protocol):
    """Who is told of a stream before its end is written, and may raise to prevent that."""

    def keep(self, record: Record) -> None:
        """Called while the source can still be told that it failed, if that can be.

        And once more if what describes the device state changes too, which comes last.
        """
        ...

    def tell(self, report: Report) -> None:
        """Called when all of the stream is known."""
        ...


@attrs.frozen(eq=False)
class Judged:
    """What the device state is found to be: what changes in it, and what live devices say.

    record: of what was there when it was judged.
    """

    sections: tuple[Section, ...]
    plan: EditPlan
    checked: Checked
    record: Record


def take_through(flow: Flow, registry: Registry, wish: Wish, witness: Witness) -> None:
    """Take a stream from one end of `flow` to the other.

    Whatever is raised, by the witness or here, what was written is no complete stream.
    """
    check_declared(wish.requests, registry)
    opening = look_at_head(flow)
    head = _edited_head(opening, registry, wish)
    flow.replace(len(opening.data), head)
    pass_live(flow, opening.head)
    tail = Tail(flow)
    ends = _Ends(opening, head, tail.start, registry, wish)
    early = ends.judge_early(tail.state())
    if early is not None:
        witness.keep(early.record)
    report = ends.report(tail.all(), early)
    if early is None or early.record != report.record:
        witness.keep(report.record)
    witness.tell(report)
    flow.put(report.tail)


def _edited_head(opening: Opening, registry: Registry, wish: Wish) -> bytes:
    """The head with the edits of what lies in it, which RAM must not leave without."""
    kept = keep_head(opening, (*_parents(opening, registry), STAND_IN))
    early = [one for one in wish.requests if _is_early(one, kept.stream, registry, wish.options)]
    plan = plan_edits(kept.stream, registry, early, wish.options)
    _permit(plan, wish)
    return kept.edited(plan.edits)[0]


def _parents(opening: Opening, registry: Registry) -> Iterator[str]:
    """The idstrs of the devices that early sections belong to: without them they stay bytes."""
    for section in opening.head.early:
        place, _, name = section.idstr.rpartition("/")
        if name in registry.section_names:
            with suppress(PluginError):  # it stays bytes
                yield f"{place}/{registry.section(name).driver.parent}"


def _permit(plan: EditPlan, wish: Wish) -> None:
    try:
        plan.permit(unsafe=wish.unsafe)
    except UnsafeEdit as error:
        error.hint = "--unsafe allows it"
        raise


def _is_early(request: Request, stream: Stream, registry: Registry, options: Options) -> bool:
    """Whether a request is about the configuration, or a device that is saved in front of RAM."""
    sections = stream.layout.head.early
    match request:
        case Machine() | MachineBack():
            return True
        case Rename():
            return bool(sections_named(sections, request.old))
        case Bytes():
            wanted = request.idstr, request.instance_id
            return wanted in [(one.idstr, one.instance_id) for one in sections]
        case _ if request.device:
            return bool(sections_named(sections, request.device))
        case _:
            return bool(sections) and _is_taken(request, stream, registry, options)


def _is_taken(request: Request, stream: Stream, registry: Registry, options: Options) -> bool:
    try:
        plan_edits(stream, registry, [request], options)
    except NoSuchPath:
        return False
    return True


@attrs.frozen(eq=False)
class _Ends:
    """A stream of which RAM has been passed on; `at` is where that ended."""

    opening: Opening
    head: bytes
    """The head as it was written."""
    at: int
    registry: Registry
    wish: Wish

    def judge_early(self, state: bytes | None) -> Judged | None:
        """What there is to say of the state while its description is missing.

        None if it cannot be told apart without one; then the source is gone before it is judged.
        """
        if state is None:
            return None
        try:
            kept = keep(self.opening, state, self.at)
        except StreamError:
            return None
        return self._judge(kept)

    def _judge(self, kept: Kept) -> Judged:
        """Refuse what must not be passed on."""
        plan = plan_edits(kept.stream, self.registry, self.wish.requests, self.wish.options)
        _permit(plan, self.wish)
        edited = self._edited(kept, plan)
        checked = check(edited.stream, self.registry, self.wish.options, unsafe=self.wish.unsafe)
        return Judged(kept.stream.sections, plan, checked, self._record(kept, plan))

    def _record(self, kept: Kept, plan: EditPlan) -> Record:
        changed = (_moved(one, kept.tail, self.at) for one in entries(kept.stream, plan))
        return Record(changed=tuple(changed), undo=undo_of(kept.stream, plan))

    def _edited(self, kept: Kept, plan: EditPlan) -> Kept:
        """The skeleton of what is written, framed anew."""
        head, tail = kept.edited(plan.edits)
        if head != self.head:
            reason = "a change in front of RAM depends on what came behind it"
            raise Contradiction(reason, hint="name the device that it is for, or edit a file")
        return keep(attrs.evolve(self.opening, data=head), tail, self.at)

    def report(self, tail: bytes, early: Judged | None) -> Report:
        """What there is to say of the whole stream."""
        kept = keep(self.opening, tail, self.at)
        same = early is not None and early.sections == kept.stream.sections
        judged = early if early is not None and same else self._judge(kept)
        edited = self._edited(kept, judged.plan)
        return Report(
            machine=edited.stream.machine,
            judged=judged,
            record=self._record(kept, judged.plan),
            tail=edited.data[edited.tail :],
        )


def _moved(entry: Entry, tail: int, at: int) -> Entry:
    """A changed run of bytes at its offsets in the stream, which came without its pages here."""
    if entry.offset < tail:
        return entry
    by = at - tail
    return attrs.evolve(entry, offset=entry.offset + by, new_offset=entry.new_offset + by)
