"""State that a load restores late, and the error for reading it early."""

from __future__ import annotations

from typing import Any, Generic, TypeVar, cast, overload

import attrs

from virtmig.errors import NotYetLoaded

T = TypeVar("T")

UNREADABLE = "{} is not loaded yet: {}; use it in post_load"


@attrs.define(eq=False)
class Phase:
    """How far a load has come; shared by a device and its queues.

    pending: what has not been restored, each with the step that restores it.
    """

    pending: frozenset[str] = frozenset()


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
