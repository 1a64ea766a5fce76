"""Files that are known and hold no stream: they are named, with what to do instead."""

from __future__ import annotations

import attrs

from virtmig.containers.contract import Container, Inside, Wanted
from virtmig.errors import UnsupportedContainer
from virtmig.stream.place import Place


@attrs.frozen(eq=False)
class Foreign(Container):
    """A kind of file in which there is no device state."""

    name: str
    doc: str
    _magic: bytes
    _hint: str

    def claims(self, start: bytes) -> bool:
        return start.startswith(self._magic)

    def open(self, outer: Place, wanted: Wanted) -> Inside:  # noqa: ARG002  of the interface
        raise UnsupportedContainer(self.doc, offset=outer.at, hint=self._hint)


_DUMP = "a dump of guest memory has no device state"
FOREIGN = (
    Foreign("elf", "an ELF file", b"\x7fELF", _DUMP),
    Foreign("kdump", "a kdump file", b"KDUMP   ", _DUMP),
    Foreign(
        "multifd",
        "what one channel of a multifd migration sent: pages of RAM without device state",
        b"\x11\x22\x33\x44",
        "the device state is in the main channel, which begins with QEVM",
    ),
    Foreign("qed", "a QED disk image", b"QED\0", "it has no snapshots"),
    Foreign("vmdk", "a VMDK disk image", b"KDMV", "only qcow2 images have snapshots of QEMU"),
)
