"""Files that hold a migration stream in some wrapping, or no stream at all: told apart by magic."""

from __future__ import annotations

from typing import Literal

from virtmig.errors import NotAStream, UnsupportedContainer
from virtmig.stream.cursor import Data

_COMPRESSED = {
    b"\x1f\x8b": ("gzip", "gzip -dc"),
    b"\xfd7zXZ\x00": ("xz", "xz -dc"),
    b"\x28\xb5\x2f\xfd": ("zstd", "zstd -dc"),
    b"BZh": ("bzip2", "bzip2 -dc"),
    b"\x89LZO\x00": ("lzop", "lzop -dc"),
}
_OTHER = {
    b"QFI\xfb": (
        "a qcow2 disk image",
        "load its snapshot in QEMU (-loadvm) and save it with: migrate file:NAME",
    ),
    b"\x7fELF": ("an ELF file", "a dump of guest memory has no device state"),
    b"KDUMP   ": ("a kdump file", "a dump of guest memory has no device state"),
    b"LibvirtQemudPart": ("a libvirt save that was not finished", "save the guest again"),
}
_LIBVIRT = b"LibvirtQemudSave"
_LIBVIRT_HEADER = 92
"""Bytes of libvirt's header: the magic and nineteen 32-bit words of the host's byte order."""


def refuse_wrapped(data: Data) -> None:
    """Refuse what is a known kind of file but not a stream as QEMU wrote it."""
    if not len(data):
        raise NotAStream("the file is empty", offset=0)
    start = data[:_LIBVIRT_HEADER]
    if start.startswith(_LIBVIRT):
        raise UnsupportedContainer("a libvirt save image", hint=_unwrap_libvirt(start))
    for magic, (name, command) in _COMPRESSED.items():
        if start.startswith(magic):
            raise UnsupportedContainer(f"a {name} file", hint=f"unpack it: {command} FILE > NEW")
    for magic, (name, hint) in _OTHER.items():
        if start.startswith(magic):
            raise UnsupportedContainer(name, hint=hint)


def _unwrap_libvirt(header: bytes) -> str:
    """How to cut the stream out; word 1 is the length of the XML, word 3 is 0 if uncompressed."""
    words = [header[at : at + 4] for at in range(len(_LIBVIRT), len(header), 4)]
    if len(words) < 4:
        return "it is cut within its header"
    version = int.from_bytes(words[0], "little")
    order: Literal["little", "big"] = "little" if version <= 0xFFFF else "big"
    start = _LIBVIRT_HEADER + int.from_bytes(words[1], order)
    hint = f"cut the stream out: tail -c +{start + 1} FILE > NEW"
    return hint + ("" if not any(words[3]) else ", then decompress NEW")
