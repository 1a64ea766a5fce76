"""One device as a readable tree of text lines."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import groupby
from typing import Any, TypeGuard

from virtmig.virtio.common import NO_VECTOR

INDENT = "  "
WIDTH = 78
HEX_FROM = 1 << 16
"""Numbers from here on are addresses or masks, and printed in hexadecimal."""


def device_lines(view: dict[str, Any]) -> Iterator[str]:
    """Lines for the view of a device that `formats.view` made."""
    version = f"version {view['version_id']}"
    if "error" in view:
        yield f"{view['idstr']}  {version}, not decoded"
        yield f"{INDENT}{view['error']['type']}: {view['error']['message']}"
        return
    state = view["state"]
    if "attached_to" in view:
        yield f"{view['idstr']}  attached to {view['attached_to']}, {version}"
        yield from _facts(view)
        yield from _trees(view, ("summary",))
        yield from _trees(state, state)
        return
    yield f"{view['idstr']}  {view['device']} on {view['transport']}, {version}"
    yield _pair("status", f"{state['common']['status']:#04x} {' '.join(view['status_names'])}")
    yield _pair("isr", f"{state['common']['isr']:#04x} {' '.join(view['isr_names'])}")
    yield from _wrapped("features", f"{view['guest_features']:#x}", view["feature_names"])
    yield from _facts(view)
    yield from _trees(view, ("proxy", "summary", "outer_summary"))
    if state["common"]["config"].strip("0"):  # the guest has read it
        yield from _trees(view, ("config_space",))
    yield from _queues(view)
    shown = [
        part for part in state if part != "queues" and (part, "proxy" in view) != ("config", True)
    ]
    yield from _trees(state, shown)


def _facts(view: dict[str, Any]) -> Iterator[str]:
    for fact in view["facts"]:
        yield _pair("fact", f"{fact['name']} = {fact['value']} ({fact['source']})")


def _trees(values: dict[str, Any], names: Iterable[str]) -> Iterator[str]:
    for name in names:
        if name in values:
            yield from tree_lines(name, values[name])


def _pair(name: str, text: str) -> str:
    return f"{INDENT}{name:<12}{text}".rstrip()


def _wrapped(name: str, first: str, words: list[str]) -> Iterator[str]:
    line = first
    for word in words:
        if len(line) + len(word) > WIDTH:
            yield _pair(name, line)
            name, line = "", word
        else:
            line = f"{line} {word}"
    yield _pair(name, line)


def _queues(view: dict[str, Any]) -> Iterator[str]:
    rings = {ring["index"]: ring for ring in view["rings"]}
    queues: list[dict[str, Any]] = view["state"]["queues"]
    yield f"{INDENT}queues      {len(queues)}"

    def alike_as(pair: tuple[int, dict[str, Any]]) -> str:
        return _idle(rings, *pair)

    for alike, group in groupby(enumerate(queues), alike_as):
        members = list(group)
        if alike and len(members) > 2:
            text = f"{members[0][0]}-{members[-1][0]}  {alike}"
            yield f"{INDENT}{INDENT}{text}"
            continue
        for index, queue in members:
            yield f"{INDENT}{INDENT}{index}  {_queue(queue, rings.get(index))}"


def _idle(rings: dict[int, Any], index: int, queue: dict[str, Any]) -> str:
    """What queues that are not set up have in common; empty for one that is."""
    return "" if index in rings else _queue(queue, None)


def _queue(queue: dict[str, Any], ring: dict[str, Any] | None) -> str:
    shown = {"size": queue["num"]}
    if ring is None:
        extra = {name: queue[name] for name in queue if name not in ("num", "desc")}
        return f"not set up, {_fields(shown | extra)}"
    hidden = ("index", "name", "num", "packed")
    shown |= {name: value for name, value in ring.items() if name not in hidden}
    shown |= {name: queue[name] for name in queue if name not in ("num", *shown)}
    kind = "packed " if ring.get("packed") else ""
    return f"{kind}{ring['name'] or 'queue'}  {_fields(shown)}"


def _fields(values: dict[str, Any]) -> str:
    return "  ".join(f"{name} {_named(name, value)}" for name, value in values.items())


def _named(name: str, value: Any) -> str:
    """A value whose name gives it a meaning of its own."""
    return "none" if name == "vector" and value == NO_VECTOR else _scalar(value)


def _scalar(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return hex(value) if value >= HEX_FROM else str(value)
    return str(value)


def tree_lines(name: str, value: Any, depth: int = 1) -> Iterator[str]:
    """A plain tree: a line for each value, runs of equal list items on one line."""
    pad = INDENT * depth
    if _is_map(value):
        yield f"{pad}{name}" + ("" if value else "  (empty)")
        for key, item in value.items():
            yield from tree_lines(key, item, depth + 1)
    elif _is_list(value):
        yield from _list_lines(name, value, depth)
    else:
        yield f"{pad}{name:<23} {_clipped(_scalar(value))}"


def _is_map(value: Any) -> TypeGuard[dict[str, Any]]:
    return isinstance(value, dict)


def _is_list(value: Any) -> TypeGuard[list[Any]]:
    return isinstance(value, list)


def _list_lines(name: str, values: list[Any], depth: int) -> Iterator[str]:
    pad = INDENT * depth
    if any(isinstance(item, dict) for item in values):
        yield f"{pad}{name}  {len(values)}"
        yield from _items(values, depth + 1)
    elif any(isinstance(item, str) and " " in item for item in values):
        yield f"{pad}{name}"
        yield from (f"{pad}{INDENT}{item}" for item in values)
    else:
        yield f"{pad}{name:<23} {_listed(values)}"


def _items(values: list[Any], depth: int) -> Iterator[str]:
    start = 0
    for _, group in groupby(values):
        members = list(group)
        last = start + len(members) - 1
        label = f"[{start}]" if len(members) == 1 else f"[{start}-{last}]"
        first = members[0]
        if _is_map(first) and not any(isinstance(item, dict | list) for item in first.values()):
            yield f"{INDENT * depth}{label}  {_fields(members[0])}"
        else:
            yield from tree_lines(label, members[0], depth)
        start = last + 1


def _listed(values: list[Any]) -> str:
    if not values:
        return "(none)"
    return _clipped(" ".join(_scalar(value) for value in values))


def _clipped(text: str) -> str:
    """Long values end with their length; `--json` has them whole."""
    if not text.strip("0") and len(text) > 16:
        return f"zero ({len(text) // 2} bytes)"
    return text if len(text) <= WIDTH else f"{text[: WIDTH - 16]}... ({len(text)} characters)"
