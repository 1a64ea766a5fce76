"""Renamed sections and another machine type, judged: the guest knows its devices by their place."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence

from virtmig.editing.judging import RESTORED, Change, Phase, phase_of, softened
from virtmig.reading import Decoded, Found
from virtmig.stream.blocks import Block
from virtmig.stream.sections import Section
from virtmig.wire.meaning import Verdict, conditional, safe, unsafe

SLOTS = 32
"""Of a PCI bus, each with eight functions."""
SAME_SLOT = safe("QEMU refuses the stream unless an equal device is there")
OTHER_SLOT = conditional(
    "the target must have an equal device there; the guest reaches its registers and MSI-X as "
    "before, but looks for its configuration space, interrupt line and plug at the old place"
)
OTHER_DEVICE = unsafe("another kind of device would read the section", always=True)
FREE_SLOT = safe(
    "no guest driver relies on where it is; QEMU refuses it unless an equal device is there"
)
NOT_VIRTIO = conditional(
    "virtmig does not know the section; the target must have an equal device there"
)
MACHINE = conditional(
    "QEMU compares the name only: whether the target's machine has the same hardware, nobody checks"
)


def judge_names(
    found: Sequence[Found],
    sections: Sequence[Section],
    blocks: Sequence[Block],
    idstrs: Mapping[Section, str],
) -> Iterator[Change]:
    """The changes of idstrs."""
    devices = {one.section: one for one in found}
    for section, idstr in idstrs.items():
        verdict = _left_behind(section, idstr, sections, blocks, idstrs)
        verdict = verdict or _nowhere(devices.get(section), idstr)
        verdict = verdict or _taken(section, idstr, sections, idstrs)
        verdict = verdict or _moved(devices.get(section), section.idstr, idstr)
        yield Change(
            section=section,
            path="idstr",
            old=section.idstr,
            new=idstr,
            text=f"{section.idstr} -> {idstr}",
            risk=verdict.risk,
            why=verdict.why,
        )


def _moved(found: Found | None, old: str, new: str) -> Verdict:
    (old_place, _, old_name), (new_place, _, new_name) = old.rpartition("/"), new.rpartition("/")
    if old_name != new_name:
        return OTHER_DEVICE
    if found is None:
        return NOT_VIRTIO
    if _slot(old_place) == _slot(new_place):
        return SAME_SLOT
    if isinstance(found, Decoded) and phase_of(found.state) is Phase.IDLE:
        return FREE_SLOT
    return softened(OTHER_SLOT, Phase.RUNNING)


def _nowhere(found: Found | None, new: str) -> Verdict | None:
    """A path of another form than those of the device's transport."""
    if not isinstance(found, Decoded):
        return None
    place, transport = new.rpartition("/")[0], found.drivers.transport.driver
    pattern = getattr(transport, "path_pattern", "")
    if not pattern or not _is_at(pattern, found.section.idstr) or _is_at(pattern, new):
        return None
    shown = place or "an empty path"
    return unsafe(f"no device of a transport like its own is at {shown}", always=True)


def _is_at(pattern: str, idstr: str) -> bool:
    """Whether an idstr has a path of a transport's, down to slots that a bus can have."""
    place = idstr.rpartition("/")[0]
    slots = re.findall(r":([0-9a-f]{2})\.[0-7]", place)
    return bool(re.fullmatch(pattern, place)) and all(int(one, 16) < SLOTS for one in slots)


def _taken(
    section: Section, new: str, sections: Sequence[Section], idstrs: Mapping[Section, str]
) -> Verdict | None:
    """Another device that stays where this one is to go."""
    old, place = section.idstr.rpartition("/")[0], new.rpartition("/")[0]
    if not place or place == old:
        return None
    for one in sections:
        here = one.idstr.rpartition("/")[0]
        if one is not section and here == place and one not in idstrs:
            return unsafe(f"{one.idstr} is there, and no two devices share a place", always=True)
    return None


def _slot(place: str) -> str:
    """What the guest sees of a path: the last hop, e.g. slot and function."""
    return place.rpartition(":")[2]


def _left_behind(
    section: Section,
    new: str,
    sections: Sequence[Section],
    blocks: Sequence[Block],
    idstrs: Mapping[Section, str],
) -> Verdict | None:
    """What carries the device's old path and keeps it, so that the target finds no owner."""
    old = section.idstr.rpartition("/")[0]
    if not old or old == new.rpartition("/")[0]:
        return None
    below = (f"{old}/", f"{old}:")  # the device's own, and what is behind it if it is a bridge
    kept = [block.name for block in blocks if block.name.startswith(below)]
    if kept:
        reason = f"RAM block {kept[0]} keeps the old path, so QEMU refuses the stream"
        return unsafe(f"{reason}; save with a device that has no ROM (romfile=)", always=True)
    others = [one.idstr for one in sections if one.idstr.startswith(below) and one not in idstrs]
    if others:
        reason = f"section {others[0]} belongs to the device and keeps the old path"
        return unsafe(f"{reason}; rename it too", always=True)
    return None


def judge_machine(old: str, new: str, *, undo: bool) -> Change:
    """The change of the machine type."""
    text = f"{old} -> {new}"
    verdict = RESTORED if undo else MACHINE
    return Change(
        section=None,
        path="machine",
        old=old,
        new=new,
        text=text,
        risk=verdict.risk,
        why=verdict.why,
    )
