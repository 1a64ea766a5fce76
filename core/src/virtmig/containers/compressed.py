"""Compressed files: gzip, bzip2, xz, lzma and zstd, unpacked piece by piece."""

from __future__ import annotations

import importlib
import re
import zlib
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any, Protocol

import attrs

from virtmig.containers.contract import Container, Inside, Unpacked, Wanted
from virtmig.containers.members import SMALL, Feed, Members
from virtmig.errors import BadContainer, LimitExceeded, Truncated, UnsupportedContainer
from virtmig.stream.output import Packer
from virtmig.stream.place import CHUNK, Place

LARGEST_WINDOW = 256 << 20
"""Bytes of memory that a decompressor may take; `xz -9` needs 65 MiB."""


class Decoder(Protocol):
    """What unpacks one member of a file, as `bz2.BZ2Decompressor` does."""

    @property
    def eof(self) -> bool:
        """Whether the member has ended."""
        ...

    @property
    def needs_input(self) -> bool:
        """Whether nothing comes out before more goes in."""
        ...

    @property
    def unused_data(self) -> bytes:
        """What was given and lies behind the member."""
        ...

    def decompress(self, data: bytes, max_length: int) -> bytes:
        """What comes out, up to `max_length` bytes."""
        ...


@attrs.frozen
class Method:
    """One way to compress: what unpacks it, and what packs it."""

    decoder: Callable[[], Decoder]
    packer: Callable[[], Packer]
    damaged: tuple[type[Exception], ...]
    """What the decoder raises for damaged bytes."""
    passed: Callable[[Feed], bool] = lambda _: False
    """Passes over members that hold nothing and say how long they are; whether there was one."""


@attrs.frozen(eq=False)
class Compressed(Container):
    """A file compressed as a whole; several one after another are one."""

    name: str
    doc: str
    suffixes: tuple[str, ...]
    magics: tuple[bytes, ...]
    _method: Callable[[], Method]
    """Imports what it takes; called when such a file is met."""
    padding: int = 0
    """Zeros may stand between two members, in multiples of so many bytes; 0: none may."""

    def claims(self, start: bytes) -> bool:
        return start.startswith(self.magics)

    def open(self, outer: Place, wanted: Wanted) -> Inside:  # noqa: ARG002  of the interface
        feed, method = Feed(outer), self._method()
        members = Members(self.name, self.claims, partial(self._member, method), self.padding)
        return Unpacked(members.all(feed), packed=outer.size, end=lambda: feed.end)

    def packer(self) -> Packer | None:
        return self._method().packer()

    def _member(self, method: Method, feed: Feed) -> Iterator[bytes]:
        """What is in one member, or nothing of several that hold nothing."""
        if method.passed(feed):
            return
        decoder = method.decoder()
        size = SMALL
        while data := feed.take(size):
            while not decoder.eof and (data or not decoder.needs_input):
                yield self._decompressed(decoder, data, method, feed.at)
                data = b""
            if decoder.eof:
                feed.give_back(decoder.unused_data)
                return
            size = min(2 * size, CHUNK)
        raise Truncated(f"the {self.name} data ends early")

    def _decompressed(self, decoder: Decoder, data: bytes, method: Method, at: int) -> bytes:
        try:
            return decoder.decompress(data, CHUNK)
        except method.damaged as error:
            if "memory" in str(error).lower():
                reason = f"it takes too much memory to unpack the {self.name} data: {error}"
                raise LimitExceeded(reason, offset=at) from error
            reason = f"the {self.name} data is damaged before here: {error}"
            raise BadContainer(reason, offset=at) from error


@attrs.define
class _Inflate:
    """zlib's decompressor with the interface of the others."""

    _inner: Any = attrs.field(factory=lambda: zlib.decompressobj(wbits=31))

    @property
    def eof(self) -> bool:
        return bool(self._inner.eof)

    @property
    def needs_input(self) -> bool:
        return not self._inner.unconsumed_tail

    @property
    def unused_data(self) -> bytes:
        return bytes(self._inner.unused_data)

    def decompress(self, data: bytes, max_length: int) -> bytes:
        return bytes(self._inner.decompress(self._inner.unconsumed_tail + data, max_length))


def _gzip() -> Method:
    return Method(_Inflate, lambda: zlib.compressobj(wbits=31), (zlib.error,))


def _bzip2() -> Method:
    import bz2  # noqa: PLC0415  only for such files

    return Method(bz2.BZ2Decompressor, bz2.BZ2Compressor, (OSError, ValueError))


def _xz() -> Method:
    import lzma  # noqa: PLC0415  only for such files

    def decoder() -> Decoder:
        return lzma.LZMADecompressor(memlimit=LARGEST_WINDOW)

    return Method(decoder, lzma.LZMACompressor, (lzma.LZMAError,))


def _lzma() -> Method:
    import lzma  # noqa: PLC0415  only for such files

    def packer() -> Packer:
        return lzma.LZMACompressor(format=lzma.FORMAT_ALONE)

    return attrs.evolve(_xz(), packer=packer)


def _zstd() -> Method:
    zstd = needed(("compression.zstd", "backports.zstd"), "zstd", "zstd -dc")
    return Method(zstd.ZstdDecompressor, zstd.ZstdCompressor, (zstd.ZstdError,), _pass_frames)


_SKIPPABLE = re.compile(rb"[\x50-\x5f]\x2a\x4d\x18(....)", re.DOTALL)
"""A frame of zstd that a decoder passes over; its length follows."""


def _pass_frames(feed: Feed) -> bool:
    """Pass over skippable frames; whether there was one. A file may have millions."""
    start = feed.at
    while data := feed.take(CHUNK):
        feed.give_back(data)
        at = 0
        while found := _SKIPPABLE.match(data, at):
            after = found.end() + int.from_bytes(found[1], "little")
            if after > feed.left:
                break
            at = after
        if not at:
            break
        feed.at += at
    return feed.at > start


def needed(modules: tuple[str, ...], extra: str, command: str) -> Any:
    """The first of the modules that is installed; else the error that says how to go on."""
    for name in modules:
        try:
            return importlib.import_module(name)
        except ImportError:
            continue
    hint = f'pip install "virtmig[{extra}]"; or pipe it: {command} FILE | virtmig ... -'
    hint += f"; or write a plain stream, and run {command.partition(' ')[0]} on it"
    raise UnsupportedContainer(f"no module of Python for {extra} is installed", hint=hint)


GZIP = Compressed("gzip", "a file that gzip compressed", (".gz",), (b"\x1f\x8b",), _gzip)
BZIP2 = Compressed("bzip2", "a file that bzip2 compressed", (".bz2",), (b"BZh",), _bzip2)
_DICTIONARIES = (*(2**n for n in range(32)), *(3 * 2**n for n in range(31)), 2**32 - 1)
"""Sizes of the dictionary that are taken for a sign of lzma, as `xz` takes them: the format has no
other."""
XZ = Compressed("xz", "a file that xz compressed", (".xz",), (b"\xfd7zXZ\x00",), _xz, 4)
LZMA = Compressed(
    "lzma",
    "a file that lzma compressed",
    (".lzma",),
    tuple(b"\x5d" + size.to_bytes(4, "little") for size in _DICTIONARIES),
    _lzma,
)
ZSTD = Compressed(
    "zstd",
    "a file that zstd compressed",
    (".zst", ".zstd"),
    (b"\x28\xb5\x2f\xfd", *(bytes([0x50 + low]) + b"\x2a\x4d\x18" for low in range(16))),
    _zstd,
)
