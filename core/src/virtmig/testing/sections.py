"""Drawn states of sections without virtio, for the laws of bytes."""

from __future__ import annotations

from typing import Any

from virtmig.testing.draw import Draw
from virtmig.testing.drawn import drawing
from virtmig.testing.settings import draw_facts, given_facts
from virtmig.testing.subject import Subject
from virtmig.virtio.envelope import BareLayout
from virtmig.virtio.facts import Trial
from virtmig.virtio.state import SectionState


class SectionBench:
    """A driver of sections without virtio; there is nothing live about it."""

    def __init__(self, subject: Subject) -> None:
        self.subject = subject
        self.layout: BareLayout = subject.bound.layout

    @property
    def version(self) -> int:
        """The section version that is written."""
        version: int = self.subject.driver.version
        return version

    def draw_state(self, draw: Draw, version: int | None = None) -> SectionState:
        """A state as the declaration allows it."""
        with drawing(self.subject.driver):
            return self._draw_state(draw, self.version if version is None else version)

    def _draw_state(self, draw: Draw, version: int) -> SectionState:
        facts = draw_facts(draw, self.layout)
        trial = Trial(self.layout.open_facts, self.layout.given(facts))
        scope = self.layout.scope(trial, version)
        draw.scope = lambda: scope
        fields = draw.record(self.subject.driver.state)
        return SectionState(fields=fields, facts=given_facts(facts))

    def parts(self, state: SectionState) -> dict[str, Any]:
        """The records of the driver in a state, by path."""
        return {"fields": state.fields}
