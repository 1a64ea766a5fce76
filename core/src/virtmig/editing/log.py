"""Every changed byte of the file: where, what was there, what is there, and whose it is."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import attrs

from virtmig.editing.applying import Applied
from virtmig.editing.hunks import hunks
from virtmig.editing.plan import EditPlan
from virtmig.editing.requests import Hunk
from virtmig.errors import VirtmigError
from virtmig.explaining import explain
from virtmig.stream.opening import Stream
from virtmig.stream.sections import Section

MOST_OWNERS = 256
"""Bytes of one run whose owners are looked for one by one; each is a walk over the section."""


@attrs.frozen(kw_only=True)
class Entry:
    """A run of changed bytes.

    offset: in the stream; new_offset: in the new one. section: idstr; empty for what lies in
    none. path: of the field, `idstr`, `machine` or `description`.
    """

    offset: int
    new_offset: int
    old: bytes
    new: bytes
    section: str
    path: str


def entries(stream: Stream, plan: EditPlan) -> Iterator[Entry]:
    """What a plan changes, in the order of the file."""
    devices = {one.device.section: one for one in plan.devices}
    shift = 0
    for start, old, new in stream.replaced(plan.edits):
        section = _section_at(stream.sections, start)
        inside = section is not None and start >= section.start
        device = devices.get(section) if section is not None and inside else None
        moved = 0
        for hunk in _runs(old, new, device):
            at = hunk.offset + moved
            yield Entry(
                offset=start + hunk.offset,
                new_offset=start + at + shift,
                old=hunk.old,
                new=hunk.new,
                section=section.idstr if section is not None else "",
                path=_path(stream, device, hunk, at) if inside else _record(stream, section, start),
            )
            moved += len(hunk.new) - len(hunk.old)
        shift += len(new) - len(old)


def _section_at(sections: Sequence[Section], offset: int) -> Section | None:
    return next(
        (one for one in sections if one.header <= offset < max(one.end, one.start + 1)), None
    )


def _record(stream: Stream, section: Section | None, start: int) -> str:
    """What lies in no payload: a header's name, or a record in front of or behind all sections."""
    if section is not None:
        return "idstr"
    first = min(one.header for one in (*stream.live, *stream.sections))
    return "machine" if start < first else "description"


def _runs(old: bytes, new: bytes, device: Applied | None) -> Iterator[Hunk]:
    """The runs of changed bytes, cut where another field begins."""
    for hunk in hunks(old, new):
        if len(hunk.old) != len(hunk.new) or device is None:
            yield hunk
            continue
        start = 0
        owner = _owner(device, old, hunk.offset)
        for at in range(1, min(len(hunk.old), MOST_OWNERS)):
            now = _owner(device, old, hunk.offset + at)
            if now != owner:
                yield _cut(hunk, start, at)
                start, owner = at, now
        yield _cut(hunk, start, len(hunk.old))


def _cut(hunk: Hunk, start: int, end: int) -> Hunk:
    return Hunk(hunk.offset + start, hunk.old[start:end], hunk.new[start:end])


def _path(stream: Stream, device: Applied | None, hunk: Hunk, at: int) -> str:
    """The field that a run begins in; of bytes that come, in the new state, where it is `at`."""
    if device is None:
        return ""
    if hunk.old:
        return _owner(device, stream.payload(device.device.section), hunk.offset)
    found = attrs.evolve(device.device.found, state=device.state)
    try:
        return explain(found, device.payload, at).path
    except VirtmigError:
        return ""


def _owner(device: Applied, payload: bytes, offset: int) -> str:
    try:
        return explain(device.device.found, payload, offset).path
    except VirtmigError:
        return ""


def as_json(entry: Entry) -> Mapping[str, object]:
    """An entry as data: bytes as hexadecimal."""
    return {**attrs.asdict(entry), "old": entry.old.hex(), "new": entry.new.hex()}
