"""libvirt's save images (`virsh save`): a header, the domain's XML and a cookie, then the stream.

Numbers are 32-bit words in the byte order of the host that saved. Behind XML and cookie stand
zeros, room for a longer XML. The stream is as QEMU wrote it, or compressed. In libvirt's format
`sparse` it is a mapped-ram stream, whose offsets count from the start of the image.
"""

from __future__ import annotations

from typing import Literal

import attrs

from virtmig.containers.contract import At, Container, Inside, Wanted
from virtmig.errors import BadContainer, Truncated
from virtmig.stream.cursor import Data
from virtmig.stream.place import Place

MAGIC, UNFINISHED = b"LibvirtQemudSave", b"LibvirtQemudPart"
HEADER = 92
"""Bytes: the magic and nineteen words."""
VERSION = 2
FORMATS = ("raw", "gzip", "bzip2", "xz", "lzop", "zstd", "sparse")
"""How the stream is stored, by the number in the header."""
IN_PLACE = ("raw", "sparse")
ROOM = 64 << 10
"""Bytes of zeros that libvirt leaves behind XML and cookie."""
Order = Literal["little", "big"]


@attrs.frozen(kw_only=True)
class Image:
    """What stands in front of the stream."""

    finished: bool = True
    version: int = VERSION
    length: int
    """Bytes of XML, cookie and zeros behind them."""
    running: int
    """1 if the guest ran when it was saved, so that it is to run on."""
    format: int
    """Index in `FORMATS`."""
    cookie: int = 0
    """Where the cookie begins in the XML and all; 0 if there is none."""
    order: Order = "little"

    @property
    def stored(self) -> str:
        """The name of the format, or its number if it has none."""
        return FORMATS[self.format] if self.format < len(FORMATS) else f"format {self.format}"

    def header(self) -> bytes:
        """The bytes of the header."""
        words = (self.version, self.length, self.running, self.format, self.cookie, *(0,) * 14)
        start = MAGIC if self.finished else UNFINISHED
        return start + b"".join(word.to_bytes(4, self.order) for word in words)


def read_image(data: Data, at: int) -> Image:
    """The header at `at`, checked as libvirt does."""
    header = data[at : at + HEADER]
    if len(header) < HEADER:
        raise Truncated("a libvirt save image that is cut inside its header", offset=at)
    raw = [header[start : start + 4] for start in range(len(MAGIC), HEADER, 4)]
    order: Order = "little" if int.from_bytes(raw[0], "little") <= VERSION else "big"
    version, length, running, number, cookie = (int.from_bytes(one, order) for one in raw[:5])
    if not 0 < version <= VERSION or not length or cookie > length:
        reason = f"a libvirt header of version {version}, {length} bytes of XML, cookie at {cookie}"
        raise BadContainer(reason, offset=at, hint=_hint(header))
    return Image(
        finished=header.startswith(MAGIC),
        version=version,
        length=length,
        running=running,
        format=number,
        cookie=cookie,
        order=order,
    )


def _hint(header: bytes) -> str:
    return "" if header.startswith(MAGIC) else _NOT_FINISHED


_NOT_FINISHED = "libvirt did not finish this image: the save failed, or still goes on"


class Libvirt(Container):
    """A save image of libvirt."""

    name = "libvirt"
    doc = "a save image of libvirt (virsh save, managedsave)"

    def claims(self, start: bytes) -> bool:
        return start.startswith((MAGIC, UNFINISHED))

    def open(self, outer: Place, wanted: Wanted) -> Inside:  # noqa: ARG002  of the interface
        image = read_image(outer.data, outer.at)
        start = outer.at + HEADER + image.length
        remark = "" if image.finished else _NOT_FINISHED
        if start >= len(outer.data):
            reason = f"a libvirt save image that ends before its stream, which begins at {start:#x}"
            raise Truncated(reason, offset=len(outer.data), hint=remark)
        return At(start, "" if image.stored in IN_PLACE else image.stored, remark)


LIBVIRT = Libvirt()
