"""Which parts of a request in flight are there, by its command."""

from __future__ import annotations

from typing import Any

import pytest

from virtmig.api import Scope, VirtQueueElement, decode, encode
from virtmig_scsi import cdb
from virtmig_scsi.disk import disk_view
from virtmig_scsi.state import DiskState, LongSense, ScsiDevice, ScsiRequest

ELEM = VirtQueueElement(
    ndescs=None,
    index=1,
    out_num=0,
    in_num=0,
    padding=0,
    in_addr=(),
    out_addr=(),
    in_sg=(),
    out_sg=(),
    ndescs_behind=None,
)
FACTS = {"host_byteorder": "little", "element_ndescs": "absent"}


def command(opcode: int, **others: int) -> bytes:
    made = bytearray(16)
    made[0] = opcode
    for place, value in others.items():
        made[int(place.removeprefix("at"))] = value
    return bytes(made)


READ, WRITE, UNMAP, FLUSH = command(0x28), command(0x2A), command(0x42, at8=24), command(0x35)


@pytest.mark.parametrize(
    ("block", "expected"),
    [
        (READ, False),
        (WRITE, True),
        (command(0x0A), True),
        (FLUSH, False),
        (UNMAP, True),
        (command(0x42), False),
        (command(0x15), False),
        (command(0x15, at4=12), True),
        (command(0x55, at7=1), True),
        (command(0x04), False),
        (command(0x04, at1=0x10), True),
        (command(0x41), True),
        (command(0x93, at1=1), False),
        (command(0x2F, at8=1), False),
        (command(0x2F, at1=2), False),
        (command(0x2F, at1=2, at8=1), True),
        (command(0xAF, at1=2, at9=1), True),
        (command(0x8F, at1=2, at13=1), True),
        (command(0x8F, at1=6), True),
        (command(0x1B, at4=3), False),
    ],
)
def test_the_direction_of_a_command_is_that_of_qemu(block: bytes, expected: bool) -> None:
    assert cdb.to_device(block) is expected


def disk(*requests: ScsiRequest, long_sense: LongSense | None = None) -> DiskState:
    device = ScsiDevice(
        unit_attention_key=0,
        unit_attention_asc=0,
        unit_attention_ascq=0,
        sense_is_ua=False,
        sense=bytes(96),
        sense_len=100 if long_sense else 0,
        requests=requests,
        long_sense=long_sense,
    )
    return DiskState(
        qdev=device,
        media_changed=False,
        media_event=True,
        eject_request=False,
        tray_open=True,
        tray_locked=False,
    )


def request(block: bytes, marker: int = 1, **parts: Any) -> ScsiRequest:
    return ScsiRequest(marker=marker, cdb=block, tag=7, lun=0, queue=1, elem=ELEM, **parts)


PLACE = {"sector": 8, "sector_count": 2, "buflen": 4096}


@pytest.mark.parametrize(
    ("emulated", "found"),
    [
        ("absent", request(FLUSH)),
        ("absent", request(UNMAP, 2)),
        ("absent", request(READ, **PLACE)),
        ("absent", request(READ, 2, **PLACE, iov_len=3, read=b"abc")),
        ("absent", request(WRITE, **PLACE, written=bytes(1024))),
        ("absent", request(WRITE, 2, sector=8, sector_count=2, buflen=0)),
        ("as_written", request(UNMAP, **PLACE)),
        ("as_read", request(UNMAP, **PLACE, written=bytes(1024))),
        ("as_written", request(FLUSH, 2, **PLACE, iov_len=0, read=b"")),
        ("as_read", request(FLUSH, **PLACE)),
    ],
)
def test_a_request_comes_back(emulated: str, found: ScsiRequest) -> None:
    state = disk(found, found)
    scope = Scope(facts={**FACTS, "emulated_requests": emulated})
    assert decode(DiskState, encode(state, scope), scope) == state


def test_long_sense_data_lies_in_front_of_the_media_flags() -> None:
    state = disk(long_sense=LongSense(sense=bytes(range(156))))
    data = encode(state)
    assert data[-5:] == bytes([0, 1, 0, 1, 0])
    assert decode(DiskState, data) == state


def test_a_summary_names_each_request() -> None:
    state = disk(request(UNMAP, 2, **PLACE), request(command(0xFE)))
    assert disk_view(state)["in_flight"] == [
        "UNMAP of queue 1, 2 sectors at 8, under way",
        "command 0xfe of queue 1, to be tried again",
    ]
