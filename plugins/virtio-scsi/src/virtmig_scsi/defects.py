"""What QEMU writes of a disk's requests and does not read."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import attrs

from virtmig.api import Defect, Diagnosis, Patient, evolve, safe
from virtmig_scsi import cdb
from virtmig_scsi.state import EMULATED_REQUESTS, RETRIED, SECTOR, DiskState, ScsiRequest

SINCE = "9.1"
"""The machine type from which on such requests have a disk part."""


def _emulated(state: Any) -> list[tuple[str, ScsiRequest]]:
    """Requests with a disk part that are neither reads nor writes."""
    disk: DiskState = state.fields
    return [
        (f"fields.qdev.requests[{number}]", request)
        for number, request in enumerate(disk.qdev.requests)
        if not cdb.is_transfer(request.cdb) and request.sector is not None
    ]


def _expects_data(request: ScsiRequest) -> bool:
    """Whether a reader takes data here, which the writer did not write."""
    buffered = cdb.to_device(request.cdb) and bool(request.buflen) and bool(request.sector_count)
    return buffered and not cdb.is_transfer(request.cdb) and request.written is None


def _line(request: ScsiRequest) -> str:
    return f"{cdb.name(request.cdb)} with {request.buflen} bytes of data, which are not there"


def _without_data(patient: Patient) -> Iterator[Diagnosis]:
    found = [(path, one) for path, one in _emulated(patient.state) if _expects_data(one)]
    if not found or patient.target.older_than(SINCE) or patient.target.older_machine_than(SINCE):
        return
    path, first = next((pair for pair in found if pair[1].marker != RETRIED), found[0])
    if first.marker != RETRIED:
        why = "QEMU would not fetch them again: the request is not to be tried again"
        yield Diagnosis(path=path, found=_line(first), why_not=why)
        return
    mended = _changed(patient.state, "as_read", _filled)
    yield Diagnosis(path=path, found=_line(first), mended=mended)


def _changed(state: Any, fact: str, change: Any) -> Any:
    """The state with its requests changed, and laid out as `fact` says."""
    disk: DiskState = state.fields
    requests = tuple(change(request) for request in disk.qdev.requests)
    facts = tuple(
        attrs.evolve(one, value=fact) if one.name == EMULATED_REQUESTS.name else one
        for one in state.facts
    )
    fields = evolve(disk, qdev=evolve(disk.qdev, requests=requests))
    return attrs.evolve(state, fields=fields, facts=facts)


def _filled(request: ScsiRequest) -> ScsiRequest:
    """The request with as many bytes as are read; zeros, for they are overwritten."""
    if cdb.is_transfer(request.cdb) or not cdb.to_device(request.cdb) or not request.buflen:
        return request
    size = min(SECTOR * (request.sector_count or 0), request.buflen)
    return evolve(request, written=bytes(size))


EMULATED_DATA = Defect(
    name="scsi-emulated-data",
    title="a request that is no read or write lacks the data that the reader expects",
    written_by="9.1 and newer, for machine types from 9.1 on: UNMAP, WRITE SAME and others",
    mend="as many bytes as are read are put in. Their values do not matter: the request is to be "
    "tried again, and before QEMU looks at the buffer it fetches the data from the guest again",
    cannot="a request that is not to be tried again: its data are nowhere in the stream",
    verdict=safe("the request is carried out with the guest's own data"),
    find=_without_data,
)


def _unknown(patient: Patient) -> Iterator[Diagnosis]:
    target, found = patient.target, _emulated(patient.state)
    if not found or not (target.older_than(SINCE) or target.older_machine_than(SINCE)):
        return
    for path, request in found:
        if request.cdb[0] not in cdb.WITHOUT_DATA:
            why = "the target has no place for the request's data, and would carry it out without"
            yield Diagnosis(path=path, found=f"{cdb.name(request.cdb)} in flight", why_not=why)
            return
    names = ", ".join(cdb.name(request.cdb) for _, request in found)
    mended = _changed(patient.state, "absent", _bare)
    yield Diagnosis(path=found[0][0], found=f"disk part of {names}", mended=mended)


def _bare(request: ScsiRequest) -> ScsiRequest:
    if cdb.is_transfer(request.cdb):
        return request
    return evolve(request, sector=None, sector_count=None, buflen=None, written=None)


EMULATED_UNKNOWN = Defect(
    name="scsi-emulated-part",
    title="a request that is no read or write has a disk part, which machine types before 9.1 lack",
    written_by="9.1 and newer, for machine types from 9.1 on",
    by_target=True,
    mend="the disk part is left out: a request without data is carried out from its start",
    cannot="a request with data",
    verdict=safe("a command without data says all in its command block"),
    find=_unknown,
)
