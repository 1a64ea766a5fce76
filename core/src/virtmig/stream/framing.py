"""Where everything in a stream lies, each decision checked."""

from __future__ import annotations

from collections import Counter

import attrs

from virtmig.errors import BadFooter, LimitExceeded, NotAStream, Truncated
from virtmig.stream import description as descriptions
from virtmig.stream.cursor import Data
from virtmig.stream.description import Description
from virtmig.stream.head import MAGIC, VERSION, Head, read_head
from virtmig.stream.holes import content_end
from virtmig.stream.place import Place
from virtmig.stream.ram import RamIndex, read_ram
from virtmig.stream.search import search
from virtmig.stream.sections import Section
from virtmig.stream.tail import read_tail

LARGEST_STATE = 1 << 30
"""Bytes in all FULL sections together. A machine with 500 devices has 24 MiB."""
SECOND_WITHIN = 64 << 20
"""Bytes behind RAM in which a second stream is looked for: there ends the first one's state."""
PARTIAL = "the stream ends too early: only what is whole is shown"


@attrs.frozen
class Layout:
    """A framed stream."""

    head: Head
    description: Description | None
    tail: tuple[Section, ...]
    """The FULL sections behind RAM."""
    ram: RamIndex | None = None
    """The index of RAM, if the sections could not be found without it."""
    remark: str = ""
    """What a user should know of how sure the framing is; empty if there is nothing to say."""
    cut: BadFooter | None = None
    """Where the stream ends too early, if it does and these are the sections that are whole."""

    @property
    def sections(self) -> tuple[Section, ...]:
        """All FULL sections, in stream order."""
        return self.head.early + self.tail


def locate(place: Place, *, partial: bool = False) -> Layout:
    """Frame all FULL sections of the stream that begins at `place`.

    partial: of a stream that ends too early, frame those that are whole, if there are any.
    """
    data, description = place.data, _described(place)
    head: Head | None = None
    try:
        head = read_head(data, description, place.at)
        if description is None:
            layout = _walk_all(place, head, partial=partial)
        else:
            tail = read_tail(data, head, description)
            layout = Layout(head, description, tail, remark=_padding(data, description))
    except Truncated as error:
        raise _cut(error, head) from error
    _check_ids(layout)
    _check_size(layout)
    return layout


def _described(place: Place) -> Description | None:
    """The description at the end of the file.

    Zeros may follow it: copying to or from a disk adds some, and QEMU does not read on.
    """
    data = place.data
    at = descriptions.find(data, len(data))
    if at is None and data[-1:] == b"\0":
        at = descriptions.find(data, content_end(place))
    return None if at is None else descriptions.read(data, at)


def index_ram(data: Data, layout: Layout) -> RamIndex:
    """Walk RAM, which has to end where the device state begins."""
    if layout.ram is not None:
        return layout.ram
    try:
        ram = read_ram(data, layout.head)
    except Truncated as error:
        reason = "RAM reaches beyond the end of the file: it is damaged"
        raise BadFooter(reason, offset=error.where.offset, hint=error.reason) from error
    check_joined(data, layout, ram.end)
    return ram


def check_joined(data: Data, layout: Layout, end: int, moved: int = 0) -> None:
    """Refuse device state that does not begin at `end`, where RAM ends.

    The sections were found from the end of the file: they may be those of another stream.
    moved: what to add to offsets that are told.
    """
    if not layout.tail or layout.tail[0].header == end:
        return
    begins = layout.tail[0].header
    near = min(begins, end + SECOND_WITHIN)
    second = data.find(MAGIC + VERSION.to_bytes(4, "big"), end, near)
    hint = f"a second stream follows at {second + moved:#x}" if second >= 0 else ""
    reason = f"RAM ends here, but device state begins at {begins + moved:#x}"
    raise BadFooter(reason, offset=end + moved, hint=hint)


def _padding(data: Data, description: Description) -> str:
    size = len(data) - description.end
    return f"{size} bytes follow the stream, all zero" if size else ""


def _walk_all(place: Place, head: Head, *, partial: bool) -> Layout:
    """Without a description: through RAM, then search."""
    data = place.data
    ram = read_ram(data, head)
    where = range(ram.end, content_end(place))
    if len(where) > LARGEST_STATE:
        reason = f"{len(where)} bytes behind RAM and no description: more than {LARGEST_STATE}"
        raise LimitExceeded(reason, offset=ram.end)
    found = search(data, where, footers=bool(head.footers))
    if found.error is None:
        return Layout(head, None, found.sections, ram, found.remark)
    inside = descriptions.find_inside(data)
    if inside is not None:
        hint = f"{len(data) - inside.end} bytes follow its description, and are not all zero"
        raise BadFooter("the stream does not end with the file", offset=inside.end, hint=hint)
    if not partial or not found.sections:
        raise found.error
    return Layout(head, None, found.sections, ram, PARTIAL, found.error)


def _cut(error: Truncated, head: Head | None) -> NotAStream:
    """Say what is there: device state comes behind RAM."""
    place = "before its RAM" if head is None else "inside RAM"
    reason = f"the file ends {place}: the save was cut, no device state is there"
    if head is None:
        return NotAStream(reason, offset=error.where.offset, hint=error.reason)
    machine = head.configuration.machine if head.configuration else "not named"
    size = sum(block.length for block in head.blocks)
    known = f"whole: the head of a machine {machine} with {len(head.blocks)} RAM blocks"
    hint = f"{error.reason}; {known} of {size} bytes"
    return NotAStream(reason, offset=error.where.offset, hint=hint)


def _check_ids(layout: Layout) -> None:
    """Section ids are unique; a look-alike in a payload can hardly keep to that."""
    counts = Counter(section.section_id for section in layout.head.live + layout.sections)
    for section in layout.sections:
        if counts[section.section_id] > 1:
            reason = f"section id {section.section_id} occurs twice"
            raise BadFooter(reason, offset=section.header)


def _check_size(layout: Layout) -> None:
    """Refuse sections that are no device's state: a hole in a file may be of any size."""
    size = sum(section.size for section in layout.sections)
    if size > LARGEST_STATE:
        largest = max(layout.sections, key=lambda section: section.size)
        reason = f"{size} bytes of device state, more than {LARGEST_STATE}"
        hint = f"the largest section, {largest.idstr!r}, has {largest.size}"
        raise LimitExceeded(reason, offset=largest.header, hint=hint)
