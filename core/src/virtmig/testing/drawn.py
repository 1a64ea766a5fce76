"""What goes wrong while a state is drawn, as what its declaration got wrong."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager
from typing import Any

from virtmig.errors import MissingFact, VirtmigError, told
from virtmig.formats.tables import records
from virtmig.testing.drawing import Undrawable
from virtmig.testing.report import LawBroken
from virtmig.virtio.drivers import SectionDriver
from virtmig.wire.layout import layout_of
from virtmig.wire.scope import Facts, Scope

BYTES = "exact"
"""The law that tells of a layout that cannot be drawn; every other one would tell it too."""
CORE_PARTS = ("config", "common", "queues", "device", "subsections", "outer")
ROOTS = ("state", "outer", "config", "queue", "extra")


def record_classes(driver: Any) -> list[type[Any]]:
    """All record classes that a driver declares, an outer one before its parts."""
    roots = [getattr(driver, name, None) for name in ROOTS]
    return records(*[cls for cls in roots if cls is not None])


@contextmanager
def drawing(driver: Any) -> Generator[None]:
    """While a state is drawn: what cannot be drawn cannot be read either."""
    try:
        yield
    except LawBroken:
        raise
    except MissingFact as error:
        do = "declare an OpenFact of that name in the driver's `facts`"
        where = _asking(driver, error.reason)
        raise LawBroken(str(error), do=do, field=where, first=BYTES) from None
    except Undrawable as error:
        do = "say what a count looks at: @depends_on(...), or the field's name as a text"
        text = f"a length cannot be drawn: {error}"
        raise LawBroken(text, do=do, field=str(error), first=BYTES) from None
    except VirtmigError as error:
        do = "let the declaration read what it allows: conditions, counts, types"
        raise LawBroken(told(error), do=do, field=error.where.path, first=BYTES) from error
    except Exception as error:
        do = "look only at earlier fields and parts; a Condition names its fields in `reads`, a "
        do += "count in @depends_on(...)"
        if isinstance(driver, SectionDriver) and str(error).strip("'") in CORE_PARTS:
            do = f"a section without virtio has no part {error}: look at fields of its own alone"
        text = f"a layout failed: {told(error)}"
        raise LawBroken(text, do=do, field=site(error), first=BYTES) from error


def site(error: BaseException) -> str:
    """The function that an exception came out of, if that is not the core's own."""
    at, found = error.__traceback__, ""
    while at is not None:
        name = str(at.tb_frame.f_globals.get("__name__", ""))
        if not name.startswith(("virtmig.", "importlib")):
            code = at.tb_frame.f_code
            found = f"{name}.{code.co_name} (line {at.tb_lineno})"
        at = at.tb_next
    return found


def _asking(driver: Any, reason: str) -> str:
    """The field whose condition asks for the fact that an error names."""
    for cls in record_classes(driver):
        for field in layout_of(cls).all_fields:
            try:
                if field.when is not None:
                    field.when.test(Scope(facts=Facts()), {})
            except MissingFact as error:
                if error.reason.split("'")[1:2] == reason.split("'")[1:2]:
                    return f"{cls.__name__}.{field.name}"
            except Exception:  # noqa: BLE001, S112  it needs what is not there now
                continue
    return ""
