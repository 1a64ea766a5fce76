"""Where two live attributes differ inside, and what an author can do about what lies there."""

from __future__ import annotations

from typing import Any

from virtmig.testing.looking import PLAIN

ROWS = ("list", "tuple", "deque", "array")
"""Containers whose items have a place each."""
PAIR = 2
ON_QUEUE = (
    "keep it in the device itself, by the index of the queue, save it and load it back: the queues "
    "are the core's, and are made anew"
)


def innermost(name: str, one: Any, two: Any) -> tuple[str, Any, Any]:
    """The first place in two values, as `looking.frozen` gives them, where they differ."""
    if not _alike(one, two):
        return name, one, two
    places = [at for at in range(1, len(one)) if one[at] != two[at]]
    if one[0] in ROWS and places:
        at = places[0]
        return innermost(f"{name}[{at - 1}]", one[at], two[at])
    if places == [1] and one[1].__class__ is two[1].__class__ is dict:
        return _attribute(name, one[1], two[1])
    return name, one, two


def _alike(one: Any, two: Any) -> bool:
    """Whether both are of one class and have as many parts."""
    lists = one.__class__ is two.__class__ is list
    return lists and len(one) == len(two) and one[:1] == two[:1]


def _attribute(name: str, one: dict[str, Any], two: dict[str, Any]) -> tuple[str, Any, Any]:
    for key in dict.fromkeys((*one, *two)):
        if one.get(key) != two.get(key):
            return innermost(f"{name}.{key}", one.get(key), two.get(key))
    return name, one, two


def how_to_put_back(place: str, value: Any) -> str:
    """What to do about a value that no field of a record can hold as it is; else nothing."""
    if place.startswith("queues["):
        return ON_QUEUE
    if type(value) is str and value.startswith("the "):
        return f"set it in the load hook as the running device does: it refers to {value}"
    held: Any = value
    if type(value) is list and _has_more(held):
        do = f"a {held[0]} holds more than its value: keep {held[2]} in an attribute of its own"
        return f"{do}, save that and load it back"
    return ""


def _has_more(value: list[Any]) -> bool:
    """Whether it is a number or a text of a subclass with attributes, as `frozen` gives it."""
    return len(value) == PAIR + 1 and isinstance(value[1], PLAIN) and type(value[2]) is str
