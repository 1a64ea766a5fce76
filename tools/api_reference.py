"""The reference of `virtmig.api` as Markdown, made of the lines of `api_surface`."""

from __future__ import annotations

import ast
import inspect
from collections.abc import Iterator
from functools import cache
from importlib.util import find_spec
from itertools import pairwise
from pathlib import Path
from typing import Any

from tools import api_surface
from tools.api_surface import Entry
from virtmig import api
from virtmig.formats.tables import anchor, table
from virtmig.wire.run import NATIVE
from virtmig.wire.types import Int

SECTIONS = {
    "Describing a driver": ("virtio.drivers", "virtio.facts"),
    "Declaring what QEMU gets wrong": ("virtio.defects", "virtio.finishing"),
    "Declaring records": ("wire.record", "wire.scope", "wire.counted", "wire.codec"),
    "Declaring what a change does": ("wire.meaning",),
    "Wire types made of others": ("wire.compound",),
    "Wire types": ("wire.types",),
    "Hooks and live objects": ("hooks.hookspecs", "live.device", "live.transfer"),
    "States and records of the core": ("virtio.state", "virtio.element"),
    "Reading another kind of file": ("containers.contract", "stream.place", "stream.output"),
    "Errors that plugins raise or meet": ("errors",),
    "Constants": ("virtio.common",),
}
"""The headings, each with the modules of the package that its names come from."""


@cache
def origins() -> dict[str, str]:
    """The module that each name of `virtmig.api` is imported from, without the package."""
    found: dict[str, str] = {}
    for node in ast.parse(inspect.getsource(api)).body:
        if isinstance(node, ast.ImportFrom) and node.module:
            module = node.module.removeprefix("virtmig.")
            found |= {alias.asname or alias.name: module for alias in node.names}
    return {name: module for name, module in found.items() if name in api.__all__}


@cache
def _texts(module: str) -> dict[str, str]:
    """The strings that stand below assignments of a module: what their names mean."""
    spec = find_spec(f"virtmig.{module}")
    body = ast.parse(Path(str(spec and spec.origin)).read_text()).body
    found: dict[str, str] = {}
    for node, below in pairwise(body):
        value = below.value if isinstance(below, ast.Expr) else None
        if isinstance(node, ast.Assign) and isinstance(value, ast.Constant):
            names = [one.id for one in node.targets if isinstance(one, ast.Name)]
            found |= dict.fromkeys(names, inspect.cleandoc(str(value.value)))
    return found


def meaning(name: str) -> str:
    """The docstring of a name, whatever it stands for."""
    value: Any = getattr(api, name)
    text = _texts(origins()[name]).get(name)
    if text is None:
        documented = isinstance(value, type) or callable(value)
        text = inspect.getdoc(value if documented else type(value))
    return text or ""


def markdown() -> Iterator[str]:
    """All names of `virtmig.api` under their headings."""
    since = api_surface.known()
    entries = list(api_surface.surface())
    for heading, modules in SECTIONS.items():
        names = [name for name in api.__all__ if origins()[name] in modules]
        own = {name: [one for one in entries if _belongs(one, name)] for name in names}
        yield from (f"## {heading}", "")
        plain = [one[0] for one in own.values() if one[0].kind == "wire type"]
        if plain:
            yield from _types(plain, entries, since)
        for name, lines in own.items():
            if lines[0] not in plain:
                yield from _name(name, lines, since)


def _belongs(entry: Entry, name: str) -> bool:
    return entry.kind in PROMISED and entry.name.partition(".")[0] == name


PROMISED = {
    *("class", "error", "wire type", "function", "constant", "decorator", "alias"),
    *("field", "method", "property", "late", "attribute"),
}


def _name(name: str, lines: list[Entry], since: dict[tuple[str, str], str]) -> Iterator[str]:
    first = lines[0]
    brought = since.get(first.key, "the next version")
    yield from (f"### `{name}`", "", f"{first.kind.capitalize()}, since {brought}.", "")
    yield from (meaning(name), "", "```text")
    for one in lines:
        inner = one.name.partition(".")[2]
        yield f"    {inner}{one.text}" if inner else f"{one.name}{one.text}"
    yield from ("```", "")


def _types(
    plain: list[Entry], entries: list[Entry], since: dict[tuple[str, str], str]
) -> Iterator[str]:
    """Those without arguments in one table; and what the integers among them can do."""
    rows: list[tuple[str, ...]] = []
    for one in plain:
        kind, _, label = one.text.removeprefix(": ").partition(", ")
        text = _integer(one.name) or meaning(one.name).partition("\n")[0]
        rows.append((f"`{one.name}`", f"`{kind}`", f"`{label}`", since.get(one.key, ""), text))
    yield from table(("name", "class", "in tables", "since", "meaning"), rows)
    yield ""
    methods = [one for one in entries if _belongs(one, "Int")] if len(rows) > 1 else []
    if methods:
        yield from (inspect.cleandoc(Int.__doc__ or ""), "")
        yield from ("```text", *(f"{one.name}{one.text}" for one in methods), "```", "")


ORDERS = {"": "", ">": "big-endian", "<": "little-endian", NATIVE: "in the host's byte order"}


def _integer(name: str) -> str:
    """What tells one integer type from another; empty for other types."""
    one: Any = getattr(api, name)
    if not isinstance(one, Int):
        return ""
    low = f"-{-one.low:#x}" if one.low else "0"
    words = f"{'signed' if one.low else 'unsigned'}, {8 * one.size} bits", ORDERS[one.order]
    return f"{', '.join(filter(None, words))}: {low} to {one.high:#x}"


def contents() -> Iterator[str]:
    """A link to each name."""
    for name in api.__all__:
        is_row = api_surface.kind_of(getattr(api, name)) == "wire type"
        yield f"`{name}`" if is_row else f"[`{name}`](#{anchor(name)})"
