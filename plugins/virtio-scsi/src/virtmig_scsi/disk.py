"""The driver of the section `scsi-disk`: a disk or CD behind a virtio-scsi controller."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from virtmig.api import SectionDriver, hookimpl
from virtmig_scsi import cdb
from virtmig_scsi.defects import EMULATED_DATA, EMULATED_UNKNOWN
from virtmig_scsi.state import EMULATED_REQUESTS, RETRIED, DiskState, ScsiRequest


def disk_view(state: DiskState) -> Mapping[str, Any]:
    """The requests in flight, a line each."""
    return {"in_flight": [_line(request) for request in state.qdev.requests]}


def _line(request: ScsiRequest) -> str:
    does = "to be tried again" if request.marker == RETRIED else "under way"
    where = f", {request.sector_count} sectors at {request.sector}" if request.sector_count else ""
    return f"{cdb.name(request.cdb)} of queue {request.queue}{where}, {does}"


class ScsiDisk:
    """The hook of `scsi-disk`."""

    @hookimpl
    def describe_driver(self) -> SectionDriver:
        return SectionDriver(
            name="scsi-disk",
            parent="virtio-scsi",
            version=1,
            state=DiskState,
            facts=(EMULATED_REQUESTS,),
            defects=(EMULATED_DATA, EMULATED_UNKNOWN),
            view=disk_view,
        )


plugin = ScsiDisk()
