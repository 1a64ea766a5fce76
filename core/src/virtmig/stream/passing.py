"""A stream that flows through a pipe: its RAM is passed on, its device state is kept back.

The head is looked at before anything is written. Then the live sections are walked record by record
and passed on, pages and all; no more than a few pages are held at a time. What comes behind them is
the device state, which `skeleton` makes a stream of again.
"""

from __future__ import annotations

import re
from collections.abc import Generator
from contextlib import contextmanager
from functools import lru_cache
from itertools import accumulate

import attrs

from virtmig.errors import (
    BadFooter,
    NotAStream,
    Truncated,
    UnsupportedContainer,
)
from virtmig.stream.blocks import IGNORE_SHARED, MAPPED_RAM
from virtmig.stream.flow import Flow
from virtmig.stream.head import EARLY_WINDOW, MAGIC, Head, read_head, read_start
from virtmig.stream.live import RAM, skip_attributes
from virtmig.stream.ramwalk import CONTINUE, EOS, MULTIFD_FLUSH, skip_content
from virtmig.stream.records import COMMAND, footer
from virtmig.stream.sections import FOOTER_SIZE, SectionKind

LARGEST_HEAD = 16 << 20
"""Bytes in front of the pages of RAM: names of blocks, and devices that are saved early."""
ZERO_SIZE = 9
"""Bytes of a zero page: no page takes fewer."""
SHARE = 4
"""The source may be ahead by one of so many parts of what is still to come at the least."""
LONG = 1 << 18
"""Bytes of one part behind which there may be many more, when all pages were sent once."""
AGAIN = 1 << 13
"""How far the source may then be ahead, in bytes. Twice that is less than what follows a part if it
was the last one (20 KiB are the least), so it still waits for us if we slept while it stopped the
guest; and in what follows there is always time to make that less."""
FIRST_BYTES = 92
"""What tells a stream from other kinds of files; every stream is longer."""
TO_A_FILE = "save to a file, and change that with `virtmig edit`"
UNWRAP = "a pipe has to carry the stream as QEMU wrote it: unwrap it in front of virtmig"


@attrs.frozen(eq=False)
class Opening:
    """The head of a stream that flows."""

    data: bytes
    head: Head


def look_at_head(flow: Flow) -> Opening:
    """Wait until all of the head is there; nothing is passed on yet."""
    head = None
    seen = b""
    with _cut("the stream ends before RAM"):
        while head is None:
            seen = flow.look(LARGEST_HEAD)
            head = _whole_head(seen)
    return Opening(seen[: head.after], head)


def _whole_head(seen: bytes) -> Head | None:
    """The head that begins in `seen`; None if more has to come."""
    if len(seen) < FIRST_BYTES:
        return None
    if not seen.startswith(MAGIC):
        _refuse_wrapped(seen)
    try:
        configuration, _ = read_start(seen)
        if configuration is not None and MAPPED_RAM in configuration.capabilities:
            reason = "a mapped-ram stream is written at offsets and cannot flow"
            raise UnsupportedContainer(reason, hint=TO_A_FILE)
        head = read_head(seen, None)
    except Truncated:
        return None
    if head.stopped and len(seen) > head.after + 2 * EARLY_WINDOW:
        raise UnsupportedContainer(head.stopped, offset=head.after, hint=TO_A_FILE)
    return head if head.after < len(seen) and not head.stopped else None


def _refuse_wrapped(seen: bytes) -> None:
    """Refuse what is in a container, by its name: unpacking it would need all of it."""
    from virtmig.containers.peeling import containers  # noqa: PLC0415  not for most streams

    for container in containers():
        if container.claims(seen):
            raise UnsupportedContainer(f"a {container.name} file", offset=0, hint=UNWRAP)


@contextmanager
def _cut(reason: str) -> Generator[None, None, None]:
    """Say where in the stream it is that more should have come."""
    try:
        yield
    except Truncated as error:
        hint = "the save was given up, or the pipe broke"
        raise NotAStream(reason, offset=error.where.offset, hint=hint) from error


def pass_live(flow: Flow, head: Head) -> None:
    """Pass on the live sections, from behind the head to the end of the last one."""
    if not head.live:
        raise UnsupportedContainer("no section `ram` in front", offset=flow.at, hint=TO_A_FILE)
    walk = _LivePass(flow, head)
    with _cut("the stream ends inside RAM"):
        walk.run()


@attrs.define(eq=False)
class _LivePass:
    """Goes over live sections that flow; each part is one section's, in any order.

    The source must not have written all of its stream when we find that we cannot pass it on, so
    its pipe is small when the end can be near. That is after an END, and there is none before QEMU
    has gone through all blocks once, in the order of their list. Later, while a guest runs whose
    pages are sent again, any part may be the last one in front of an END; but not inside a part. So
    the pipe is small between parts, and in each one until that has become long. It stays small if
    who reads behind us is slow: then we find the end late, and a larger one makes nothing faster.
    """

    flow: Flow
    head: Head
    _rests: dict[str, int] = attrs.field(init=False)
    """Bytes of RAM from the start of a block on, by its name."""
    _left: int = attrs.field(init=False)
    """Bytes of RAM that QEMU has not come to yet: the end cannot be before."""
    _rest: int = attrs.field(default=0, init=False)
    """Bytes of RAM from the start of the named block on."""
    _part_at: int = attrs.field(default=0, init=False)
    """Where the part that goes on began."""
    _ending: bool = attrs.field(default=False, init=False)
    """Whether an END was met."""
    _named: bool = attrs.field(default=False, init=False)
    """Whether a RAM block was named, which items without a name then are about."""

    def __attrs_post_init__(self) -> None:
        lengths = [block.length for block in self.head.blocks]
        rests = [*accumulate(reversed(lengths))][::-1]
        self._rests = dict(zip((block.name for block in self.head.blocks), rests, strict=True))
        shared = IGNORE_SHARED in self.head.capabilities  # not all of its pages are sent
        self._left = 0 if shared else sum(lengths)

    def run(self) -> None:
        """Pass on all parts, up to the last END."""
        open_ids = {section.section_id: section.idstr for section in self.head.live}
        while open_ids:
            self.flow.allow(0)
            at = self._part_at = self.flow.at
            kind = self.flow.integer(1)
            if kind == COMMAND:
                self.flow.skip(2)
                self.flow.skip(self.flow.integer(2))
                continue
            section_id = self.flow.integer(4)
            if kind not in (SectionKind.PART, SectionKind.END) or section_id not in open_ids:
                reason = f"record {kind:#x} of section {section_id} where live sections go on"
                raise BadFooter(reason, offset=at)
            self._ending |= kind == SectionKind.END
            self._part(section_id, open_ids[section_id])
            if kind == SectionKind.END:
                del open_ids[section_id]

    def _part(self, section_id: int, idstr: str) -> None:
        if idstr == RAM:
            self._pages()
        else:
            skip_attributes(self.flow)
        at = self.flow.at
        if self.head.footers and self.flow.take(FOOTER_SIZE) != footer(section_id):
            raise BadFooter(f"a part of {idstr!r} is not closed where it ends", offset=at)

    def _pages(self) -> None:
        """Pass on the items of RAM, those of the common kinds many at once."""
        while True:
            if self._named:
                self._runs()
            at = self.flow.at
            word = self.flow.integer(8)
            flags = word & (self.head.page_size - 1)
            if flags == EOS:
                return
            if flags != MULTIFD_FLUSH:
                self._item(word, flags, at)

    def _runs(self) -> None:
        """Pass on pages and zero pages of the same block, as far as they are here."""
        pages, zeros = runs(self.head.page_size)
        while True:
            whole = self.flow.skip_known(pages, self.head.page_size + 8)
            null = self.flow.skip_known(zeros, ZERO_SIZE)
            if not whole and not null:
                return
            self._sent(self.flow.passed_word(ZERO_SIZE if null else self.head.page_size + 8))

    def _sent(self, word: int) -> None:
        """Let the source be less far ahead the sooner the end can come behind an item.

        Pages that need not be sent are left out, as those that virtio-mem has not plugged. One
        that does not lie behind the last one is sent again.
        """
        page = self.head.page_size
        left = max(0, self._rest - (word & -page) - page)
        self._left = left if left < self._left else 0
        ahead = self._left // page * ZERO_SIZE // SHARE
        self.flow.allow(0 if self._ending else ahead or self._again())

    def _again(self) -> int:
        """How far the source may be ahead in a part with pages that were sent before."""
        long = self.flow.at - self._part_at >= LONG
        return AGAIN if long and not self.flow.lags else 0

    def _item(self, word: int, flags: int, at: int) -> None:
        """Pass on one page in any encoding, from behind the item's first word."""
        if not flags & CONTINUE:
            name = self.flow.text()
            if name not in self._rests:
                raise BadFooter(f"a page of the unknown RAM block {name!r}", offset=at)
            self._named = True
            self._rest = self._rests[name]
        if not self._named:
            raise BadFooter("a page continues a RAM block, but none came before", offset=at)
        skip_content(self.flow, flags, self.head.page_size, at)
        self._sent(word)


@lru_cache
def runs(page_size: int) -> tuple[re.Pattern[bytes], re.Pattern[bytes]]:
    """Match any number of whole pages, and of zero pages, that name no block."""
    byte6 = b"".join(b"\\x%02x" % low for low in range(0, 256, page_size >> 8))
    word = rb".{6}[%s]" % byte6
    page, zero = rb"%s\x28.{%d}" % (word, page_size), rb"%s\x22." % word
    return re.compile(rb"(?:%s)*+" % page, re.DOTALL), re.compile(rb"(?:%s)*+" % zero, re.DOTALL)
