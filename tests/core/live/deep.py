"""A live device as one comparable value: every attribute of it, its transport and its queues."""

from __future__ import annotations

from typing import Any

from virtmig.live.device import Transport, VirtioDevice, VirtQueue
from virtmig.live.phase import Phase

LIVE = (VirtioDevice, Transport, VirtQueue, Phase)


def deep(device: VirtioDevice) -> Any:
    """All that the device holds, without asking any attribute that a load may forbid."""
    return _deep(device, [])


def _deep(value: Any, seen: list[int]) -> Any:
    if isinstance(value, list | tuple):
        return [type(value).__name__, *(_deep(item, seen) for item in value)]
    if isinstance(value, dict):
        return {key: _deep(item, seen) for key, item in value.items()}
    if not isinstance(value, LIVE) and not _is_mutable(value):
        return value
    if id(value) in seen:
        return f"seen before: {seen.index(id(value))}"
    seen.append(id(value))
    return {"": type(value), **{name: _deep(item, seen) for name, item in _attributes(value)}}


def _is_mutable(value: Any) -> bool:
    """Whether it is an object of a plugin that compares by identity."""
    same: Any = type(value).__eq__
    return same is object.__eq__ and bool(_attributes(value))


def _attributes(value: Any) -> list[tuple[str, Any]]:
    if isinstance(value, type) or callable(value):
        return []
    found = dict(getattr(value, "__dict__", {}))
    for cls in type(value).__mro__:
        names = getattr(cls, "__slots__", ())
        for name in (names,) if isinstance(names, str) else names:
            private = name.startswith("__") and not name.endswith("__")
            mangled = f"_{cls.__name__.lstrip('_')}{name}" if private else name
            if mangled not in ("__dict__", "__weakref__") and hasattr(value, mangled):
                found[mangled] = getattr(value, mangled)
    return sorted(found.items())
