"""Guest RAM in a stream: an index from block and offset to where the bytes lie."""

from __future__ import annotations

import mmap
from collections.abc import Iterator

import attrs

from virtmig.errors import BadFooter, GuestMemoryError, LimitExceeded, UnsupportedContainer
from virtmig.stream.blocks import IGNORE_SHARED, MAPPED_RAM, Block, Mapped
from virtmig.stream.cursor import Cursor, Data
from virtmig.stream.head import Head
from virtmig.stream.live import RAM, skip_attributes
from virtmig.stream.pages import apply_difference, inflate
from virtmig.stream.ramwalk import COMPRESSED, CONTINUE, PAGE, XBZRLE, ZERO, RamWalk
from virtmig.stream.records import COMMAND, check_footer, read_command
from virtmig.stream.runs import Run, Runs
from virtmig.stream.sections import FOOTER_SIZE, Command, SectionKind

MOST_COMMANDS = 4096
FEWEST_PAGES = 256
"""No guest has less RAM than so many pages."""


@attrs.frozen(eq=False)
class RamIndex:
    """The RAM of a stream, by block and offset in the block."""

    blocks: tuple[Block, ...]
    """All blocks that the source listed; `holds` says whether their pages were sent."""
    page_size: int
    """Bytes of a page."""
    commands: tuple[Command, ...]
    """Messages that were met between the live sections."""
    end: int
    """Offset of the first record behind the live sections."""
    parts: tuple[range, ...]
    """Where the PART and END records of RAM lie, in stream order."""
    _data: Data
    _runs: dict[str, Runs]
    _shared: bool
    _elsewhere: bool
    """Whether pages were sent through other channels."""

    @property
    def run_count(self) -> int:
        """Runs of pages in the index; each takes 24 bytes."""
        return sum(map(len, self._runs.values()))

    def block(self, name: str) -> Block:
        """The block of that name."""
        for block in self.blocks:
            if block.name == name:
                return block
        raise GuestMemoryError(f"the stream has no RAM block {name!r}")

    def holds(self, name: str) -> bool:
        """Whether the block's pages are in the stream; a page that was never sent is zero."""
        return not self.why_absent(name)

    def why_absent(self, name: str) -> str:
        """Why the block's pages are not in the stream; empty if they are.

        With x-ignore-shared, shared blocks are listed and not sent.
        """
        if self.block(name).mapped is not None:
            return ""
        if self._elsewhere:
            return "a multifd migration sent RAM through other channels than this one"
        if self._shared and not len(self._runs[name]):
            return f"the source left out the shared RAM block {name!r}"
        return ""

    def sent(self, name: str) -> Iterator[tuple[int, int, Run]]:
        """The block's pages as they were last sent, by address: first, how many, in which run."""
        runs = self._runs[name]
        for start, end, owner in runs.pieces():
            yield start, end - start, runs[owner]

    def page(self, name: str, page: int) -> bytes:
        """A whole page."""
        return self._page(self.block(name), page)

    def read(self, name: str, offset: int, size: int) -> bytes:
        """`size` bytes of a block as they were when the guest had stopped."""
        block = self.block(name)
        if offset < 0 or size < 0 or offset + size > block.length:
            reason = f"{size} bytes at {offset:#x} are not all in RAM block {name!r}"
            raise GuestMemoryError(reason)
        if absent := self.why_absent(name):
            reason = f"the pages of RAM block {name!r} are not in the stream"
            raise GuestMemoryError(reason, hint=absent)
        parts: list[bytes] = []
        while size > 0:
            page, skip = divmod(offset, self.page_size)
            parts.append(self._page(block, page)[skip : skip + size])
            offset += len(parts[-1])
            size -= len(parts[-1])
        return b"".join(parts)

    def place(self, name: str, offset: int, size: int) -> range:
        """Where in the file `size` bytes of one page lie as they are, to be overwritten there."""
        block = self.block(name)
        page, skip = divmod(offset, self.page_size)
        if offset < 0 or offset + size > block.length or skip + size > self.page_size:
            raise GuestMemoryError(f"{size} bytes at {offset:#x} are in no page of {name!r}")
        start = self._plain(block, page)
        if start is None:
            reason = f"the page at {page * self.page_size:#x} of {name!r} is not stored as it is"
            raise GuestMemoryError(reason, hint="it is all zero, packed, or was left out")
        return range(start + skip, start + skip + size)

    def _plain(self, block: Block, page: int) -> int | None:
        """Offset of a page that is stored byte for byte; None for others."""
        if block.mapped is not None:
            mapped = block.mapped
            sent = self._data[mapped.bitmap + page // 8] >> page % 8 & 1
            return mapped.pages + page * self.page_size if sent else None
        index = self._runs[block.name].find(page)
        if index is None or self._elsewhere:
            return None
        run = self._runs[block.name][index]
        if run.flags & ~CONTINUE != PAGE:
            return None
        return run.place + (page - run.page) * (self.page_size + 8)

    def _page(self, block: Block, page: int) -> bytes:
        """A whole page."""
        if block.mapped is not None:
            return self._mapped_page(block.mapped, page)
        runs = self._runs[block.name]
        index = runs.find(page)
        return bytes(self.page_size) if index is None else self._sent(runs, index, page)

    def _mapped_page(self, mapped: Mapped, page: int) -> bytes:
        at, size = page * self.page_size, self.page_size
        if not self._data[mapped.bitmap + page // 8] >> page % 8 & 1:
            return bytes(size)
        return self._data[mapped.pages + at : mapped.pages + at + size]

    def _sent(self, runs: Runs, index: int, page: int) -> bytes:
        """A page as one run has it, and for a difference as the runs before have it."""
        differences: list[int] = []
        found: int | None = index
        while found is not None:
            run = runs[found]
            if run.flags & ~CONTINUE != XBZRLE:
                break
            differences.append(run.place)
            found = runs.earlier(found, page)
        content = bytes(self.page_size) if found is None else self._stored(runs[found], page)
        for place in reversed(differences):
            content = apply_difference(Cursor(self._data, place), content)
        return content

    def _stored(self, run: Run, page: int) -> bytes:
        """A page of a run whose pages do not depend on earlier ones."""
        kind = run.flags & ~CONTINUE
        if kind == COMPRESSED:
            return inflate(Cursor(self._data, run.place), self.page_size)
        if kind == ZERO:
            return self._data[run.place : run.place + 1] * self.page_size
        at = run.place + (page - run.page) * (self.page_size + 8)
        return self._data[at : at + self.page_size]


def read_ram(data: Data, head: Head) -> RamIndex:
    """Walk all live sections of a stream and index the pages of RAM."""
    if head.stopped:
        reason = f"RAM cannot be walked: {head.stopped}"
        if not head.live:
            reason = f"no section `ram` in front, and no description behind: {head.stopped}"
        raise UnsupportedContainer(reason, offset=head.after)
    if isinstance(data, mmap.mmap):
        data.madvise(mmap.MADV_NORMAL)  # read ahead: all of it is walked
    shift = head.page_size.bit_length() - 1
    runs = {block.name: Runs(shift) for block in head.blocks}
    walk = _LiveWalk(data, head, RamWalk(data, head.page_size, runs))
    end = walk.run()
    for block in head.blocks:
        if runs[block.name].end > -(-block.length // head.page_size):
            raise BadFooter(f"a page lies beyond the end of RAM block {block.name!r}", offset=end)
    parts, commands = tuple(walk.parts), tuple(walk.commands)
    shared, elsewhere = IGNORE_SHARED in head.capabilities, walk.ram.flushed
    elsewhere = elsewhere or _zeros_only(head, runs)
    return RamIndex(
        head.blocks, head.page_size, commands, end, parts, data, runs, shared, elsewhere
    )


def _zeros_only(head: Head, runs: dict[str, Runs]) -> bool:
    """Whether no page has content and most of RAM is not there: QEMU up to 8.0 with multifd.

    Such a QEMU sends zero pages through the main channel and gives no other sign.
    """
    if {IGNORE_SHARED, MAPPED_RAM}.intersection(head.capabilities):
        return False
    pages = sum(block.length for block in head.blocks) // head.page_size
    if any(one.flags & ~CONTINUE != ZERO for each in runs.values() for one in each.all()):
        return False
    return FEWEST_PAGES < pages > sum(each.pages for each in runs.values())


@attrs.define(eq=False)
class _LiveWalk:
    """Goes from the head of a stream to where all live sections have ended."""

    data: Data
    head: Head
    ram: RamWalk
    commands: list[Command] = attrs.field(factory=list[Command])
    parts: list[range] = attrs.field(factory=list[range])

    def run(self) -> int:
        """The offset of the record after the last END."""
        open_ids = {section.section_id: section.idstr for section in self.head.live}
        at = self.head.after
        while open_ids:
            kind = Cursor(self.data, at).integer(1)
            if kind == COMMAND:
                if len(self.commands) == MOST_COMMANDS:
                    raise LimitExceeded(f"more than {MOST_COMMANDS} commands", offset=at)
                self.commands.append(read_command(self.data, at))
                at = self.commands[-1].end
                continue
            section_id = Cursor(self.data, at + 1).integer(4)
            if kind not in (SectionKind.PART, SectionKind.END) or section_id not in open_ids:
                reason = f"record {kind:#x} of section {section_id} where live sections go on"
                raise BadFooter(reason, offset=at)
            after = self._part(at, section_id, open_ids[section_id])
            if open_ids[section_id] == RAM:
                self.parts.append(range(at, after))
            at = after
            if kind == SectionKind.END:
                del open_ids[section_id]
        return at

    def _part(self, at: int, section_id: int, idstr: str) -> int:
        """Pass over one PART or END section."""
        end = self._items(at + 5, idstr)
        if not self.head.footers:
            return end
        check_footer(self.data, end, section_id, idstr)
        return end + FOOTER_SIZE

    def _items(self, at: int, idstr: str) -> int:
        if idstr == RAM:
            return self.ram.section(at)
        cursor = Cursor(self.data, at)  # of storage attributes: the head lets no other pass
        skip_attributes(cursor)
        return cursor.at
