"""The FULL sections behind RAM, found backwards from the end with the sizes in the description.

RAM is not touched. Each size is only believed if the header it leads to has the name and instance
that the description says, and the footer the header's id. A size that is wrong (QEMU up to 9.x
counts an array of pointers with NULLs wrongly, in every s390x stream) is made good by a search
for that one header.
"""

from __future__ import annotations

import attrs

from virtmig.errors import BadFooter
from virtmig.stream.cursor import Data
from virtmig.stream.description import Description, Device
from virtmig.stream.head import Head
from virtmig.stream.live import END_MARKS
from virtmig.stream.records import footer_id, header_pattern, header_size
from virtmig.stream.sections import FOOTER_SIZE, Section, SectionKind

WINDOWS = (1 << 16, 1 << 20, 1 << 24)
"""How many bytes before its end a header is searched in, one try after the other."""
MOST_SEARCHES = 64
"""Sections with a wrong size in one stream; QEMU has one, and a search is not free."""


@attrs.define
class _Walk:
    """The place between two sections, going backwards."""

    data: Data
    head: Head
    footers: bool
    searches: int = 0

    def by_size(self, device: Device, after: int) -> Section | None:
        """The device's section that reaches to `after`, if its size leads to its header."""
        size = device.size + self._footer_size
        return self.opened(device, after - size - header_size(device.idstr), after)

    def opened(self, device: Device, at: int, after: int) -> Section | None:
        """The device's section from `at` to `after`, if header and footer are there."""
        end = after - self._footer_size
        section_id = footer_id(self.data, end) if self.footers else None
        start = at + header_size(device.idstr)
        if at < self.head.after or start > end or (self.footers and section_id is None):
            return None
        pattern = header_pattern(section_id, device.idstr, device.instance_id)
        if not pattern.match(self.data, at):
            return None
        return _section(self.data, device, at, end, footer=self.footers)

    def by_search(self, device: Device, after: int, before: Device | None) -> Section | None:
        """The device's section that reaches to `after`, if one header only fits.

        One that the section `before` it verifies wins over one that a mere footer precedes.
        """
        self.searches += 1
        if self.searches > MOST_SEARCHES:
            return None
        found: list[Section] = []
        for window in WINDOWS:
            found = self._candidates(device, after, window + min(device.size, WINDOWS[-1]))
            sure = [section for section in found if self.follows(before, section.header)]
            if sure:
                return sure[0] if len(sure) == 1 else None
        return found[0] if len(found) == 1 else None

    def follows(self, before: Device | None, at: int) -> bool:
        """Whether what ends at `at` is the section `before`, or else the last live section."""
        if before is not None:
            return self.by_size(before, at) is not None
        if not self.head.live or not self.footers:
            return at == self.head.after or self.data[at - 8 : at] in END_MARKS.values()
        closed = footer_id(self.data, at - FOOTER_SIZE)
        if self.head.stopped:  # the live sections are not all known
            return closed is not None
        return closed in {section.section_id for section in self.head.live}

    def _candidates(self, device: Device, after: int, window: int) -> list[Section]:
        end = after - self._footer_size
        section_id = footer_id(self.data, end) if self.footers else None
        pattern = header_pattern(section_id, device.idstr, device.instance_id)
        places = pattern.finditer(self.data, max(self.head.after, end - window), max(end, 0))
        sections = (self.opened(device, place.start(), after) for place in places)
        return [s for s in sections if s is not None and self._may_open(s.header)]

    def _may_open(self, at: int) -> bool:
        return not self.footers or footer_id(self.data, at - FOOTER_SIZE) is not None

    @property
    def _footer_size(self) -> int:
        return FOOTER_SIZE if self.footers else 0


def read_tail(data: Data, head: Head, description: Description) -> tuple[Section, ...]:
    """The FULL sections that the description lists, but for those in the head, in stream order."""
    devices = description.devices[len(head.early) :]
    after = description.at - 1
    walk = _Walk(data, head, _footers(data, head, after))
    sections: list[Section] = []
    for number in reversed(range(len(devices))):
        before = devices[number - 1] if number else None
        section = walk.by_size(devices[number], after)
        if section is None:
            section = walk.by_search(devices[number], after, before)
        if section is None:
            raise _lost(head, devices[number], after)
        sections.append(section)
        after = section.header
    if not walk.follows(None, after):
        reason = "no live section ends where the first device section begins"
        raise BadFooter(reason, offset=after, hint=head.stopped)
    return tuple(reversed(sections))


def _footers(data: Data, head: Head, after: int) -> bool:
    if head.footers is not None:
        return head.footers
    return footer_id(data, after - FOOTER_SIZE) is not None


def _section(data: Data, device: Device, at: int, end: int, *, footer: bool) -> Section:
    start = at + header_size(device.idstr)
    return Section(
        kind=SectionKind.FULL,
        section_id=int.from_bytes(data[at + 1 : at + 5], "big"),
        idstr=device.idstr,
        instance_id=device.instance_id,
        version_id=int.from_bytes(data[start - 4 : start], "big"),
        header=at,
        start=start,
        end=end,
        footer=footer,
    )


def _lost(head: Head, device: Device, after: int) -> BadFooter:
    name = f"{device.idstr} (instance {device.instance_id})"
    reason = f"no header and footer of {name}, {device.size} bytes, lead here"
    hint = "; ".join(part for part in (head.stopped, "the file is damaged") if part)
    return BadFooter(reason, offset=after, hint=hint)
