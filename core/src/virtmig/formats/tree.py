"""`VirtioState` and `SectionState` ⇄ plain data with exactly the parts of their layout."""

from __future__ import annotations

from typing import Any, TypeVar

from virtmig.errors import BadContainer, VirtmigError
from virtmig.virtio.envelope import SectionLayout
from virtmig.virtio.facts import Fact
from virtmig.virtio.state import SectionState, VirtioState
from virtmig.wire.types import Form, expect_map

S = TypeVar("S", bound=VirtioState | SectionState)


def from_state(state: S, layout: SectionLayout[S], *, text: bool) -> dict[str, Any]:
    """The parts under QEMU's field names; bytes as hexadecimal if `text`."""
    form = Form(text)
    return {name: kind.plain(getattr(state, name), form) for name, kind in layout.parts}


def to_state(tree: Any, layout: SectionLayout[S], facts: tuple[Fact, ...] = (), *, text: bool) -> S:
    """The state that a tree stands for; nothing may be missing or left over."""
    parts_given = expect_map(tree)
    expected = dict(layout.parts)
    if set(parts_given) != set(expected):
        raise BadContainer(f"expected a map of exactly {', '.join(expected)}")
    form = Form(text, layout.records)
    parts: dict[str, Any] = {}
    for name, kind in expected.items():
        try:
            parts[name] = kind.unplain(parts_given[name], form)
        except VirtmigError as error:
            raise error.inside(name) from error.__cause__
    return layout.make(**parts, facts=facts)
