"""A record's declaration, compiled once: its fields, and a plan for each combination of them.

A record whose fields are all of fixed width in the case at hand becomes one row: one
`struct.Struct`, one generated function that builds the object from the raw values and one that
takes it apart. Whole arrays of such rows are read with `iter_unpack`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

import attrs

from virtmig.errors import ConditionMismatch, DecodeError, OutOfRange, VirtmigError, shown
from virtmig.wire.meaning import Bits, EditRule
from virtmig.wire.run import Leaf, Run
from virtmig.wire.scope import Condition, Scope
from virtmig.wire.types import Fixed, WireType

ATTRIBUTE = "__virtmig_layout__"


@attrs.frozen(eq=False)
class FieldSpec:
    """One declared field: what `wire()` was given, under its name."""

    name: str
    type: WireType[Any]
    doc: str
    when: Condition | None
    edit: EditRule | None = None
    bits: Bits | None = None
    waits: bool = attrs.field(
        init=False,
        default=attrs.Factory(lambda self: bool(self.when and self.when.reads), takes_self=True),
    )
    """Whether only earlier fields of the same record tell if it is there."""

    @property
    def key(self) -> str:
        """Its key in a tree, and in a path: a subsection stands under its vmsd name."""
        return self.type.tail.vmsd if self.type.tail is not None else self.name

    def inside(self, error: VirtmigError) -> VirtmigError:
        """The error, said to lie in this field; a merged one is no step of a path."""
        return error if self.type.merged else error.inside(self.key)


class Nested:
    """Mixin of wire types that hold one record inline, without a header of its own."""

    def layout(self, scope: Scope) -> Layout:
        """The layout of the record that stands here, given what is known so far."""
        raise NotImplementedError


@attrs.define(eq=False, slots=True)
class Row:
    """A plan that is one run: how to build objects of raw values and how to take one apart."""

    run: Run
    build: Callable[[Iterable[tuple[Any, ...]]], list[Any]]
    flat: Callable[[Any], tuple[Any, ...]]


@attrs.define(eq=False, slots=True)
class Plan:
    """What one combination of conditions leaves of a record: runs and single fields in order."""

    layout: Layout
    steps: list[Run | FieldSpec]
    nested: dict[str, Plan]
    absent: tuple[str, ...]
    row: Row | None = None


class Layout:
    """The compiled declaration of one record class."""

    releases: Mapping[int, str] = {}
    """The first QEMU that reads a version of a subsection; see `record`."""

    def __init__(
        self, cls: type[Any], fields: list[FieldSpec], vmsd: str, version: int, minimum: int
    ) -> None:
        self.cls = cls
        self.vmsd = vmsd
        self.version = version
        self.minimum = minimum
        self.all_fields = tuple(fields)
        self.fields = tuple(field for field in fields if field.type.tail is None)
        self.tails = {
            field.type.tail.vmsd: field for field in fields if field.type.tail is not None
        }
        self.counts = {name for field in fields for name in field.type.reads}
        self.version_field = next((f.name for f in fields if f.type.carries_version), "")
        self.outer = [f for f in self.fields if f.when is not None and not f.waits]
        self.inline = [f for f in self.fields if isinstance(f.type, Nested)]
        self._plans: dict[tuple[Any, ...], Plan] = {}
        self._static = None if self.outer or self.inline else self._compile((), {})

    def plan(self, scope: Scope) -> Plan:
        """The plan for decoding under `scope`."""
        if self._static is not None:
            return self._static
        absent = tuple([f.name for f in self.outer if not _holds(f.when, scope)])
        nested = {
            f.name: f.type.layout(scope).plan(scope)
            for f in self.inline
            if f.name not in absent and isinstance(f.type, Nested) and f.when is None
        }
        return self._cached(absent, nested)

    def plan_of(self, value: Any, scope: Scope) -> Plan:
        """The plan for encoding `value`: what it holds decides what is written."""
        if value.__class__ is not self.cls:
            raise OutOfRange(f"expected a {self.cls.__name__}, found {shown(value)}")
        if self._static is not None:
            return self._static
        absent = tuple([f.name for f in self.outer if getattr(value, f.name) is None])
        nested: dict[str, Plan] = {}
        for field in self.inline:
            if field.when is None and isinstance(field.type, Nested):
                try:
                    inner = field.type.layout(scope)
                    nested[field.name] = inner.plan_of(getattr(value, field.name), scope)
                except DecodeError as error:  # the layout of a slot that nothing fills
                    raise OutOfRange(error.reason, path=field.name) from None
                except VirtmigError as error:
                    raise field.inside(error) from None
        return self._cached(absent, nested)

    def _cached(self, absent: tuple[str, ...], nested: dict[str, Plan]) -> Plan:
        key = (absent, *nested.values())
        plan = self._plans.get(key)
        if plan is None:
            plan = self._plans[key] = self._compile(absent, nested)
        return plan

    def _compile(self, absent: tuple[str, ...], nested: dict[str, Plan]) -> Plan:
        steps: list[Run | FieldSpec] = []
        group: list[Leaf] = []
        for field in self.fields:
            if field.name in absent:
                continue
            kind = field.type
            fuses = isinstance(kind, Fixed) and not field.waits
            if group and not (fuses and _joins(group, kind)):
                steps.append(Run(group))
                group = []
            if fuses and isinstance(kind, Fixed):
                group.append(Leaf(field.name, field.name, kind, field.name in self.counts))
            else:
                steps.append(field)
        if group:
            steps.append(Run(group))
        plan = Plan(self, steps, nested, absent)
        plan.row = _row(plan)
        return plan


def _holds(condition: Condition | None, scope: Scope) -> bool:
    return condition is None or condition.test(scope, {})


def _joins(group: list[Leaf], kind: WireType[Any]) -> bool:
    """Whether `kind` has the byte order of the run so far; single bytes have any."""
    orders = {leaf.type.order for leaf in group if leaf.type.order}
    return isinstance(kind, Fixed) and (not kind.order or not orders or kind.order in orders)


def layout_of(cls: type[Any]) -> Layout:
    """The layout that `@record` compiled for `cls`."""
    layout = cls.__dict__.get(ATTRIBUTE)
    if not isinstance(layout, Layout):
        raise TypeError(f"{cls.__name__} is not a record; decorate it with @record()")
    return layout


def layout_for(value: object) -> Layout:
    """The layout of a record's class."""
    return layout_of(value.__class__)


def _leaves(plan: Plan, name: str = "", path: str = "") -> Iterator[Leaf | None]:
    """Fixed fields of the plan and its nested plans; None where something else stands."""
    if plan.layout.tails:
        yield None
    for field in plan.layout.fields:
        if field.name in plan.absent:
            continue
        if isinstance(field.type, Fixed) and not field.waits:
            counts = field.name in plan.layout.counts
            yield Leaf(name + field.name, path + field.name, field.type, counts)
        elif field.name in plan.nested:
            inner = name if field.type.merged else f"{name}{field.name}."
            yield from _leaves(plan.nested[field.name], inner, f"{path}{field.name}.")
        else:
            yield None


def _row(plan: Plan) -> Row | None:
    leaves: list[Leaf] = []
    for leaf in _leaves(plan):
        if leaf is None or (leaves and not _joins(leaves, leaf.type)):
            return None
        leaves.append(leaf)
    if not leaves:
        return None
    writer = _RowSource()
    top = writer.object(plan, "o")
    return Row(Run(leaves), *writer.functions(top))


class _RowSource:
    """Source of a row's two functions.

    Records are frozen, so objects are made as attrs makes them, by setting slots; doing it in
    one generated function is what makes a thousand rows cost a third of calling the class.
    """

    def __init__(self) -> None:
        self.names: dict[str, Any] = {"new": object.__new__, "refuse": _refuse}
        self.build: list[str] = []
        self.take: list[str] = []
        self.parts: list[str] = []

    def object(self, plan: Plan, var: str) -> str:
        cls = plan.layout.cls
        self.names[f"C{var}"] = cls
        self.build.append(f"{var} = new(C{var})")
        self.take.append(f"if {var}.__class__ is not C{var}: refuse({var}, C{var})")
        for number, field in enumerate(plan.layout.fields):
            self.field(plan, field, var, f"{var}_{number}")
        return var

    def field(self, plan: Plan, field: FieldSpec, var: str, slot: str) -> None:
        self.names[f"S{slot}"] = getattr(plan.layout.cls, field.name).__set__
        if field.name in plan.absent:
            self.build.append(f"S{slot}({var}, None)")
            self.take.append(f"if {var}.{field.name} is not None: refuse({var}, {field.name!r})")
        elif field.name in plan.nested:
            self.take.append(f"{slot} = {var}.{field.name}")
            self.object(plan.nested[field.name], slot)
            self.build.append(f"S{slot}({var}, {slot})")
        else:
            self.leaf(field.type, field.name, var, slot)

    def leaf(self, kind: Any, name: str, var: str, slot: str) -> None:
        self.names |= {f"L{slot}": kind.load, f"D{slot}": kind.dump}
        argument = f"a{len(self.parts)}"
        value = f"L{slot}({argument})" if kind.load else argument
        if kind.inline:
            value = kind.inline.format(argument, f"L{slot}")
        self.build.append(f"S{slot}({var}, {value})")
        self.parts.append(f"D{slot}({var}.{name})" if kind.dump else f"{var}.{name}")

    def functions(
        self, top: str
    ) -> tuple[Callable[..., list[Any]], Callable[[Any], tuple[Any, ...]]]:
        arguments = ", ".join(f"a{number}" for number in range(len(self.parts)))
        loop = "\n  ".join([f" for {arguments}, in rows:", *self.build, f"add({top})"])
        take = "\n ".join([*self.take, f"return ({', '.join(self.parts)},)"])
        source = (
            f"def build(rows):\n made = []\n add = made.append\n{loop}\n return made\n"
            f"def flat({top}):\n {take}\n"
        )
        exec(source, self.names)  # noqa: S102  the source is made of declared names only
        return self.names["build"], self.names["flat"]


def _refuse(value: Any, expected: type | str) -> None:
    if isinstance(expected, str):
        text = "is set here and unset in the first row of the same array"
        raise ConditionMismatch(text, path=expected)
    raise OutOfRange(f"expected {expected.__name__}, found {type(value).__name__}")
