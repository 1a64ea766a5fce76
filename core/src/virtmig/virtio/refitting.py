"""A section's state made to agree with itself after a change; see `virtmig.wire.refit`."""

from __future__ import annotations

from typing import Any, TypeVar

import attrs

from virtmig.virtio.envelope import SectionLayout
from virtmig.virtio.state import SectionState, VirtioState
from virtmig.wire.items import Items
from virtmig.wire.refit import Refit

S = TypeVar("S", bound=VirtioState | SectionState)


def refit(state: S, layout: SectionLayout[S], version: int) -> tuple[S, Refit]:
    """The state with counts and conditional fields as they follow from the rest, and why."""
    facts = layout.given({fact.name: fact.value for fact in state.facts})
    scope = layout.scope(facts, version)
    pass_ = Refit(scope)
    parts: dict[str, Any] = {}
    for name, kind in layout.parts:
        value: Any = getattr(state, name)
        if name == "common":
            value = _recounted(value, len(getattr(state, "queues", ())), pass_)
        if isinstance(kind, Items):
            value = tuple(
                pass_.value(kind.inner, one, f"{name}[{at}]") for at, one in enumerate(value)
            )
        else:
            value = pass_.value(kind, value, name)
        parts[name] = scope.parts[name] = value
        if name == "common":
            scope.features_lo = parts[name].guest_features_lo
    return layout.make(**parts, facts=state.facts), pass_


def _recounted(common: Any, queues: int, pass_: Refit) -> Any:
    if common.nq == queues:
        return common
    pass_.because["common.nq"] = "it counts `queues`"
    return attrs.evolve(common, nq=queues)
