"""Fields between a live object and a record that give them the same names."""

from __future__ import annotations

from typing import Any, TypeVar

from virtmig.wire.layout import layout_for, layout_of

R = TypeVar("R")


def collect(cls: type[R], live: object, **given: Any) -> R:
    """A record of class `cls` from the attributes of a live object.

    given: values of fields that the live object holds under another name, or not at all.
    """
    names = [field.name for field in layout_of(cls).all_fields if field.name not in given]
    return cls(**given, **{name: getattr(live, name) for name in names})


def restore(live: object, state: Any, *skipped: str) -> None:
    """Put the fields of a record into the attributes of a live object, but those `skipped`."""
    for field in layout_for(state).all_fields:
        if field.name not in skipped:
            setattr(live, field.name, getattr(state, field.name))
