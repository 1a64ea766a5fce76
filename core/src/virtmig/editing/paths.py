"""A path as `inspect --json` has it under `state`: what is declared there, or what is nearest."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Iterator
from typing import Any

import attrs

from virtmig.errors import NoSuchPath
from virtmig.virtio.envelope import SectionLayout
from virtmig.wire.layout import FieldSpec
from virtmig.wire.lookup import find_member, members, record_of
from virtmig.wire.meaning import EditRule, FeatureBits
from virtmig.wire.scope import Facts, Scope
from virtmig.wire.types import Fixed, WireType

Step = str | int
MOST_LISTED = 8
LONGEST_LIKELY = 128
"""Characters of a wrong name that are compared; the time goes with the square."""
DEEPEST = 12
"""Records inside records; the deepest of ours has six."""
_FORM = re.compile(r"[^.\[\]]+(\[[0-9]{1,20}\])*(\.[^.\[\]]+(\[[0-9]{1,20}\])*)*")
_STEP = re.compile(r"([^.\[\]]+)|\[([0-9]+)\]")


@attrs.frozen(kw_only=True, eq=False)
class Place:
    """A place in a state's tree.

    path: as text, subsections under their vmsd names. steps: keys and indices of the tree.
    kind: the wire type of what stands there. fields: the fields it lies in, the outermost first.
    """

    path: str
    steps: tuple[Step, ...]
    kind: WireType[Any]
    fields: tuple[FieldSpec, ...] = ()

    @property
    def rule(self) -> EditRule | None:
        """What is declared of changes there: by the field, or else what it lies in."""
        said = [field.edit for field in self.fields if field.edit is not None]
        return said[-1] if said else None

    @property
    def feature_word(self) -> FeatureBits | None:
        """Which features stand there, if it is a part of what the driver accepted."""
        bits = self.fields[-1].bits if self.fields else None
        return bits if isinstance(bits, FeatureBits) and bits.accepted else None


class Paths:
    """All paths that a section's layout declares, in the version of one section."""

    def __init__(self, layout: SectionLayout[Any], version: int) -> None:
        self._parts = dict(layout.parts)
        self._scope: Scope = layout.scope(Facts(), version)

    def resolve(self, path: str) -> Place:
        """The place that a path means; whether it is in a stream is another matter."""
        if not _FORM.fullmatch(path):
            raise NoSuchPath(f"{path!r} is not of the form part.field[3].field", path=path)
        steps = [name or int(index) for name, index in _STEP.findall(path)]
        place: Place | None = None
        for step in steps:
            found = self._root(step) if place is None else self._step(place, step)
            if found is None:
                raise self._lost(path, place, step)
            place = found
        if place is None:
            raise NoSuchPath("an empty path")
        return place

    def _root(self, step: Step) -> Place | None:
        kind = self._parts.get(str(step))
        return None if kind is None else Place(path=str(step), steps=(step,), kind=kind)

    def _step(self, place: Place, step: Step) -> Place | None:
        if isinstance(step, int):
            if place.kind.inner is place.kind:
                return None
            return attrs.evolve(
                place,
                path=f"{place.path}[{step}]",
                steps=(*place.steps, step),
                kind=place.kind.inner,
            )
        if place.kind.inner is not place.kind:  # a list: its items have fields, it has none
            return None
        found = find_member(place.kind, step, self._scope)
        return None if found is None else self._member(place, found[1])

    @staticmethod
    def _member(place: Place, field: FieldSpec) -> Place:
        return Place(
            path=f"{place.path}.{field.key}",
            steps=(*place.steps, field.key),
            kind=field.type,
            fields=(*place.fields, field),
        )

    def _lost(self, path: str, place: Place | None, step: Step) -> NoSuchPath:
        in_list = place is not None and place.kind.inner is not place.kind
        if in_list and isinstance(step, str) and step.isdigit():
            reason, hint = "it is a list", f"write [{step}] for .{step}"
        elif place is not None and in_list and isinstance(step, str):
            reason, hint = "it is a list", f"say which one: {place.path}[0].{step}"
        else:
            reason = "no such field" if isinstance(step, str) else "it is not a list"
            hint = nearest(path, self.declared())
        return NoSuchPath(reason, path=path, hint=hint)

    def is_record(self, place: Place) -> bool:
        """Whether fields stand below a place, or below each of its items, even if it has none."""
        return record_of(place.kind, self._scope) is not None

    def below(self, place: Place) -> Iterator[Place]:
        """What is declared in a record, or in each item of a list of records."""
        for _, field in members(place.kind, self._scope):
            yield self._member(place, field)

    def roots(self) -> list[Place]:
        """The parts of the section."""
        return [Place(path=name, steps=(name,), kind=kind) for name, kind in self._parts.items()]

    def leaves(self) -> list[Place]:
        """Every declared field that holds no record; the items of a list are not told apart."""
        found: list[Place] = []
        waiting = self.roots()
        while waiting:
            place = waiting.pop(0)
            inner = list(self.below(place)) if len(place.steps) < DEEPEST else []
            found += [] if inner else [place]
            waiting += inner
        return found

    def declared(self) -> list[str]:
        """The paths of `leaves`, without indices."""
        return [place.path for place in self.leaves()]

    def feature_words(self) -> list[Place]:
        """All places that hold features which the driver accepted."""
        return [place for place in self.leaves() if place.feature_word is not None]


def width(kind: WireType[Any]) -> int:
    """Bits of a number's wire type."""
    return 8 * kind.size if isinstance(kind, Fixed) else 0


def nearest(wanted: str, known: Iterable[str]) -> str:
    """A hint: the names that are most like what was asked for, or the first few there are."""
    wanted = wanted[:LONGEST_LIKELY]
    names = list(dict.fromkeys(known))
    last = _last(wanted)
    same = [name for name in names if _last(name) == last]
    alike = difflib.get_close_matches(last, map(_last, names), MOST_LISTED // 2, 0.75)
    same += [name for one in alike for name in names if _last(name) == one]
    lower = {name.lower(): name for name in names}
    close = difflib.get_close_matches(_bare(wanted).lower(), lower, MOST_LISTED // 2, 0.6)
    likely = list(dict.fromkeys([*same, *(lower[name] for name in close)]))[:MOST_LISTED]
    if likely:
        return f"nearest: {', '.join(likely)}"
    more = ", ..." if len(names) > MOST_LISTED else ""
    return f"there are: {', '.join(names[:MOST_LISTED])}{more}" if names else "there are none"


def _last(name: str) -> str:
    """The last part of a path or an idstr."""
    return re.split(r"[./]", _bare(name))[-1].lower()


def _bare(path: str) -> str:
    """A path without its indices."""
    return re.sub(r"\[\d*\]", "", path)
