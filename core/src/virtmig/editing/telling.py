"""A plan for people, and as JSON data."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from virtmig.editing.judging import Change
from virtmig.editing.plan import EditPlan


def lines(plan: EditPlan) -> Iterator[str]:
    """The changes, by section, with the reason of each class."""
    if not plan.changes:
        yield "nothing changes"
    section: str | None = None
    for change in plan.changes:
        name = change.section.idstr if change.section is not None else "configuration"
        if name != section:
            section = name
            yield name
        yield f"  {change.path or 'payload'}  {change.text}"
        yield f"    {change.risk.name.lower()}: {change.why}"
    for note in plan.notes:
        yield f"note: {note}"


def view(plan: EditPlan) -> dict[str, Any]:
    """The same as data."""
    return {
        "risk": plan.risk.name.lower(),
        "changes": [_change(change) for change in plan.changes],
        "notes": list(plan.notes),
    }


def _change(change: Change) -> dict[str, Any]:
    section = change.section
    return {
        "idstr": section.idstr if section is not None else None,
        "instance_id": section.instance_id if section is not None else None,
        "path": change.path,
        "old": change.old,
        "new": change.new,
        "text": change.text,
        "risk": change.risk.name.lower(),
        "reason": change.why,
        "asked_for": not change.consequence,
    }
