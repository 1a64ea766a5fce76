"""Guest RAM in a stream: an index from block and offset to where the bytes lie."""

from __future__ import annotations

import mmap

import attrs

from virtmig.errors import BadFooter, GuestMemoryError, LimitExceeded, UnsupportedContainer
from virtmig.stream.blocks import IGNORE_SHARED, Block, Mapped
from virtmig.stream.cursor import Cursor, Data
from virtmig.stream.head import Head
from virtmig.stream.live import RAM, skip_attributes
from virtmig.stream.pages import apply_difference, inflate
from virtmig.stream.ramwalk import COMPRESSED, CONTINUE, XBZRLE, ZERO, RamWalk
from virtmig.stream.records import COMMAND, check_footer, read_command
from virtmig.stream.runs import Run, Runs
from virtmig.stream.sections import FOOTER_SIZE, Command, SectionKind

MOST_COMMANDS = 4096


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
    _data: Data
    _runs: dict[str, Runs]
    _shared: bool

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
        """Whether the block's pages are in the stream.

        With x-ignore-shared, shared blocks are listed and not sent; otherwise a page that was
        never sent is zero.
        """
        block = self.block(name)
        return not self._shared or block.mapped is not None or len(self._runs[name]) > 0

    def read(self, name: str, offset: int, size: int) -> bytes:
        """`size` bytes of a block as they were when the guest had stopped."""
        block = self.block(name)
        if offset < 0 or size < 0 or offset + size > block.length:
            reason = f"{size} bytes at {offset:#x} are not all in RAM block {name!r}"
            raise GuestMemoryError(reason)
        if not self.holds(name):
            reason = f"the pages of RAM block {name!r} are not in the stream"
            raise GuestMemoryError(reason, hint="the source left out shared memory")
        parts: list[bytes] = []
        while size > 0:
            page, skip = divmod(offset, self.page_size)
            parts.append(self._page(block, page)[skip : skip + size])
            offset += len(parts[-1])
            size -= len(parts[-1])
        return b"".join(parts)

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
        raise UnsupportedContainer(f"RAM cannot be walked: {head.stopped}", offset=head.after)
    if isinstance(data, mmap.mmap):
        data.madvise(mmap.MADV_NORMAL)  # read ahead: all of it is walked
    shift = head.page_size.bit_length() - 1
    runs = {block.name: Runs(shift) for block in head.blocks}
    walk = _LiveWalk(data, head, RamWalk(data, head.page_size, runs))
    end = walk.run()
    for block in head.blocks:
        if runs[block.name].end > -(-block.length // head.page_size):
            raise BadFooter(f"a page lies beyond the end of RAM block {block.name!r}", offset=end)
    shared = IGNORE_SHARED in head.capabilities
    return RamIndex(head.blocks, head.page_size, tuple(walk.commands), end, data, runs, shared)


@attrs.define(eq=False)
class _LiveWalk:
    """Goes from the head of a stream to where all live sections have ended."""

    data: Data
    head: Head
    ram: RamWalk
    commands: list[Command] = attrs.field(factory=list[Command])

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
            at = self._part(at, section_id, open_ids[section_id])
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
