"""What QEMU writes of a balloon and does not read."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import attrs

from virtmig.api import Defect, Diagnosis, Patient, conditional, evolve, safe
from virtmig_balloon.state import BalloonState, PagePoison

FREE_PAGE_HINT, PAGE_REPORTING = 3, 5
"""Features of whose pages the value matters to QEMU."""
SPELT = "6.0"
"""The QEMU that spelt the name right."""
PATH = "device.virtio-balloon-device/page-poison"
MISSPELT_PATH = "device.vitio-balloon-device/page-poison"


def _misspelt(patient: Patient) -> Iterator[Diagnosis]:
    state: Any = patient.state
    balloon: BalloonState = state.device
    if balloon.vitio_page_poison is None or patient.target.older_than(SPELT):
        return
    found = f"page poison {balloon.vitio_page_poison.poison_val:#x} under the misspelt name"
    if balloon.page_poison is not None:
        why = f"under the right name there is one too, {balloon.page_poison.poison_val:#x}"
        yield Diagnosis(path=MISSPELT_PATH, found=found, why_not=why)
        return
    poison = PagePoison(poison_val=balloon.vitio_page_poison.poison_val)
    device = evolve(balloon, page_poison=poison, vitio_page_poison=None)
    mended = attrs.evolve(state, device=device)
    yield Diagnosis(path=MISSPELT_PATH, found=found, mended=mended)


POISON_NAME = Defect(
    name="balloon-poison-name",
    title="the subsection is named vitio-balloon-device/page-poison, which no QEMU finds",
    written_by="5.1 and 5.2, if the guest has accepted PAGE_POISON",
    mend="it gets the name virtio-balloon-device/page-poison, which every QEMU from 6.0 on reads",
    verdict=safe("the value is the one that was saved"),
    find=_misspelt,
)


def _unreadable(patient: Patient) -> Iterator[Diagnosis]:
    state: Any = patient.state
    balloon: BalloonState = state.device
    poison = balloon.page_poison or balloon.vitio_page_poison
    if poison is None:
        return
    found = f"page poison {poison.poison_val:#x}"
    path = MISSPELT_PATH if balloon.page_poison is None else PATH
    if state.has_feature(FREE_PAGE_HINT) or state.has_feature(PAGE_REPORTING):
        why = (
            "the target reads it under no name, and would throw away free pages of the guest "
            "whose pattern the guest checks"
        )
        yield Diagnosis(path=path, found=found, why_not=why)
        return
    device = evolve(balloon, page_poison=None, vitio_page_poison=None)
    yield Diagnosis(path=path, found=found, mended=attrs.evolve(state, device=device))


POISON_UNREADABLE = Defect(
    name="balloon-poison-unreadable",
    title="page poison, which this QEMU looks for under a name that it cannot find",
    written_by="5.1 and newer, if the guest has accepted PAGE_POISON",
    before=SPELT,
    mend="it is left out: QEMU uses the value only for pages that a guest hints or reports as free",
    cannot="a guest that has accepted FREE_PAGE_HINT or PAGE_REPORTING",
    verdict=conditional("the target, and what it saves again, has the value 0"),
    find=_unreadable,
)
