"""What QEMU writes of screens, and reads only by chance or not at all."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import attrs

from virtmig.api import Defect, Diagnosis, Patient, Target, evolve, safe
from virtmig_gpu.outer import GpuOuter
from virtmig_gpu.state import FRAMEBUFFERS

SINCE = "9.0"
"""The QEMU, and the machine type, that brought framebuffers."""


def _reads(target: Target, screens: int) -> bool:
    """Whether the target may look for a framebuffer, as far as is known.

    It does not if it is too old; nor for the one screen of a machine type that is. If there are
    more, the machine type decides for the first one alone.
    """
    if target.older_than(SINCE):
        return False
    return screens > 1 or not target.older_machine_than(SINCE)


def _unknown(patient: Patient) -> Iterator[Diagnosis]:
    state: Any = patient.state
    outer: GpuOuter = state.outer
    framed = [number for number, one in enumerate(outer.scanouts) if one.fb is not None]
    if not framed or _reads(patient.target, len(outer.scanouts)):
        return
    facts = tuple(
        attrs.evolve(one, value="none") if one.name == FRAMEBUFFERS.name else one
        for one in state.facts
    )
    bare = tuple(evolve(one, fb=None) for one in outer.scanouts)
    mended = attrs.evolve(state, outer=evolve(outer, scanouts=bare), facts=facts)
    found = f"{len(framed)} of {len(outer.scanouts)} screens with a framebuffer"
    yield Diagnosis(path=f"outer.scanouts[{framed[0]}].fb", found=found, mended=mended)


FRAMEBUFFERS_UNKNOWN = Defect(
    name="gpu-framebuffers",
    title="screens with a framebuffer, which QEMU before 9.0 does not read",
    written_by="9.0 and newer; for older machine types by chance, if there are several screens",
    by_target=True,
    mend="framebuffers are left out: such a target works them out from the resource that is shown",
    verdict=safe("a framebuffer says again what the resource and the screen's place in it say"),
    find=_unknown,
)


def _by_chance(patient: Patient) -> Iterator[Diagnosis]:
    state: Any = patient.state
    outer: GpuOuter = state.outer
    if len(outer.scanouts) < 2:
        return
    why = (
        "for which screens the target expects a framebuffer depends on what lies in its memory; "
        "try again if it refuses the stream"
    )
    yield Diagnosis(path="outer.scanouts", found=f"{len(outer.scanouts)} screens", why_not=why)


SCREENS_BY_CHANCE = Defect(
    name="gpu-screens",
    title="with several screens, chance decides whether a framebuffer is expected",
    written_by="9.0 and newer",
    since=SINCE,
    harm="chance",
    cannot="what the target looks for is not known, and differs from process to process",
    find=_by_chance,
)
