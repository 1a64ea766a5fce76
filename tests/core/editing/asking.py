"""Requests as a command line has them, and what comes of them."""

from __future__ import annotations

from pathlib import Path

from virtmig.editing.plan import EditPlan, plan_edits
from virtmig.editing.requests import Drop, Request, parse_drop, parse_set
from virtmig.hooks.registry import Registry
from virtmig.stream.opening import Stream

SAMPLES = Path(__file__).parents[3] / "samples"


def asked(*texts: str) -> list[Request]:
    """`PATH=VALUE` as a value to set, anything else as a subsection to drop."""
    return [parse_set(text) if "=" in text else _drop(text) for text in texts]


def _drop(text: str) -> Drop:
    return parse_drop(text)


def planned(stream: Stream, registry: Registry, *texts: str) -> EditPlan:
    """The plan of such requests."""
    return plan_edits(stream, registry, asked(*texts))


def outcome(plan: EditPlan) -> dict[str, tuple[object, object]]:
    """Old and new value by path."""
    return {change.path: (change.old, change.new) for change in plan.changes}
