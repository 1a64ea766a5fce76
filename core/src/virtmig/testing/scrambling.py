"""What `scramble` does if an author does not write one."""

from __future__ import annotations

from typing import Any

from virtmig.testing.draw import Draw
from virtmig.testing.looking import CORE
from virtmig.wire.layout import layout_of


def set_same_names(live: Any, draw: Draw, cls: type[Any], *fixed: str) -> None:
    """Draw a record, and set those attributes of `live` that have the name of a field.

    fixed: names of fields that no guest changes.
    Attributes of the core are left alone, and so is one whose field is absent as its condition is
    not met: what a live object holds then is its own business.
    """
    drawn = draw.record(cls)
    for field in layout_of(cls).all_fields:
        value = getattr(drawn, field.name)
        absent = value is None and field.when is not None
        skipped = field.name in CORE or field.name in fixed or absent
        if not skipped and hasattr(live, field.name):
            setattr(live, field.name, value)
