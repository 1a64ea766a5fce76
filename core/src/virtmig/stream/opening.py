"""Opening a stream: the way in for everything that reads a file of QEMU's."""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Self

import attrs

from virtmig.containers.contract import Layer, Wanted, sayings
from virtmig.containers.repacking import write_back
from virtmig.errors import BadValue, NotAStream, UnsupportedContainer, VirtmigError
from virtmig.stream.blocks import Block
from virtmig.stream.description import Description
from virtmig.stream.editing import Edits, plan, replaced
from virtmig.stream.framing import Layout, index_ram, locate
from virtmig.stream.head import MAGIC
from virtmig.stream.place import Place, is_at, mapped
from virtmig.stream.ram import RamIndex
from virtmig.stream.room import room_at
from virtmig.stream.sections import Configuration, Section


@attrs.define(eq=False)
class Stream:
    """A stream with all its FULL sections framed; payloads and RAM are fetched when asked for.

    Use it as a context manager, or close it: it holds the file open.
    """

    place: Place
    """Where the stream begins, in the file or in what was unpacked from it."""
    layers: tuple[Layer, ...] = ()
    """The containers around the stream, the outermost first."""
    _partial: bool = False
    """Whether a stream that ends too early is shown as far as it goes."""
    _closed: bool = attrs.field(default=False, init=False)
    layout: Layout = attrs.field(init=False)
    """Where everything in the stream lies."""
    _ram: RamIndex | None = attrs.field(default=None, init=False)

    def __attrs_post_init__(self) -> None:
        try:
            self.layout = locate(self.place, partial=self._partial)
        except VirtmigError as error:
            if self.layers:
                from virtmig.containers.peeling import context  # noqa: PLC0415  it is there

                error.hint = "; ".join(filter(None, (error.hint, *context(self.layers))))
            raise

    @classmethod
    def from_bytes(cls, data: bytes) -> Self:
        """A stream in memory, or a file in memory that holds one."""
        return cls.of(Place(data), Wanted())

    @classmethod
    def of(cls, outermost: Place, wanted: Wanted, *, partial: bool = False) -> Self:
        """The stream in whatever begins at a place, which is let go of if there is none."""
        layers: tuple[Layer, ...] = ()
        try:
            place, layers = _peeled(outermost, wanted)
            return cls(place, layers, partial)
        except BaseException:
            _close(outermost, layers)
            raise

    @property
    def configuration(self) -> Configuration | None:
        """The record that opens the stream; None with machine types up to 2.3."""
        return self.layout.head.configuration

    @property
    def machine(self) -> str:
        """Machine class name, e.g. `pc-q35-10.0`; empty if there is no configuration."""
        return self.configuration.machine if self.configuration else ""

    @property
    def sections(self) -> tuple[Section, ...]:
        """The FULL sections, in stream order."""
        return self.layout.sections

    @property
    def live(self) -> tuple[Section, ...]:
        """The START sections: RAM, and what else is sent while the guest runs."""
        return self.layout.head.live

    @property
    def description(self) -> Description | None:
        """The JSON at the end, if it is there and whole."""
        return self.layout.description

    @property
    def remark(self) -> str:
        """What to know of how sure the framing is; empty if it is proven."""
        return "; ".join(filter(None, (self.layout.remark, *sayings(self.layers))))

    @property
    def cut(self) -> VirtmigError | None:
        """Where the stream ends too early, if it does: what is shown is whole, the rest is lost."""
        return self.layout.cut

    @property
    def container(self) -> str:
        """What the stream is in, the outermost first: `libvirt, gzip`; empty if in nothing."""
        return ", ".join(layer.container.name for layer in self.layers)

    @property
    def page_size(self) -> int:
        """Guest page size in bytes."""
        return self.layout.head.page_size

    @property
    def blocks(self) -> tuple[Block, ...]:
        """The RAM blocks that the source listed."""
        return self.layout.head.blocks

    def payload(self, section: Section) -> bytes:
        """The bytes of a section, without header and footer."""
        return self.place.data[section.start : section.end]

    def ram(self) -> RamIndex:
        """The guest's RAM; the first call walks all of it (about 0.1 s for 2 GiB)."""
        if self._ram is None:
            self._ram = index_ram(self.place.data, self.layout)
        return self._ram

    def replaced(self, edits: Edits) -> list[tuple[int, bytes, bytes]]:
        """Each place that `write` would change: its offset, what is there, what would be.

        Raises what `write` would, and writes nothing.
        """
        data = self.place.data
        new = replaced(data, self.layout, edits)
        return [(at.start, data[at.start : at.stop], new[at]) for at in new]

    def write(self, path: str | os.PathLike[str], edits: Edits) -> None:
        """Write the stream with what `edits` changes; every other byte stays.

        If a length or a name changes, the description says so too, or, where that cannot be done,
        `CountMismatch` is raised. `path` is replaced at once when all is written; it may be this
        stream's own file, and this object goes on to show what was there before; but not if what
        the stream is in is not written, such as a disk.
        """
        lost = [one.container.name for one in self.layers if not one.writable]
        self.refuse_own(path, lost)
        pieces = plan(self.place.data, self.layout, edits)
        with self.proof() as proven:
            write_back(path, self.place, self.layers, pieces, proven)

    def refuse_own(self, path: str | os.PathLike[str], lost: Sequence[str]) -> None:
        """Refuse to replace the file that is read by one in which these parts of it are lost."""
        if lost and is_at(self.outermost, path):
            reason = f"{os.fspath(path)} is the file that is read; replaced, it would lose"
            raise BadValue(f"{reason}: {', '.join(lost)}", hint="write to another file")

    def check_whole(self) -> None:
        """Refuse a file whose RAM does not lead to its device state: it may hold two streams."""
        with suppress(UnsupportedContainer):  # RAM that cannot be walked
            self.ram()

    @contextmanager
    def proof(self) -> Generator[Callable[[], None]]:
        """Do `check_whole` beside what is done inside; what it gives waits for it, and raises.

        A file is written meanwhile: the disk is slower than the walk, so that it costs no time.
        """
        from concurrent.futures import ThreadPoolExecutor  # noqa: PLC0415  only who writes

        with ThreadPoolExecutor(1) as beside:
            yield beside.submit(self.check_whole).result

    @property
    def outermost(self) -> Place:
        """The file, with all that is around the stream."""
        return self.layers[0].outer if self.layers else self.place

    def close(self) -> None:
        """Let go of the files; nothing can be read any more."""
        if not self._closed:
            _close(self.outermost, self.layers)
        self._closed = True

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def open_stream(
    path: str | os.PathLike[str], *, snapshot: str = "", partial: bool = False
) -> Stream:
    """Open a file that QEMU saved, in whatever it is in, and frame its sections; RAM is not read.

    path: a file, a pipe, `-` for standard input, or a URL. snapshot: which one of a disk image.
    partial: also open a stream that ends too early, if some device sections are whole; `cut` says
    so then.

    What cannot be opened is an `OSError`, what is no stream a `StreamError`. A file must not be
    shortened while it is open: it is mapped.
    """
    return Stream.of(_open_place(os.fspath(path)), Wanted(snapshot), partial=partial)


def _close(outermost: Place, layers: tuple[Layer, ...]) -> None:
    """Let go of the file and of what was unpacked from it."""
    for place in [outermost, *(layer.inner for layer in layers if layer.unpacked)]:
        place.close()


def _peeled(place: Place, wanted: Wanted) -> tuple[Place, tuple[Layer, ...]]:
    """The stream in a file; a plain one needs nothing of what opens the others."""
    if place.start(len(MAGIC)) == MAGIC and wanted == Wanted():
        return place, ()
    from virtmig.containers.peeling import peel  # noqa: PLC0415  not for most streams

    return peel(place, wanted)


def _open_place(path: str) -> Place:
    """The bytes that a path stands for."""
    try:
        kind = stat.S_IFMT(Path(path).stat().st_mode)
    except FileNotFoundError:
        return _from_elsewhere(path)
    if kind not in (stat.S_IFREG, stat.S_IFIFO):
        raise NotAStream(
            "it is a directory or a device, not a file", hint="copy it to a file first"
        )
    file = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    if kind == stat.S_IFREG:
        with room_at(path, ""):
            return mapped(file)
    from virtmig.containers import sources  # noqa: PLC0415  not for most streams

    return sources.read_pipe(file)


def _from_elsewhere(path: str) -> Place:
    """What is no file of this name: standard input, a URL, or indeed nothing."""
    from virtmig.containers import sources  # noqa: PLC0415  not for most streams

    if path == sources.STDIN:
        return sources.read_stdin()
    if sources.is_url(path):
        return sources.read_url(path)
    raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), path)
