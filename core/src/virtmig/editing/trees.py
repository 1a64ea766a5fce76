"""Places in a tree of plain data: what stands there, putting something else there, differences."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any, TypeGuard

from virtmig.editing.paths import Place, Step
from virtmig.errors import NoSuchPath

Node = Any


def is_map(node: Node) -> TypeGuard[dict[str, Any]]:
    """Whether keys stand below a node."""
    return isinstance(node, dict)


def is_list(node: Node) -> TypeGuard[list[Any]]:
    """Whether indices stand below a node."""
    return isinstance(node, list)


def get(tree: Node, steps: Sequence[Step]) -> Node:
    """What stands at a place; None if nothing does."""
    for step in steps:
        if isinstance(step, int):
            tree = tree[step] if is_list(tree) and step < len(tree) else None
        else:
            tree = tree.get(step) if is_map(tree) else None
        if tree is None:
            return None
    return tree


def put(tree: Node, place: Place, value: Node) -> None:
    """Let a place hold `value`; a subsection that it lies in is made if it is not there."""
    node = tree
    for step in place.steps[:-1]:
        node = (
            node[_inside(node, step, place)] if isinstance(step, int) else node.setdefault(step, {})
        )
    last = place.steps[-1]
    node[_inside(node, last, place) if isinstance(last, int) else last] = value


def reach(tree: Node, place: Place) -> None:
    """Refuse a place whose index is not there; other keys could be added."""
    for at, step in enumerate(place.steps):
        if isinstance(step, int):
            _inside(get(tree, place.steps[:at]) or [], step, place)


def _inside(node: Node, index: int, place: Place) -> int:
    count = len(node)
    if index >= count:
        hint = f"the last is [{count - 1}]" if count else "there are none"
        raise NoSuchPath(f"there is no [{index}]", path=place.path, hint=hint)
    return index


def remove(tree: Node, steps: Sequence[Step]) -> None:
    """Take away what stands at a key."""
    del get(tree, steps[:-1])[steps[-1]]


def keys(tree: Node, steps: tuple[Step, ...] = ()) -> Iterator[tuple[Step, ...]]:
    """The steps to every key of maps inside maps; lists are not walked."""
    for key, inner in tree.items():
        yield (*steps, key)
        if is_map(inner):
            yield from keys(inner, (*steps, key))


def differences(
    old: Node,
    new: Node,
    steps: tuple[Step, ...] = (),
    is_leaf: Callable[[tuple[Step, ...]], bool] = lambda _: False,
) -> Iterator[tuple[Step, ...]]:
    """The steps to what differs: the smallest places; a list of another length as a whole.

    is_leaf: whether a list is one value, as the ranges of a set are.
    """
    if old == new:
        return
    if is_map(old) and is_map(new):
        for key in dict.fromkeys([*old, *new]):
            yield from differences(old.get(key), new.get(key), (*steps, key), is_leaf)
    elif is_list(old) and is_list(new) and len(old) == len(new) and not is_leaf(steps):
        for index, (one, other) in enumerate(zip(old, new, strict=True)):
            yield from differences(one, other, (*steps, index), is_leaf)
    else:
        yield steps


def path_of(steps: Sequence[Step]) -> str:
    """Steps as a path: `queues[2].num`."""
    text = "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in steps)
    return text.removeprefix(".")
