"""What a virtio-net of one QEMU is not, or is no longer, in another."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from virtmig.api import Defect, Diagnosis, Patient
from virtmig_net.features import CTRL_VLAN
from virtmig_net.state import NetState


def _vlans(patient: Patient) -> Iterator[Diagnosis]:
    state: Any = patient.state
    net: NetState = state.device
    tagged = sorted(net.vlans - {0})
    if not state.has_feature(CTRL_VLAN) or not tagged:
        return
    numbers = ", ".join(map(str, tagged[:8])) + (" ..." if len(tagged) > 8 else "")
    why = "the target clears the table after it has read it; the guest has to set it again"
    yield Diagnosis(path="device.vlans", found=f"VLAN {numbers}", why_not=why)


LOST_VLANS = Defect(
    name="vlan-table",
    title="the VLAN table is read, and then cleared",
    written_by="any QEMU; the fault is the reader's",
    before="10.0",
    harm="lost",
    cannot="what the reader does after it has read the table: packets with these tags are dropped "
    "until the guest sets its filters again",
    find=_vlans,
)


def _queues(patient: Patient) -> Iterator[Diagnosis]:
    state: Any = patient.state
    net: NetState = state.device
    queues, most = len(state.queues), 2 * (net.max_queue_pairs or 1) + 1
    if 2 <= queues <= most:
        return
    why = "what the guest's driver set up is not in the stream, or not of this device"
    yield Diagnosis(path="common.nq", found=f"{queues} queues, not 2 to {most}", why_not=why)


QUEUE_COUNT = Defect(
    name="net-queue-count",
    title="a count of queues that no virtio-net has, at which QEMU crashes",
    written_by="no QEMU: the stream is damaged or made by hand",
    cannot="queues that are missing, or belong to nothing",
    find=_queues,
)
