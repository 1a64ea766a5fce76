"""Whether what hooks made is whole: live objects with the core's attributes, records of values."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import attrs

from virtmig.live.device import VirtioDevice
from virtmig.testing.diff import is_record
from virtmig.testing.report import LawBroken
from virtmig.wire.layout import layout_for

FEW = 8
"""Items of a list that are looked at."""
LIVE = "load_save"
"""The law that tells what is wrong with every load or save."""


def with_core(device: VirtioDevice) -> None:
    """Fail unless a device that was just made has what its base class gives it."""
    kind = type(device).__name__
    for name in attrs.fields_dict(VirtioDevice):
        if not hasattr(device, name):
            do = "declare its class as the core's is, and with nothing else: "
            do += "@attrs.define(eq=False, kw_only=True, slots=False); an __init__ of its own has "
            do += "to call super().__init__()"
            text = f"a device just made has no attribute {name!r}, which VirtioDevice gives it"
            raise LawBroken(text, do=do, field=kind, first=LIVE)


def of_values(record: Any) -> None:
    """Fail if a record holds what can be read once only."""
    for field, value in _iterators(record):
        do = "let the save hook give it as a tuple: tuple(...)"
        text = f"what is saved is a {type(value).__name__}, which is empty once it was read"
        raise LawBroken(text, do=do, field=field, first=LIVE)


def _iterators(record: Any) -> Iterator[tuple[str, Any]]:
    for field in layout_for(record).all_fields:
        value: Any = getattr(record, field.name)
        kind: type[Any] = value.__class__
        if issubclass(kind, Iterator):
            yield f"{type(record).__name__}.{field.name}", value
        items: Any = value if issubclass(kind, tuple | list) else (value,)
        for item in items[:FEW]:
            if is_record(item):
                yield from _iterators(item)
