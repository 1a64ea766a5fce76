"""`VirtioState` ⇄ plain data with exactly the five parts."""

from __future__ import annotations

from typing import Any

from virtmig.errors import BadContainer, VirtmigError
from virtmig.virtio.envelope import Envelope
from virtmig.virtio.facts import Fact
from virtmig.virtio.order import PARTS
from virtmig.virtio.state import VirtioState
from virtmig.wire.types import Form, expect_map


def from_state(state: VirtioState, envelope: Envelope, *, text: bool) -> dict[str, Any]:
    """The five parts under QEMU's field names; bytes as hexadecimal if `text`."""
    form = Form(text)
    return {name: kind.plain(getattr(state, name), form) for name, kind in envelope.parts}


def to_state(
    tree: Any, envelope: Envelope, facts: tuple[Fact, ...] = (), *, text: bool
) -> VirtioState:
    """The state that a tree stands for; nothing may be missing or left over."""
    parts_given = expect_map(tree)
    if set(parts_given) != set(PARTS):
        raise BadContainer(f"expected a map of exactly {', '.join(PARTS)}")
    form = Form(text, envelope.transport.records)
    parts: dict[str, Any] = {}
    for name, kind in envelope.parts:
        try:
            parts[name] = kind.unplain(parts_given[name], form)
        except VirtmigError as error:
            raise error.inside(name) from error.__cause__
    return VirtioState(**parts, facts=facts)
