"""Records as documentation: Markdown tables of their fields, from the declarations alone."""

from __future__ import annotations

import inspect
import re
from collections.abc import Collection, Iterator, Sequence
from typing import Any

import attrs

from virtmig.virtio.drivers import DeviceDriver, Driver, SectionDriver
from virtmig.wire.layout import FieldSpec, Layout, layout_of
from virtmig.wire.nested import Struct
from virtmig.wire.types import WireType

SENT = "where it was sent"
"""Condition of every subsection: its header is there or not."""


@attrs.frozen(kw_only=True)
class FieldRow:
    """What a reader wants to know of one field.

    name: as in code, trees and paths. label: its wire type. when: condition, empty if the field
    is always there. doc: meaning and unit. record: the record that the value consists of, if any.
    """

    name: str
    label: str
    when: str
    doc: str
    record: type[Any] | None


def rows(cls: type[Any]) -> list[FieldRow]:
    """The fields of a record, in wire order."""
    return [_row(field) for field in layout_of(cls).all_fields]


def records(*roots: type[Any]) -> list[type[Any]]:
    """These records and all that they consist of, each once, an outer one before its parts."""
    found: dict[type[Any], None] = {}
    waiting = list(reversed(roots))
    while waiting:
        cls = waiting.pop()
        if cls not in found:
            found[cls] = None
            inner = [row.record for row in rows(cls)]
            waiting += reversed([one for one in inner if one is not None])
    return list(found)


def _row(field: FieldSpec) -> FieldRow:
    kind = field.type
    label = f"the transport's {kind.label} record" if kind.merged else kind.label
    always = SENT if kind.tail is not None else ""
    when = field.when.text if field.when is not None else always
    return FieldRow(name=field.name, label=label, when=when, doc=field.doc, record=_record_of(kind))


def _record_of(kind: WireType[Any]) -> type[Any] | None:
    """The record inside a wire type; None for plain values and for slots that a plugin fills."""
    inner = kind.inner
    if inner.tail is not None:
        return inner.tail.cls
    if isinstance(inner, Struct):
        cls: type[Any] | str = inner.cls
        return None if isinstance(cls, str) else cls
    return None


def name_of(cls: type[Any]) -> str:
    """A record's name as `virtmig explain` prints it."""
    return f"{cls.__module__}.{cls.__qualname__}"


def anchor(title: str) -> str:
    """The link target that Markdown renderers make of a heading."""
    return re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-")


def table(titles: Sequence[str], lines: Sequence[Sequence[str]]) -> Iterator[str]:
    """A Markdown table."""
    yield f"| {' | '.join(titles)} |"
    yield f"|{'---|' * len(titles)}"
    for line in lines:
        cells = [text.replace("|", "\\|") for text in line]
        yield f"| {' | '.join(cells)} |"


def record_markdown(cls: type[Any]) -> Iterator[str]:
    """One record: its name, its docstring, its place in QEMU and its fields."""
    layout = layout_of(cls)
    yield from ("", f"#### {name_of(cls)}", "", inspect.getdoc(cls) or "", "")
    if layout.vmsd:
        versions = _versions(layout.minimum, layout.version)
        yield from (f"vmsd `{layout.vmsd}`, {versions}{_readers(layout)}", "")
    lines = [(f"`{row.name}`", _linked(row), row.when, row.doc) for row in rows(cls)]
    if lines:
        yield from table(("field", "wire type", "present", "meaning"), lines)
    else:
        yield "No fields."


def _readers(layout: Layout) -> str:
    """Which QEMU reads a version, where not every one that is supported does."""
    return "".join(
        f"; version {version} is read by QEMU {release} and newer"
        for version, release in sorted(layout.releases.items())
    )


def driver_markdown(driver: Driver, elsewhere: Collection[type[Any]] = ()) -> Iterator[str]:
    """A driver in one sentence, then its records, but for those that stand `elsewhere`."""
    roots = _roots(driver)
    if isinstance(driver, DeviceDriver):
        versions = _versions(driver.minimum_version, driver.version)
        yield f"Device `{driver.name}`, virtio device id {driver.device_id}, section {versions}."
    elif isinstance(driver, SectionDriver):
        versions = _versions(driver.minimum_version, driver.version)
        yield f"Section `{driver.name}` of a `{driver.parent}` device, {versions}."
    else:
        yield f"Transport `{driver.name}`; device paths match `{driver.path_pattern}`."
    yield ""
    for role, cls in roots.items():
        yield f"- `{role}`: [{cls.__name__}](#{anchor(name_of(cls))})"
    for cls in records(*roots.values()):
        if cls not in elsewhere:
            yield from record_markdown(cls)


def _roots(driver: Driver) -> dict[str, type[Any]]:
    """The records that a driver declares, by their role."""
    if isinstance(driver, DeviceDriver):
        outer = {} if driver.outer is None else {"outer": driver.outer}
        return {"device": driver.state, **outer}
    if isinstance(driver, SectionDriver):
        return {"fields": driver.state}
    return {"config": driver.config, **driver.records}


def _versions(oldest: int, newest: int) -> str:
    return f"version {newest}" if oldest == newest else f"versions {oldest} to {newest}"


def _linked(row: FieldRow) -> str:
    """A wire type, with a link where it is made of a record."""
    if row.record is None:
        return f"`{row.label}`"
    target = f"(#{anchor(name_of(row.record))})"
    name = row.record.__name__
    if name in row.label:
        return row.label.replace(name, f"[{name}]{target}", 1)
    return f"[{row.label}]{target}"
