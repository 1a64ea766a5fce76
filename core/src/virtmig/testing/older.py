"""States of an older section version: what they lack, and what a device takes for it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import attrs

from virtmig.errors import shown
from virtmig.testing.diff import Difference, is_record
from virtmig.testing.report import LawBroken
from virtmig.virtio.state import VirtioState
from virtmig.wire.layout import FieldSpec, layout_for, layout_of

Fields = dict[str, FieldSpec]


def state_as_of(state: VirtioState, version: int) -> VirtioState:
    """A state without what later versions of the section brought; QEMU itself writes the newest."""
    outer = None if state.outer is None else as_of(state.outer, version)
    return attrs.evolve(state, device=as_of(state.device, version), outer=outer)


def as_of(record: Any, version: int) -> Any:
    """A record without its later fields; a subsection stays, which has a version of its own."""
    changes: dict[str, Any] = {}
    for field in layout_for(record).all_fields:
        value = getattr(record, field.name)
        if is_later(field, version):
            changes[field.name] = None
        elif field.type.tail is None:
            changes[field.name] = _inside(value, version)
    return attrs.evolve(record, **changes)


def _inside(value: Any, version: int) -> Any:
    if is_record(value):
        return as_of(value, version)
    items: tuple[Any, ...] = value if issubclass(value.__class__, tuple) else ()
    if any(map(is_record, items)):
        return tuple(_inside(item, version) for item in items)
    return value


def is_later(field: FieldSpec, version: int) -> bool:
    """Whether a later version than that brought the field."""
    return field.when is not None and field.when.since > version


def filled(record: Any, version: int, fresh: Any) -> Any:
    """The record with what stands for its later fields, as a newest version would send it."""
    given = {
        field.name: _taken(field, fresh)
        for field in layout_for(record).all_fields
        if is_later(field, version)
    }
    known = {name: value for name, value in given.items() if value is not None}
    return attrs.evolve(record, **known)


def _taken(field: FieldSpec, fresh: Any) -> Any:
    """What a reader takes for a field that is not there; None if nothing is known of it."""
    implied = None if field.when is None else field.when.implied
    return getattr(fresh, field.name, None) if implied is None else implied


def section_fields(classes: Iterable[type[Any]]) -> Fields:
    """The fields of records by name, as `EchoState.gain`; without those in subsections."""
    layouts = [layout_of(cls) for cls in classes]
    tails = {
        field.type.tail.cls
        for layout in layouts
        for field in layout.all_fields
        if field.type.tail is not None
    }
    return {
        f"{layout.cls.__name__}.{field.name}": field
        for layout in layouts
        if layout.cls not in tails
        for field in layout.all_fields
    }


def wrongly_taken(
    found: Difference, fields: Fields, fresh: dict[str, Any], version: int
) -> LawBroken | None:
    """What is wrong with the value that a device saves of a field that an older state lacked.

    fresh: the records that a fresh device saves, by path.
    """
    field, path = fields.get(found.field), found.path.split(".")
    later = field is not None and is_later(field, version)
    implied = field.when.implied if later and field and field.when else None
    default = getattr(fresh.get(path[0]), path[-1], None)
    if implied is not None:
        return _not_implied(found, implied, default, version)
    if found.other == default or (
        later and len(path) > 2
    ):  # of an item a fresh device says nothing
        return None
    text = f"of version {version} {found.said('loaded', 'then saved')}; a fresh device has "
    do = f"in a load hook, put the default back for what version {version} lacks (None)"
    return LawBroken(f"{text}{shown(default)}", do=do, field=found.name)


def _not_implied(found: Difference, implied: Any, default: Any, version: int) -> LawBroken | None:
    """What is wrong where the declaration says what an older reader takes for granted."""
    if found.other == implied:
        return None
    text = f"declared as implied={shown(implied)}; a load of version {version}, which lacks it, "
    text += f"makes it {shown(found.other)}"
    if found.other == default:
        text += ", which a fresh device has too"
        do = f"write implied={shown(default)}, if QEMU takes that for granted; if not, put "
        do += f"{shown(implied)} back in a load hook where it is None"
    else:
        do = f"in a load hook put {shown(implied)} back where it is None; a fresh device has "
        do += shown(default)
    return LawBroken(text, do=do, field=found.name)
