"""`@record` and `wire()`: the one place where a field is declared."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from typing import Any, TypeVar, dataclass_transform, overload

import attrs

from virtmig.wire.layout import ATTRIBUTE, FieldSpec, Layout
from virtmig.wire.meaning import Bits, EditRule
from virtmig.wire.scope import Condition
from virtmig.wire.types import WireType

T = TypeVar("T")
R = TypeVar("R")
METADATA = "virtmig.wire"
EARLIER = "__virtmig_earlier__"
_DECLARED: Any = attrs.field().__class__
"""What stands in the body of a class until attrs has made the class."""
_MISSING_DOC = "{}.{}: a field needs a doc: its meaning and unit"


@overload
def wire(
    type: WireType[T],
    doc: str,
    *,
    when: None = None,
    edit: EditRule | None = None,
    bits: Bits | None = None,
) -> T: ...
@overload
def wire(
    type: WireType[T],
    doc: str,
    *,
    when: Condition,
    edit: EditRule | None = None,
    bits: Bits | None = None,
) -> T | None: ...
def wire(
    type: WireType[Any],
    doc: str,
    *,
    when: Condition | None = None,
    edit: EditRule | None = None,
    bits: Bits | None = None,
) -> Any:
    """Declare a field of a record.

    type: how it lies on the wire; its Python type must equal the annotation.
    doc: meaning and unit, for tables, `explain` and error hints.
    when: the condition under which it is on the wire; the value is None where it is not.
    edit: what a change of it does to a guest that runs on; it counts for what the field consists
    of too, as far as that says nothing. Without any a running guest is taken to rely on it.
    bits: names of its bits, if it is a set of them.
    """
    frame = inspect.currentframe()
    if frame is not None and frame.f_back is not None:
        _note_earlier(frame.f_back.f_locals)
    optional = when is not None or type.tail is not None
    default = None if optional else attrs.NOTHING
    return attrs.field(
        default=default, kw_only=True, metadata={METADATA: (type, doc, when, edit, bits)}
    )


def _note_earlier(body: dict[str, Any]) -> None:
    """Remember the fields that a class body has so far; Python forgets a name's first one.

    A field that is lost like that would shift all that lies behind it in the stream.
    """
    if "__qualname__" in body:  # a class body, and not a function that makes fields
        fields = {name: one for name, one in body.items() if type(one) is _DECLARED}
        body[EARLIER] = {**fields, **body.get(EARLIER, {})}


def _refuse_doubled(cls: type) -> None:
    """Raise if a field was declared and then another under its name."""
    earlier: dict[str, Any] = cls.__dict__.get(EARLIER, {})
    for name, field in earlier.items():
        if cls.__dict__.get(name) is not field:
            raise TypeError(f"{cls.__name__}.{name} is declared twice")
    if EARLIER in cls.__dict__:
        delattr(cls, EARLIER)


def evolve(record: R, **changes: Any) -> R:
    """A copy of a record with some fields changed (attrs.evolve, for type checkers too)."""
    untyped: Any = record
    made: R = attrs.evolve(untyped, **changes)
    return made


@dataclass_transform(kw_only_default=True, frozen_default=True, field_specifiers=(wire,))
def record(
    vmsd: str = "",
    *,
    version: int = 1,
    minimum: int | None = None,
    releases: Mapping[int, str] | None = None,
) -> Callable[[type[T]], type[T]]:
    """Make a frozen, keyword-only class of wire fields, and compile it.

    vmsd: QEMU's name of it, needed if it is a subsection or has subsections.
    version: the version_id that QEMU writes; `minimum` is the oldest that is read (default: the
    same). releases: of a subsection, the first QEMU that reads each version, such as `"10.2"`; one
    that is not in it is read by every QEMU that is supported.
    """

    def make(cls: type[T]) -> type[T]:
        _refuse_doubled(cls)
        made = attrs.frozen(kw_only=True, slots=True)(cls)
        specs = _specs(made)
        _refuse_misnamed(cls, vmsd, specs)
        lowest = version if minimum is None else minimum
        layout = Layout(made, specs, vmsd, version, lowest)
        layout.releases = dict(releases or {})
        setattr(made, ATTRIBUTE, layout)
        return made

    return make


def _refuse_misnamed(cls: type, vmsd: str, specs: list[FieldSpec]) -> None:
    """Raise if a reader that is at the end of the fields would not find a subsection."""
    for spec in specs:
        if spec.type.tail is None:
            continue
        name = spec.type.tail.vmsd
        if not vmsd:
            raise TypeError(f"{cls.__name__}: a record with subsections needs its vmsd name")
        if not spec.type.misnamed and (not name.startswith(vmsd) or name in (vmsd, f"{vmsd}/")):
            text = f"{cls.__name__}.{spec.name}: a subsection of {vmsd!r} is named {vmsd}/..., not "
            raise TypeError(f"{text}{name!r}; if QEMU itself misnames it: misnamed=True")


def _specs(cls: type) -> list[FieldSpec]:
    specs: list[FieldSpec] = []
    for attribute in attrs.fields(cls):
        declared = attribute.metadata.get(METADATA)
        if declared is None:
            raise TypeError(f"{cls.__name__}.{attribute.name}: declare it with wire()")
        spec = FieldSpec(attribute.name, *declared)
        _check(cls, spec, specs)
        specs.append(spec)
    return specs


def _check(cls: type, spec: FieldSpec, earlier: list[FieldSpec]) -> None:
    """Refuse at class creation what would only fail on the first stream."""
    if not spec.doc:
        raise TypeError(_MISSING_DOC.format(cls.__name__, spec.name))
    known = {field.name for field in earlier}
    tails = [field.type.tail.vmsd for field in earlier if field.type.tail is not None]
    for name in (*spec.type.reads, *(spec.when.reads if spec.when else ())):
        if name not in known:
            text = f"{cls.__name__}.{spec.name} depends on {name!r}, which is no earlier field"
            raise TypeError(text)
    if spec.type.tail is not None:
        if spec.type.tail.vmsd in tails:
            raise TypeError(f"{cls.__name__}.{spec.name}: a second {spec.type.tail.vmsd!r}")
    elif tails:
        raise TypeError(f"{cls.__name__}.{spec.name}: subsections come after all other fields")
