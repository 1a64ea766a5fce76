"""Command descriptor blocks, as far as the layout of a request in flight depends on them.

Only commands that QEMU's disks carry out are known here: it refuses others at once, so that they
are never in flight (hw/scsi/scsi-disk.c, scsi_disk_reqops_dispatch).
"""

from __future__ import annotations

READS = {0x08: "READ(6)", 0x28: "READ(10)", 0xA8: "READ(12)", 0x88: "READ(16)"}
WRITES = {
    0x0A: "WRITE(6)",
    0x2A: "WRITE(10)",
    0xAA: "WRITE(12)",
    0x8A: "WRITE(16)",
    0x2E: "WRITE AND VERIFY(10)",
    0xAE: "WRITE AND VERIFY(12)",
    0x8E: "WRITE AND VERIFY(16)",
}
EMULATED = {
    0x00: "TEST UNIT READY",
    0x03: "REQUEST SENSE",
    0x04: "FORMAT UNIT",
    0x12: "INQUIRY",
    0x15: "MODE SELECT(6)",
    0x1A: "MODE SENSE(6)",
    0x1B: "START STOP UNIT",
    0x1E: "PREVENT ALLOW MEDIUM REMOVAL",
    0x25: "READ CAPACITY(10)",
    0x2B: "SEEK(10)",
    0x2F: "VERIFY(10)",
    0x35: "SYNCHRONIZE CACHE(10)",
    0x41: "WRITE SAME(10)",
    0x42: "UNMAP",
    0x43: "READ TOC",
    0x46: "GET CONFIGURATION",
    0x4A: "GET EVENT STATUS NOTIFICATION",
    0x51: "READ DISC INFORMATION",
    0x55: "MODE SELECT(10)",
    0x5A: "MODE SENSE(10)",
    0x8F: "VERIFY(16)",
    0x93: "WRITE SAME(16)",
    0x9E: "SERVICE ACTION IN(16)",
    0xAD: "READ DVD STRUCTURE",
    0xAF: "VERIFY(12)",
    0xBD: "MECHANISM STATUS",
}
NAMES = {**READS, **WRITES, **EMULATED}
TRANSFERS = READS.keys() | WRITES.keys()
"""Commands whose data goes between guest memory and the disk image; QEMU emulates all others."""

WITHOUT_DATA = (0x00, 0x1B, 0x1E, 0x2B, 0x35)
"""Emulated commands that move no data at all."""
FORMAT_UNIT = 0x04
MODE_SELECT_6 = 0x15
UNMAP, MODE_SELECT_10 = 0x42, 0x55
WRITE_SAME = (0x41, 0x93)
VERIFY = {0x2F: 7, 0xAF: 6, 0x8F: 10}
"""Where a VERIFY has its number of blocks; it is two bytes long at 7 and four elsewhere."""


def is_transfer(cdb: bytes) -> bool:
    """Whether the command is a read or a write."""
    return cdb[0] in TRANSFERS


def to_device(cdb: bytes) -> bool:
    """Whether data goes to the device (QEMU: hw/scsi/scsi-bus.c, scsi_cmd_xfer_mode).

    A command of that kind that transfers nothing counts as one without data, and QEMU then saves it
    like one that reads.
    """
    opcode = cdb[0]
    if opcode == FORMAT_UNIT:
        return bool(cdb[1] & 0x10)
    if opcode == MODE_SELECT_6:
        return cdb[4] != 0
    if opcode in (UNMAP, MODE_SELECT_10):
        return any(cdb[7:9])
    if opcode in WRITE_SAME:
        return not cdb[1] & 1
    if opcode in VERIFY:
        return _verifies_data(cdb, VERIFY[opcode])
    return opcode in WRITES


def _verifies_data(cdb: bytes, place: int) -> bool:
    """Whether a VERIFY brings data to compare with: one block, or as many as it names."""
    if not cdb[1] & 2:
        return False
    return bool(cdb[1] & 4) or any(cdb[place : place + (2 if place == 7 else 4)])


def name(cdb: bytes) -> str:
    """The command's name, or its operation code."""
    return NAMES.get(cdb[0], f"command {cdb[0]:#04x}")
