"""What a hook may read and write, and when: errors for state that is not loaded, or not its own."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Generic, TypeVar, cast, overload

import attrs

from virtmig.errors import ContractBroken, NotYetLoaded
from virtmig.virtio.order import Party

T = TypeVar("T")

UNREADABLE = "{} is not loaded yet: {}; use it in post_load"


@attrs.define(eq=False)
class Phase:
    """How far a load has come; shared by a device and its queues.

    pending: what has not been restored, each with the step that restores it. acting: whose hook
    runs; None while the core or the machine works on the device.
    """

    pending: frozenset[str] = frozenset()
    acting: Party | None = None


def phase_of(arguments: Mapping[str, Any]) -> Phase:
    """The phase of the live device that a hook is given; one of its own if it is given none."""
    live = arguments.get("device") or getattr(arguments.get("transport"), "device", None)
    return getattr(live, "phase", None) or Phase()


class Owned:
    """Base of live objects: each attribute is set by the core or by the one party that owns it."""

    def _phase(self) -> Phase | None:
        """The phase of the device it belongs to; None while it is being made."""
        raise NotImplementedError

    def _owner(self, name: str) -> Party:
        """Who may set an attribute from inside a hook."""
        raise NotImplementedError

    def __setattr__(self, name: str, value: Any) -> None:
        phase = self._phase()
        if phase is not None and phase.acting is not None:
            owner = self._owner(name)
            if phase.acting is not owner:
                place = f"{name} of {type(self).__name__}"
                raise ContractBroken(f"it sets {place}, which belongs to the {owner.value}")
        super().__setattr__(name, value)


class Late(Generic[T]):
    """An attribute that only a late step of the load restores, by that step's name."""

    def __init__(self, default: T, step: str) -> None:
        self.default = default
        self.step = step
        self.name = ""

    def __set_name__(self, owner: type, name: str) -> None:
        self.name = name

    @overload
    def __get__(self, obj: None, owner: type) -> Late[T]: ...
    @overload
    def __get__(self, obj: Any, owner: type) -> T: ...
    def __get__(self, obj: Any, owner: type) -> T | Late[T]:
        if obj is None:
            return self
        if self.step in obj.phase.pending:
            raise NotYetLoaded(UNREADABLE.format(self.name, f"restored by {self.step}"))
        held = cast("dict[str, T]", obj.__dict__)
        return held.get(self.name, self.default)

    def __set__(self, obj: Any, value: T) -> None:
        vars(obj)[self.name] = value
