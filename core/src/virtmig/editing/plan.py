"""All that was asked for, worked out and judged before a byte is written."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import attrs

from virtmig.editing.applying import Applied, apply, check_request, dropped, read_again
from virtmig.editing.devices import FEATURES, Device, decoded, one_device, one_section
from virtmig.editing.judging import RESTORED, Change, judge
from virtmig.editing.moving import judge_machine, judge_names
from virtmig.editing.patches import patched
from virtmig.editing.requests import Bytes, Drop, Machine, MachineBack, Rename, Request, Set
from virtmig.editing.trying import try_loads
from virtmig.errors import Contradiction, PatchMismatch, UnsafeEdit, VirtmigError
from virtmig.formats import tree
from virtmig.hooks.registry import Registry
from virtmig.reading import Found, Options, check_facts, read_devices
from virtmig.stream.editing import Edits
from virtmig.stream.opening import Stream
from virtmig.stream.sections import Section
from virtmig.wire.meaning import Risk


@attrs.frozen(kw_only=True, eq=False)
class EditPlan:
    """What would be written, and what it means.

    changes: every difference, judged. edits: for `Stream.write`. devices: the sections whose
    bytes change and that are understood. notes: what else to know, in words. undoes: whether an
    undo patch is in it.
    """

    changes: tuple[Change, ...]
    edits: Edits
    devices: tuple[Applied, ...] = ()
    notes: tuple[str, ...] = ()
    undoes: bool = False

    @property
    def risk(self) -> Risk:
        """That of the worst change."""
        return max((change.risk for change in self.changes), default=Risk.SAFE)

    def permit(self, *, unsafe: bool = False) -> None:
        """Refuse what is unsafe, unless it is allowed; the message has every such change."""
        wrong = [change for change in self.changes if change.risk is Risk.UNSAFE]
        if wrong and not unsafe:
            reasons = "; ".join(f"{one.place}: {one.text}: {one.why}" for one in wrong)
            raise UnsafeEdit(f"unsafe: {reasons}", hint="--unsafe allows it; nothing was written")


@attrs.define(eq=False)
class _Planning:
    """The requests sorted by what they are for."""

    stream: Stream
    found: Sequence[Found]
    devices: Sequence[Device]
    by_device: dict[Section, list[Set | Drop]] = attrs.field(factory=dict[Section, Any])
    patches: dict[Section, Bytes] = attrs.field(factory=dict[Section, Bytes])
    idstrs: dict[Section, str] = attrs.field(factory=dict[Section, str])
    undone: set[Section] = attrs.field(factory=set[Section])
    machine: MachineBack | None = None

    @property
    def undoes(self) -> bool:
        """Whether an undo patch is among the requests."""
        return bool(self.undone) or (self.machine is not None and self.machine.undo)

    def sort(self, request: Request) -> None:
        """Find out what a request is for; refuse one that is for nothing, or for two things."""
        match request:
            case Set() | Drop():
                self._find(request)
            case Rename():
                section = one_section(self.stream.sections, request.old)
                self._rename(section, request.new)
            case Machine():
                self._machine(MachineBack(self.stream.machine, request.name))
            case MachineBack():
                self._machine(request)
            case Bytes():
                self._patch(request)

    def _find(self, request: Set | Drop) -> None:
        what = request.path if isinstance(request, Set) else request.name
        device, _ = one_device(
            self.devices,
            self.found,
            request.device,
            what,
            lambda device: check_request(device, request),
        )
        self.by_device.setdefault(device.section, []).append(request)

    def _rename(self, section: Section, new: str) -> None:
        if self.idstrs.setdefault(section, new) != new:
            reason = f"two new names: {self.idstrs[section]!r} and {new!r}"
            raise Contradiction(reason, section=section.idstr)

    def _machine(self, request: MachineBack) -> None:
        if self.machine is not None and self.machine != request:
            raise Contradiction(f"two machine types: {self.machine.after} and {request.after}")
        if request.before != self.stream.machine:
            found = self.stream.machine or "not named"
            raise PatchMismatch(f"the machine type is {found}, the patch expects {request.before}")
        self.machine = request

    def _patch(self, request: Bytes) -> None:
        key = request.idstr, request.instance_id
        section = next((s for s in self.stream.sections if (s.idstr, s.instance_id) == key), None)
        if section is None:
            hint = "the patch was made for another stream"
            raise PatchMismatch(f"there is no section {request.idstr!r}", hint=hint)
        if section in self.patches:
            raise Contradiction("two patches for this section", section=section.idstr)
        self.patches[section] = request
        if request.new_idstr != section.idstr:
            self._rename(section, request.new_idstr)
        if request.undo:
            self.undone.add(section)


def plan_edits(
    stream: Stream,
    registry: Registry,
    requests: Iterable[Request],
    options: Options | None = None,
) -> EditPlan:
    """What the requests come to; nothing is written, and nothing contradicts itself.

    Raises `EditError` for what cannot be made of this stream. What is unsafe is in the plan:
    `permit` refuses it.
    """
    found = read_devices(stream, registry, options)
    check_facts(options or Options(), found)
    planning = _Planning(stream, found, decoded(found))
    for request in requests:
        planning.sort(request)
    return _planned(planning)


def _planned(planning: _Planning) -> EditPlan:
    stream = planning.stream
    applied = [
        _in_section(device.section, _Work(planning, device).run) for device in planning.devices
    ]
    made = [one for one in applied if one is not None]
    payloads = {one.device.section: one.payload for one in made}
    changes: list[Change] = []
    for one in made:
        changes += judge(one, _asked(planning, one), undo=one.device.section in planning.undone)
    payloads |= _unread(planning, payloads, changes)
    payloads = {s: new for s, new in payloads.items() if new != stream.payload(s)}
    idstrs = {s: new for s, new in planning.idstrs.items() if new != s.idstr}
    changes += _names(planning, idstrs)
    changes += _machine(planning.machine)
    machine = planning.machine.after if planning.machine is not None else None
    edits = Edits(payloads=payloads, idstrs=idstrs, machine=machine)
    stream.replaced(edits)  # refuses what cannot be written
    refused, notes = try_loads(
        stream, [one for one in made if one.device.section not in planning.undone]
    )
    return EditPlan(
        changes=(*changes, *refused),
        edits=edits,
        devices=tuple(made),
        notes=tuple(notes),
        undoes=planning.undoes,
    )


def _machine(asked: MachineBack | None) -> list[Change]:
    if asked is None or asked.before == asked.after:
        return []
    return [judge_machine(asked.before, asked.after, undo=asked.undo)]


def _names(planning: _Planning, idstrs: Mapping[Section, str]) -> Iterable[Change]:
    stream = planning.stream
    for change in judge_names(planning.found, stream.sections, stream.blocks, idstrs):
        undone = change.section in planning.undone
        yield attrs.evolve(change, risk=RESTORED.risk, why=RESTORED.why) if undone else change


def _asked(planning: _Planning, one: Applied) -> Mapping[str, str]:
    """The paths that were asked for in a device."""
    asked: dict[str, str] = {}
    for request in planning.by_device.get(one.device.section, ()):
        if isinstance(request, Drop):
            asked[dropped(one.device, request).path] = str(request)
        elif request.path == FEATURES:
            asked |= {place.path: str(request) for place in one.device.paths.feature_words()}
        else:
            asked[one.device.paths.resolve(request.path).path] = str(request)
    return asked


@attrs.frozen
class _Work:
    """What is asked of one device."""

    planning: _Planning
    device: Device

    def run(self) -> Applied | None:
        """The device as it is to be; None if nothing is asked of it, or nothing it can tell."""
        section = self.device.section
        requests = self.planning.by_device.get(section)
        patch = self.planning.patches.get(section)
        if requests and patch:
            raise Contradiction("a patch and other changes of the same section")
        if requests:
            return apply(self.device, requests)
        return self._read(patched(self.planning.stream.payload(section), patch)) if patch else None

    def _read(self, payload: bytes) -> Applied | None:
        device = self.device
        try:
            state = read_again(device, payload)
        except VirtmigError:  # it stays bytes, and is judged as such
            return None
        made = tree.from_state(state, device.layout, text=True)
        return Applied(device=device, state=state, tree=made, payload=payload)


def _in_section(section: Section, run: Callable[[], Applied | None]) -> Applied | None:
    try:
        return run()
    except VirtmigError as error:
        raise error.in_section(section.idstr) from error.__cause__


def _unread(
    planning: _Planning, payloads: Mapping[Section, bytes], changes: list[Change]
) -> dict[Section, bytes]:
    """Patched sections that nobody understands; their changes are added to `changes`."""
    found: dict[Section, bytes] = {}
    for section, patch in planning.patches.items():
        if section in payloads:
            continue
        old = planning.stream.payload(section)
        found[section] = new = patched(old, patch)
        if new == old:
            continue
        risk, why = (RESTORED.risk, RESTORED.why) if patch.undo else (Risk.UNSAFE, _UNKNOWN)
        text = f"{_digest(old)} -> {_digest(new)}"
        changes.append(
            Change(section=section, path="", old=None, new=None, text=text, risk=risk, why=why)
        )
    return found


_UNKNOWN = "virtmig does not understand these bytes"


def _digest(payload: bytes) -> str:
    return f"{len(payload)} bytes, sha256 {hashlib.sha256(payload).hexdigest()[:12]}"
