"""What each change does to a guest that runs on: safe, conditional or unsafe, and why."""

from __future__ import annotations

import enum
from collections.abc import Iterator, Mapping
from typing import Any

import attrs

from virtmig.editing import trees, values
from virtmig.editing.applying import Applied
from virtmig.editing.devices import Device
from virtmig.editing.paths import Place
from virtmig.errors import told
from virtmig.reading import Attached, Decoded
from virtmig.stream.sections import Section
from virtmig.virtio.contradictions import contradictions
from virtmig.virtio.state import VirtioState
from virtmig.wire.meaning import EditRule, Risk, Verdict, conditional, safe, unsafe

UNDECLARED = unsafe("nothing is declared of who relies on it; a running guest driver may")
RESTORED = safe("it takes an earlier change back, to the byte")
DRIVER, DRIVER_OK, FEATURES_OK = 1 << 1, 1 << 2, 1 << 3
ISR = "common.isr"
"""Path of the interrupt status."""


class Phase(enum.Enum):
    """How far a guest driver relies on a device."""

    IDLE = "no driver has come to terms with the device yet"
    """Reset, or the driver has accepted no features: the next one sets all up anew."""
    RUNNING = "a guest driver relies on it"


@attrs.frozen(kw_only=True)
class Change:
    """One difference between the stream and what is to be written.

    path: of the smallest place that differs; of a section's name `idstr`, of the machine type
    `machine`. old, new: as in a JSON tree; None: not there. text: both for people. consequence:
    of what it is one; empty if it was asked for.
    """

    section: Section | None
    path: str
    old: Any
    new: Any
    text: str
    risk: Risk
    why: str
    consequence: str = ""

    @property
    def place(self) -> str:
        """Where, with the section."""
        return f"{self.section.idstr}:{self.path}" if self.section is not None else self.path


def phase_of(state: Any) -> Phase:
    """Whether a driver relies on a device: it has accepted features, or made it start.

    A section without virtio does not tell, so it counts as one that is relied on.
    """
    if not isinstance(state, VirtioState):
        return Phase.RUNNING
    status, tails = state.common.status, state.subsections
    started = tails.started is not None and tails.started.started
    if status & (DRIVER_OK | FEATURES_OK) or started:
        return Phase.RUNNING
    legacy = bool(status & DRIVER and state.guest_features)
    return Phase.RUNNING if legacy else Phase.IDLE


def judge(applied: Applied, asked: Mapping[str, str], *, undo: bool = False) -> Iterator[Change]:
    """Every difference that `applied` makes, judged.

    asked: the paths that were asked for. undo: it restores what was there.
    """
    device = applied.device
    for place in _changed(applied):
        old, new = (trees.get(tree, place.steps) for tree in (device.tree, applied.tree))
        because = "" if _was_asked(place.path, asked) else applied.because.get(place.path, "")
        verdict = safe(because) if because else _verdict(applied, place)
        yield Change(
            section=device.section,
            path=place.path,
            old=old,
            new=new,
            text=_text(device, place, old, new),
            risk=RESTORED.risk if undo else verdict.risk,
            why=RESTORED.why if undo else verdict.why,
            consequence=because,
        )


def _was_asked(path: str, asked: Mapping[str, str]) -> bool:
    return any(path == one or path.startswith((f"{one}.", f"{one}[")) for one in asked)


def _changed(applied: Applied) -> Iterator[Place]:
    """The smallest places that differ."""
    resolve = applied.device.paths.resolve

    is_leaf = applied.device.is_leaf
    for steps in trees.differences(applied.device.tree, applied.tree, is_leaf=is_leaf):
        yield resolve(trees.path_of(steps))


def _verdict(applied: Applied, place: Place) -> Verdict:
    """What is declared of a change; of an item of a list of values, what is of the list."""
    device, steps = applied.device, place.steps
    why = contradictions(applied.state).get(place.path)
    if why is not None:
        return unsafe(why, always=True)
    while isinstance(steps[-1], int):
        steps = steps[:-1]
    old, new = (trees.get(tree, steps) for tree in (device.tree, applied.tree))
    verdict = said(place.rule, old, new)
    lost = place.path == ISR and verdict.risk is Risk.UNSAFE and not verdict.always
    if lost and _unread(device.found):
        return safe("the device interrupts by other means, and the guest driver does not read it")
    return softened(verdict, phase_of(device.state))


def _unread(found: Decoded | Attached) -> bool:
    """Whether the guest driver does not read the interrupt status."""
    if not isinstance(found, Decoded):
        return False
    reads = found.drivers.transport.driver.reads_isr
    return reads is not None and not reads(found.state)


def said(rule: EditRule | None, old: Any, new: Any) -> Verdict:
    """What a declared rule says of a change; without one, or if it fails, the worst."""
    if rule is None or isinstance(rule, Verdict):
        return rule or UNDECLARED
    try:
        found: Any = rule(old, new)
    except Exception as error:  # noqa: BLE001  a plugin's own code may fail in any way
        return unsafe(f"the rule that is declared for it failed: {told(error)}")
    return found if isinstance(found, Verdict) else UNDECLARED


def softened(verdict: Verdict, phase: Phase) -> Verdict:
    """The verdict where no driver relies on the device."""
    if phase is Phase.RUNNING or verdict.always or verdict.risk is not Risk.UNSAFE:
        return verdict
    return conditional(f"{Phase.IDLE.value}; with one: {verdict.why}")


def _text(device: Device, place: Place, old: Any, new: Any) -> str:
    """The old and the new value, of bits those that turn."""
    known = device.names(place)
    if known and None not in (old, new):
        return f"{values.turned(old, new, known)}  ({old:#x} -> {new:#x})"
    return " -> ".join(values.shown(one, known, place.kind) for one in (old, new))
