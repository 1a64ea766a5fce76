"""State that the target does not know yet: left out where it says nothing, named where it does."""

from __future__ import annotations

from collections.abc import Iterator
from operator import is_
from typing import Any

import attrs

from virtmig.errors import shown
from virtmig.virtio.defects import Defect, Diagnosis, Patient, Release, release_of
from virtmig.virtio.state import parts_of
from virtmig.wire.layout import FieldSpec, Layout, layout_for
from virtmig.wire.meaning import safe
from virtmig.wire.rebuild import is_record, records_in
from virtmig.wire.record import evolve


def _newer(patient: Patient) -> Iterator[Diagnosis]:
    """Subsections, and versions of them, that a release after the target's brought."""
    if patient.target.release is None:
        return
    walk = _Walk(patient.target.release)
    parts = {name: walk.fitted(value, name) for name, value in parts_of(patient.state).items()}
    for path, what, lost in walk.lost:
        yield Diagnosis(path=path, found=what, why_not=f"{lost} would be lost")
    if walk.left_out:
        found = "; ".join(what for _, what in walk.left_out)
        mended = attrs.evolve(patient.state, **parts)
        yield Diagnosis(path=walk.left_out[0][0], found=found, mended=mended)


NEWER_STATE = Defect(
    name="newer-state",
    title="a subsection, or a version of one, that the target does not know yet",
    written_by="any QEMU that is newer than the target; of RSS, 11.0 and newer for any machine",
    by_target=True,
    mend="it is left out, or written in the version before, if it says only what the target takes "
    "for granted",
    cannot="state that the target has no place for",
    verdict=safe("what is left out is what the target has without being told"),
    find=_newer,
)


@attrs.define
class _Walk:
    """Goes through a state and leaves out what `release` does not know."""

    release: Release
    left_out: list[tuple[str, str]] = attrs.field(factory=list[tuple[str, str]])
    """Path and text of what is not needed."""
    lost: list[tuple[str, str, str]] = attrs.field(factory=list[tuple[str, str, str]])
    """Path and text of what is, and the field with its value."""

    def fitted(self, value: Any, path: str) -> Any:
        """A record, or an array of records, as far as the target knows it."""
        if items := records_in(value):
            made = tuple([self.fitted(item, f"{path}[{n}]") for n, item in enumerate(items)])
            return value if all(map(is_, items, made)) else made
        if not is_record(value):
            return value
        changes: dict[str, Any] = {}
        for field in layout_for(value).all_fields:
            before = getattr(value, field.name)
            step = path if field.type.merged else f"{path}.{field.key}"
            after = self._field(field, before, step)
            if after is not before:
                changes[field.name] = after
        return evolve(value, **changes) if changes else value

    def _field(self, field: FieldSpec, value: Any, path: str) -> Any:
        tail = field.type.tail
        if value is None or tail is None:
            return self.fitted(value, path)
        version = getattr(value, tail.version_field) if tail.version_field else tail.version
        if self._knows(tail, version):
            return self.fitted(value, path)
        what = f"{tail.vmsd} version {version}, which QEMU {tail.releases[version]} brought"
        kept = self._older(tail, version)
        lost = _needed(tail, value, kept)
        if lost:
            self.lost.append((path, what, lost))
            return value
        self.left_out.append((path, what))
        return None if kept is None else self._written_as(tail, value, kept)

    def _knows(self, tail: Layout, version: int) -> bool:
        return version not in tail.releases or release_of(tail.releases[version]) <= self.release

    def _older(self, tail: Layout, version: int) -> int | None:
        """The newest version that the target reads; None if it reads none."""
        known = (v for v in range(version - 1, tail.minimum - 1, -1) if self._knows(tail, v))
        return next(known, None) if tail.version_field else None

    def _written_as(self, tail: Layout, value: Any, version: int) -> Any:
        gone = {field.name: None for field in _later(tail, version)}
        return evolve(value, **{tail.version_field: version}, **gone)


def _later(tail: Layout, version: int) -> list[FieldSpec]:
    """The fields that a version does not have."""
    return [field for field in tail.fields if field.when and field.when.since > version]


def _needed(tail: Layout, value: Any, kept: int | None) -> str:
    """The first field that would be lost, with its value; empty if none would."""
    if kept is None:
        return _first_set(value)
    for field in _later(tail, kept):
        found = getattr(value, field.name)
        if found is not None and found != (field.when.implied if field.when else None):
            return f"{field.name} = {shown(found)}"
    return ""


def _first_set(value: Any) -> str:
    """The first field of a record that is not zero, empty or absent, and its value."""
    for field in layout_for(value).all_fields:
        found = getattr(value, field.name)
        if field.type.carries_version or _is_nothing(found):
            continue
        return f"{field.key} = {shown(found)}"
    return ""


def _is_nothing(value: Any) -> bool:
    if is_record(value):
        return not _first_set(value)
    if items := records_in(value):
        return all(map(_is_nothing, items))
    return not value or (isinstance(value, bytes) and not value.strip(b"\0"))
