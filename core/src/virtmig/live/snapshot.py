"""A live device as it was, for a load that fails half way."""

from __future__ import annotations

import copy
from typing import Any

from virtmig.live.device import VirtioDevice


class Snapshot:
    """Copies of all attributes of a device, its transport and its queues.

    References between live objects are kept as they are, and what they share stays shared. A
    value that cannot be copied (an open backend, say) is kept by reference: a plugin that holds
    one restores what it did to it.
    """

    def __init__(self, device: VirtioDevice) -> None:
        objects: list[Any] = [device, device.transport, device.phase, *device.queues]
        memo: dict[int, Any] = {id(live): live for live in objects}
        self._saved = [
            (live, {name: _copied(value, memo) for name, value in _state(live)}) for live in objects
        ]

    def restore(self) -> None:
        """Put every attribute back, and remove those that came in between."""
        for live, attributes in self._saved:
            for name in [name for name, _ in _state(live) if name not in attributes]:
                _drop(live, name)
            for name, value in attributes.items():
                _put(live, name, value)


def _state(live: Any) -> list[tuple[str, Any]]:
    """Attributes in the instance dictionary and in slots of subclasses."""
    found = list(getattr(live, "__dict__", {}).items())
    for cls in type(live).__mro__:
        slots = cls.__dict__.get("__slots__", ())
        names = (slots,) if isinstance(slots, str) else slots
        own = [_mangled(cls, name) for name in names if name not in ("__dict__", "__weakref__")]
        found += [(name, getattr(live, name)) for name in own if hasattr(live, name)]
    return found


def _mangled(cls: type, name: str) -> str:
    """The attribute that a slot of this class makes: private names get the class's in front."""
    private = name.startswith("__") and not name.endswith("__")
    return f"_{cls.__name__.lstrip('_')}{name}" if private else name


def _drop(live: Any, name: str) -> None:
    if name in getattr(live, "__dict__", {}):
        del vars(live)[name]
    else:
        object.__delattr__(live, name)


def _put(live: Any, name: str, value: Any) -> None:
    if name in getattr(live, "__dict__", {}):
        vars(live)[name] = value
    else:
        object.__setattr__(live, name, value)


def _copied(value: Any, memo: dict[int, Any]) -> Any:
    try:
        return copy.deepcopy(value, memo)
    except Exception:  # noqa: BLE001  a foreign object may refuse in any way
        return value
