"""What virtio-scsi and the disks behind it save: the controller nothing of its own, disks the rest.

A request in flight is in the section of the disk that it is for.
"""

from __future__ import annotations

from virtmig.api import (
    QUEUE_MAX,
    Condition,
    OpenFact,
    Scope,
    Seen,
    VirtQueueElement,
    be32,
    be64,
    boolean,
    buffer,
    conditional,
    depends_on,
    keyed,
    raw,
    record,
    struct,
    subsection,
    u8,
    unsafe,
    wire,
)
from virtmig_scsi import cdb

TOLD = conditional("the guest learns of it when it asks for events of the medium, or never")
FIRST_REQUEST_QUEUE = 2
RETRIED = 1
SECTOR = 512
BUFFER_MAX = 131072
"""Bytes of QEMU's own buffer for a request at the most (QEMU: SCSI_DMA_BUF_SIZE)."""

EMULATED_REQUESTS = OpenFact(
    "emulated_requests",
    ("as_written", "as_read", "absent"),
    "the disk part of requests other than reads and writes (QEMU: property "
    "migrate-emulated-scsi-request, on from machine type 9.1; absent before): if such a request "
    "has got data from the guest (UNMAP), QEMU writes no data and reads some, so no version loads "
    "its own stream with one",
)


def _has_disk_part(scope: Scope, seen: Seen) -> bool:
    return cdb.is_transfer(seen["cdb"]) or scope.facts[EMULATED_REQUESTS.name] != "absent"


def _writes(scope: Scope, seen: Seen) -> bool:
    if not seen.get("buflen") or not cdb.to_device(seen["cdb"]):
        return False
    return cdb.is_transfer(seen["cdb"]) or scope.facts[EMULATED_REQUESTS.name] == "as_read"


def _has_read(_: Scope, seen: Seen) -> bool:
    buffered = bool(seen.get("buflen")) and seen["marker"] != RETRIED
    return buffered and not cdb.to_device(seen["cdb"])


DISK_PART = Condition(
    "a read or a write, or emulated_requests is not absent", _has_disk_part, ("cdb",)
)
WRITES = Condition(
    "`buflen` is set, data to the device; of a write, or emulated_requests is as_read",
    _writes,
    ("cdb", "buflen"),
)
HAS_READ = Condition(
    "`buflen` is set, no data to the device, `marker` is 2", _has_read, ("marker", "cdb", "buflen")
)


@depends_on("sector_count", "buflen")
def _written(_: Scope, seen: Seen) -> int:
    """min(512 * sector_count, buflen)"""
    return min(SECTOR * (seen["sector_count"] or 0), seen["buflen"] or 0)


@record()
class ScsiRequest:
    """A request in flight (QEMU: put_scsi_req).

    Up to `lun` it is the bus's, then the adapter's (virtio_scsi_save_request), and from `sector` on
    the disk's (scsi_disk_save_request).
    """

    marker: int = wire(
        u8.from_(1).upto(2), "1: failed, to be tried again from the start; 2: under way"
    )
    cdb: bytes = wire(raw(16), "command descriptor block")
    tag: int = wire(be32, "number by which the adapter knows it")
    lun: int = wire(be32, "logical unit that it is for")
    queue: int = wire(
        be32.upto(QUEUE_MAX - FIRST_REQUEST_QUEUE - 1),
        "request queue that it came from; 0 is virtqueue 2",
    )
    elem: VirtQueueElement = wire(struct(VirtQueueElement), "its descriptor chain")
    sector: int | None = wire(be64, "next place on the disk, in 512 bytes", when=DISK_PART)
    sector_count: int | None = wire(be32, "what is left to do, in 512 bytes", when=DISK_PART)
    buflen: int | None = wire(
        be32.upto(BUFFER_MAX), "size of QEMU's own buffer for it, in bytes", when=DISK_PART
    )
    written: bytes | None = wire(
        buffer(_written), "data that the guest wrote and the disk lacks", when=WRITES
    )
    iov_len: int | None = wire(
        be32.upto(BUFFER_MAX), "bytes in `read`, at most `buflen`", when=HAS_READ
    )
    read: bytes | None = wire(
        buffer("iov_len"), "data for the guest that it has not got yet", when=HAS_READ
    )


SENSE_OLD, SENSE_ALL = 96, 252
"""Bytes of the sense buffer in every stream, and in all (QEMU: SCSI_SENSE_BUF_SIZE)."""


@record("SCSIDevice/sense")
class LongSense:
    """What does not fit the old sense buffer; sent if `sense_len` is above 96."""

    sense: bytes = wire(raw(SENSE_ALL - SENSE_OLD), "sense data from byte 96 on")


@record("SCSIDevice")
class ScsiDevice:
    """What any SCSI device saves (QEMU: hw/scsi/scsi-bus.c, vmstate_scsi_device)."""

    unit_attention_key: int = wire(u8, "sense key to report at the next command; 0: none")
    unit_attention_asc: int = wire(u8, "its additional sense code")
    unit_attention_ascq: int = wire(u8, "its additional sense code qualifier")
    sense_is_ua: bool = wire(boolean, "`sense` is of a unit attention")
    sense: bytes = wire(raw(SENSE_OLD), "sense data of the last failed command")
    sense_len: int = wire(be32.upto(SENSE_ALL), "bytes of it that mean anything")
    requests: tuple[ScsiRequest, ...] = wire(
        keyed(ScsiRequest, u8),
        "in flight: stopped on an I/O error or held across a stop",
        edit=unsafe("the guest driver waits for the answer to just these requests"),
    )
    long_sense: LongSense | None = wire(subsection(LongSense), "the rest of `sense`")


@record()
class DiskState:
    """A whole section (QEMU: hw/scsi/scsi-disk.c, vmstate_scsi_disk_state); also of `scsi-cd`."""

    qdev: ScsiDevice = wire(struct(ScsiDevice), "what any SCSI device saves")
    media_changed: bool = wire(
        boolean, "the guest has not been told yet of another medium", edit=TOLD
    )
    media_event: bool = wire(boolean, "an event of the medium waits to be asked for", edit=TOLD)
    eject_request: bool = wire(boolean, "the user asked the guest to eject", edit=TOLD)
    tray_open: bool = wire(boolean, "the medium of a CD drive is out")
    tray_locked: bool = wire(boolean, "the guest has locked the tray")


@record()
class ScsiState:
    """The device part of virtio-scsi, empty (QEMU: hw/scsi/virtio-scsi.c, vmstate_virtio_scsi)."""
