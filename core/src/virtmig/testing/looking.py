"""Live objects as comparable values: what a plugin's own attributes hold, and all the rest."""

from __future__ import annotations

import enum
import functools
import threading
import types
import warnings
import weakref
from array import array
from collections import OrderedDict, deque
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import attrs

from virtmig.live.device import CORE_STATE, Transport, VirtioDevice, VirtQueue
from virtmig.live.phase import Late, Phase

LIVE = (VirtioDevice, Transport, VirtQueue, Phase)
PLAIN = (int, str, bytes, float, bool, type(None))
QUEUE_OWN = ("phase", "vector")
CACHED: type[Any] = functools.cached_property
CORE = CORE_STATE | {"device"}
QUEUE_STATE = {
    *attrs.fields_dict(VirtQueue),
    *(name for name, value in vars(VirtQueue).items() if isinstance(value, Late)),
}
CODE = (
    type,
    types.FunctionType,
    types.BuiltinFunctionType,
    types.MethodType,
    types.MethodWrapperType,
    types.ModuleType,
    weakref.ReferenceType,
    weakref.ProxyType,
    weakref.CallableProxyType,
    type(threading.Lock()),
    type(threading.RLock()),
)


def kind_of(value: object) -> type[Any]:
    """The class of an object, whatever it says that it is."""
    return type(value)


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
    uncompared = _uncompared(live)
    return {
        name: frozen(value)
        for name, value in attributes(live).items()
        if name not in CORE and name not in uncompared and name not in _cached(live)
    }


def on_queues(device: VirtioDevice) -> dict[str, Any]:
    """What a plugin has put on the queues of its device, frozen."""
    return {
        f"queues[{queue.index}].{name}": frozen(value)
        for queue in device.queues
        for name, value in attributes(queue).items()
        if name not in QUEUE_STATE
    }


def stale(live: Any) -> Iterator[tuple[str, Any, Any]]:
    """Name, kept value and value worked out anew of what is cached and does not hold any more."""
    for name, cached in _cached(live).items():
        if name in vars(live):
            kept, anew = frozen(vars(live)[name]), frozen(cached.func(live))
            if kept != anew:
                yield name, kept, anew


def _cached(live: Any) -> dict[str, Any]:
    """The cached properties of a live object's classes."""
    classes = reversed(type(live).__mro__)
    held = [pair for cls in classes for pair in vars(cls).items()]
    return {name: value for name, value in held if isinstance(value, CACHED)}


def _uncompared(value: Any) -> set[str]:
    """Names of attributes that are declared as no part of what makes two objects equal."""
    kind = kind_of(value)
    fields: tuple[Any, ...] = getattr(kind, "__attrs_attrs__", ())
    return {field.name for field in fields if not field.eq}


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
    """A value that does not change when the original does; `inside`: go into live objects too.

    Two of them are equal where the originals hold the same. Inside, what an object does not compare
    and the order of a dictionary count as well.
    """
    kind = kind_of(value)
    if issubclass(kind, PLAIN):
        return _plain(value)
    if id(value) in seen:
        return f"seen before: {kind.__name__}"
    deeper = functools.partial(frozen, seen=(*seen, id(value)), inside=inside)
    if (found := _container(value, deeper, ordered=inside)) is not None:
        return found
    if opaque(value) or (isinstance(value, LIVE) and not inside):
        return f"the {kind.__name__}"
    left_out: set[str] = set() if inside else _uncompared(value)
    held = {name: one for name, one in attributes(value).items() if name not in left_out}
    found = [kind.__name__, {name: deeper(one) for name, one in held.items()}]
    return [*found, *_hidden(value, held, deeper)]


def _plain(value: Any) -> Any:
    """A plain value as it is; one of a subclass with what it has beside."""
    kind = kind_of(value)
    more = {} if kind in PLAIN or isinstance(value, enum.Enum) else attributes(value)
    return [kind.__name__, value, repr(more)] if more else value


def _container(value: Any, deeper: Callable[[Any], Any], *, ordered: bool) -> Any:
    """A container of Python's own, frozen; None for anything else."""
    kind: type[Any] = value.__class__
    found: list[Any] = [kind.__name__]
    if issubclass(kind, list | tuple | deque | array):
        found += [deeper(item) for item in value]
    elif issubclass(kind, dict):
        pairs = [[deeper(key), deeper(item)] for key, item in value.items()]
        if kind is dict and not ordered and all(isinstance(key, PLAIN) for key, _ in pairs):
            return dict(pairs)
        found += pairs if ordered or kind is OrderedDict else sorted(pairs, key=repr)
    elif issubclass(kind, set | frozenset):
        if kind is frozenset and all(isinstance(item, PLAIN) for item in value):
            return value
        found += sorted(map(deeper, value), key=repr)
    elif issubclass(kind, bytearray | memoryview):
        found.append(bytes(value))
    else:
        return None
    more = attributes(value)
    return [*found, deeper(more)] if more else found


def _hidden(value: Any, held: dict[str, Any], deeper: Callable[[Any], Any]) -> list[Any]:
    """What an object holds elsewhere than in attributes: as it would be copied, or as it is told.

    An `Unseen` for one that says neither.
    """
    kind = kind_of(value)
    if hasattr(kind, "__attrs_attrs__") or (held and not _copied_its_own_way(kind)):
        return []
    try:
        with warnings.catch_warnings(action="ignore"):
            parts: Any = value.__reduce_ex__(2)
            return [deeper(_listed(one)) for one in parts]
    except Exception:  # noqa: BLE001  a foreign object may fail in any way
        told = repr(value)  # one that says no more than where it lies has "at 0x..."
        return [Unseen(kind.__name__) if " at 0x" in told else told]


def _listed(value: Any) -> Any:
    return [*value] if isinstance(value, Iterator) else value


def _copied_its_own_way(kind: type[Any]) -> bool:
    names = ("__reduce_ex__", "__reduce__", "__getstate__")
    return any(getattr(kind, name) is not getattr(object, name) for name in names)


class Unseen(str):
    """The type of an object that nobody can look into."""

    __slots__ = ()


def unseen(value: Any) -> Iterator[str]:
    """Types in a frozen value that hide what they hold."""
    if isinstance(value, Unseen):
        yield str(value)
    elif kind_of(value) in (list, dict):
        items: Iterable[Any] = value.values() if kind_of(value) is dict else value
        for item in items:
            yield from unseen(item)


def doubtful(held: dict[str, Any], now: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """What cannot be compared after a load, or differs in a way that need not matter."""
    for name, value in held.items():
        other: Any = now.get(name)
        for kind in unseen(value):
            yield name, f"the kit cannot look into it ({kind}): does a load put it back?"
        if type(value) is dict and value == other and [*value] != [*other]:
            yield name, "a load puts its items into another order: does it matter?"


def opaque(value: Any) -> bool:
    """Whether it is no state: code, a module, a reference, a lock."""
    return isinstance(value, CODE) or issubclass(type(value), CODE)
