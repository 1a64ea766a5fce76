"""Live objects as comparable values: what a plugin's own attributes hold, and all the rest."""

from __future__ import annotations

import functools
import types
from collections.abc import Callable
from typing import Any

from virtmig.live.device import CORE_STATE, Transport, VirtioDevice, VirtQueue
from virtmig.live.phase import Phase

LIVE = (VirtioDevice, Transport, VirtQueue, Phase)
PLAIN = (int, str, bytes, float, bool, type(None), frozenset)
QUEUE_OWN = ("phase", "vector")
CACHED: type[Any] = functools.cached_property
CORE = CORE_STATE | {"device"}


def attributes(live: Any) -> dict[str, Any]:
    """Everything in the instance dictionary and in slots, without asking any descriptor."""
    found: dict[str, Any] = dict(getattr(live, "__dict__", {}))
    for cls in type(live).__mro__:
        slots = cls.__dict__.get("__slots__", ())
        for name in (slots,) if isinstance(slots, str) else slots:
            private = name.startswith("__") and not name.endswith("__")
            mangled = f"_{cls.__name__.lstrip('_')}{name}" if private else name
            if mangled not in ("__dict__", "__weakref__") and hasattr(live, mangled):
                found[mangled] = getattr(live, mangled)
    return found


def own(live: Any) -> dict[str, Any]:
    """What the plugin itself keeps in its live object, frozen; what is cached does not count."""
    return {
        name: frozen(value)
        for name, value in attributes(live).items()
        if name not in CORE and not _cached(live, name)
    }


def _cached(live: Any, name: str) -> bool:
    cls: type[object] = live.__class__
    held: object = cls.__dict__.get(name)
    return isinstance(held, CACHED)


def core(live: VirtioDevice) -> dict[str, Any]:
    """What the core keeps in a device and its queues, frozen; the vectors are a transport's."""
    left_out = {"transport", "queues", "phase"}
    found = {name: frozen(vars(live).get(name)) for name in CORE_STATE - left_out}
    found["queues"] = len(live.queues)
    for queue in live.queues:
        held = {name: one for name, one in attributes(queue).items() if name not in QUEUE_OWN}
        found |= {f"queues[{queue.index}].{name}": frozen(one) for name, one in held.items()}
    return found


def everything(device: VirtioDevice) -> Any:
    """All that hangs on a device, as one comparable value."""
    return frozen(device, inside=True)


def frozen(value: Any, seen: tuple[int, ...] = (), *, inside: bool = False) -> Any:
    """A value that does not change when the original does; `inside`: go into live objects too."""
    if issubclass(type(value), PLAIN):
        return value
    if id(value) in seen:
        return f"seen before: {type(value).__name__}"
    seen = (*seen, id(value))
    deeper = functools.partial(frozen, seen=seen, inside=inside)
    found = _container(value, deeper)
    if found is not None:
        return found
    if _opaque(value) or (isinstance(value, LIVE) and not inside):
        return f"the {type(value).__name__}"
    held = attributes(value)
    return [type(value).__name__, {name: deeper(item) for name, item in held.items()}]


def _container(value: Any, deeper: Callable[[Any], Any]) -> Any:
    """A container of Python's own, frozen; None for anything else."""
    kind: type[Any] = value.__class__
    if issubclass(kind, list | tuple):
        return [kind.__name__, *(deeper(item) for item in value)]
    if issubclass(kind, dict):
        return {frozen_key(key): deeper(item) for key, item in value.items()}
    if issubclass(kind, set):
        return ["set", *sorted(map(repr, value))]
    return ["bytearray", bytes(value)] if issubclass(kind, bytearray) else None


def _opaque(value: Any) -> bool:
    return callable(value) or isinstance(value, types.ModuleType)


def frozen_key(key: Any) -> Any:
    """A key of a dictionary as it is, if it is plain."""
    return key if issubclass(type(key), PLAIN) else repr(key)
