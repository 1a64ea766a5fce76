"""Laws of annotations: a package with py.typed promises them, and type checkers believe them."""

from __future__ import annotations

import inspect
import types
import typing
from collections.abc import Iterator
from typing import Any

from virtmig.errors import shown
from virtmig.testing.diff import is_record
from virtmig.testing.draw import Draw
from virtmig.testing.kit import law
from virtmig.testing.laws.wire import WireLaws
from virtmig.testing.report import LawBroken
from virtmig.wire.layout import layout_for

EXAMPLES = 20
RECORDS = {
    "save_device": "device",
    "load_device": "device",
    "save_outer": "outer",
    "load_outer": "outer",
    "save_config": "config",
    "load_config": "config",
    "save_queue": "queues[0]",
    "load_queue": "queues[0]",
    "save_extra_state": "extra_state",
    "load_extra_state": "extra_state",
}
"""The part of a state that each hook gives or takes."""
UNIONS = (typing.Union, types.UnionType)


class AnnotationLaws(WireLaws):
    """What holds for the annotations of every plugin."""

    @law
    def test_annotations(self) -> None:
        """Each value has the type that its field, and the hook that it is given to, is said to."""
        self.each_random(self._records, EXAMPLES)
        if self.subject.kind != "section":
            self.each_random(self._hooks, EXAMPLES)

    def _records(self, draw: Draw) -> None:
        bench, version = self.bench(), draw.choice(self.versions())
        for part in bench.parts(bench.draw_state(draw, version)).values():
            for record in _nested(part):
                hints = _hints(type(record))
                for field in layout_for(record).all_fields:
                    value = getattr(record, field.name)
                    where = f"{type(record).__name__}.{field.name}"
                    do = f"annotate it as what {field.type.label} gives"
                    do += ", or None" if value is None else ""
                    _fits(value, hints.get(field.name, Any), where, do)

    def _hooks(self, draw: Draw) -> None:
        bench = self.bench()
        state = bench.draw_state(draw)
        parts, kind = bench.parts(state), self.subject.kind
        live = bench.live(bench.fresh(state))
        for hook, path in RECORDS.items():
            if path in parts and hasattr(self.subject.plugin, hook):
                load = hook.startswith("load_")
                given = {kind: live, "state" if load else "return": parts[path]}
                self._hook(hook, given)
        self._hook(f"create_{kind}", {"state": state, "return": bench.created(state)})

    def _hook(self, name: str, given: dict[str, Any]) -> None:
        function: Any = getattr(self.subject.plugin, name, None)
        hints = _hints(inspect.unwrap(getattr(function, "__func__", function)))
        for argument, value in given.items():
            do = "annotate it as what the core gives to the hook, and takes from it"
            _fits(value, hints.get(argument, Any), f"{name}: {argument}", do)


def _fits(value: Any, hint: Any, where: str, do: str) -> None:
    if not _is_of(value, hint):
        said = getattr(hint, "__name__", str(hint)) if isinstance(hint, type) else str(hint)
        found = f"annotated as {said}, it is {shown(value)}, of type {type(value).__name__}"
        raise LawBroken(found, do=do, field=where)


def _is_of(value: Any, hint: Any) -> bool:
    """Whether a value is of a type as an annotation says it; of what is not known here, yes."""
    kind, inner = typing.get_origin(hint), typing.get_args(hint)
    if hint is None or hint is Any:
        return value is None or hint is Any
    if kind in UNIONS:
        return any(_is_of(value, one) for one in inner)
    if kind is tuple and issubclass(type(value), tuple):
        items: tuple[Any, ...] = value
        hints = [inner[0]] * len(items) if inner[-1:] == (...,) else [*inner]
        return len(hints) == len(items) and all(map(_is_of, items, hints))
    plain = hint if isinstance(hint, type) and kind is None else kind
    try:
        return not isinstance(plain, type) or isinstance(value, (int, plain)[plain is not float :])
    except TypeError:  # a protocol that only type checkers know
        return True


def _hints(of: Any) -> dict[str, Any]:
    """The annotations of a class or a function; none if they cannot be worked out here."""
    try:
        return typing.get_type_hints(of)
    except Exception:  # noqa: BLE001  names of type checkers alone
        return {}


def _nested(record: Any) -> Iterator[Any]:
    """A record and all that lie in it."""
    yield record
    for field in layout_for(record).all_fields:
        value: Any = getattr(record, field.name)
        for item in value if issubclass(type(value), tuple) else (value,):
            if is_record(item):
                yield from _nested(item)
