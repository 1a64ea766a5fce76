"""What was found in a stream, as lines for people and as data."""

from __future__ import annotations

from typing import Any

from virtmig.errors import Unloadable, UnsafeEdit
from virtmig.formats.view import error_view
from virtmig.repairing.finishing import VERDICTS as FINISHED
from virtmig.repairing.generations import Fitted, obstacles
from virtmig.repairing.treating import Examination, Finding
from virtmig.stream.opening import Stream
from virtmig.virtio.defects import release_text
from virtmig.wire.meaning import Risk

VERDICTS = {"refused": "not mended", "chance": "may fail", "lost": "is lost"}
"""What becomes of a defect that is not mended, by its harm."""

HARDWARE = (
    "note: the target needs the same devices at the same places, with the options of the source, "
    "its defaults too; sections that are not virtio stay as they are"
)
"""What a new name of the machine type does not do."""


def refusal(seen: Examination) -> Unloadable:
    """The error for a stream that the target refuses whatever is done."""
    first = seen.blocking[0]
    count = len(seen.blocking)
    more = f"; {count} such places in all" if count > 1 else ""
    return Unloadable(
        f"{first.defect.name} cannot be mended: {first.diagnosis.found}{more}",
        section=first.section.idstr,
        path=first.diagnosis.path,
        hint=f"{first.diagnosis.why_not}; nothing was written",
    )


def lines(seen: Examination) -> list[str]:
    """What was found, for people."""
    found = [finding for finding in seen.findings if finding.concerns]
    others = [finding for finding in seen.findings if not finding.concerns]
    count = sum(finding.mended for finding in found)
    unread = f"; {len(seen.unread)} of the devices could not be read" if seen.unread else ""
    told = [f"target {seen.target}: {count or 'nothing'} to mend{unread}"]
    for finding in (*found, *others):
        told += _lines(finding)
    return told + finished_lines(seen)


def notes(stream: Stream, seen: Examination) -> list[str]:
    """What the target will not take and a repair does not change: the machine type, commands."""
    found = obstacles(stream, seen.target)
    release = release_text(seen.target.release or ())
    return [f"note: {one}; see virtmig convert --to-qemu {release}" for one in found]


def finished_lines(seen: Examination) -> list[str]:
    """The requests in flight that were finished, for people."""
    if seen.finishing is None:
        return []
    if not seen.finishing.told:
        return ["no requests in flight to finish, of devices whose plugin can"]
    verdict = FINISHED[seen.finishing.outcome]
    return [*seen.finishing.told, f"  {verdict.risk.name.lower():<9} {verdict.why}"]


def permit(seen: Examination, *, unsafe: bool) -> None:
    """Refuse to finish requests in a way that is unsafe, unless it is allowed."""
    if seen.finishing is None or not seen.finishing.told or unsafe:
        return
    verdict = FINISHED[seen.finishing.outcome]
    if verdict.risk is Risk.UNSAFE:
        raise UnsafeEdit(f"unsafe: {verdict.why}", hint="--unsafe allows it; nothing was written")


def fitted_lines(fitted: Fitted) -> list[str]:
    """What was changed for another QEMU, and what nobody has looked at, for people."""
    told = lines(fitted.seen)
    told += [f"stream  {change}" for change in fitted.changes]
    told += [f"target  start {option}" for option in fitted.options]
    return [*told, HARDWARE] if fitted.edits.machine is not None else told


def _lines(finding: Finding) -> list[str]:
    defect, diagnosis = finding.defect, finding.diagnosis
    told = [
        f"{finding.section.idstr}  {defect.name}: {defect.title}",
        f"  where     {diagnosis.path}",
        f"  found     {diagnosis.found}",
    ]
    if not finding.concerns:
        return [*told, f"  concerns  {defect.concerned}: name a --target"]
    if diagnosis.mended is None:
        return [*told, f"  {VERDICTS[defect.harm]:<9} {diagnosis.why_not}"]
    told.append(f"  mended    {defect.mend}")
    if defect.verdict is not None:
        told.append(f"  {_risk(finding):<9} {defect.verdict.why}")
    return told


def view(seen: Examination) -> dict[str, Any]:
    """What was found, as data."""
    return {
        "target": str(seen.target),
        "findings": [
            {
                "section": finding.section.idstr,
                "defect": finding.defect.name,
                "title": finding.defect.title,
                "path": finding.diagnosis.path,
                "found": finding.diagnosis.found,
                "concerns": finding.concerns,
                "mended": finding.mended,
                "risk": _risk(finding),
                "why_not": finding.diagnosis.why_not,
            }
            for finding in seen.findings
        ],
        "finished": list(seen.finishing.told) if seen.finishing is not None else [],
        "unread": [error_view(one.error) for one in seen.unread],
    }


def _risk(finding: Finding) -> str | None:
    """What a mended state means for a guest that runs on, in one word."""
    verdict = finding.defect.verdict
    return verdict.risk.name.lower() if finding.mended and verdict is not None else None
