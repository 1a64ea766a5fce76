"""Records are found and replaced wherever they lie, and what has none stays the same object."""

from __future__ import annotations

from virtmig.wire.compound import array, struct, subsection
from virtmig.wire.rebuild import places, rebuild
from virtmig.wire.record import evolve, record, wire
from virtmig.wire.types import u8


@record()
class Leaf:
    """What is looked for."""

    value: int = wire(u8, "a number")


@record("tree/more")
class More:
    """A subsection with one."""

    leaf: Leaf = wire(struct(Leaf), "one")


@record("tree")
class Tree:
    """One inline, some in an array, one in a subsection, and numbers."""

    count: int = wire(u8, "how many")
    leaf: Leaf = wire(struct(Leaf), "one")
    leaves: tuple[Leaf, ...] = wire(array(Leaf, "count"), "some")
    numbers: tuple[int, ...] = wire(array(u8, "count"), "no records")
    more: More | None = wire(subsection(More), "another")


TREE = Tree(
    count=2,
    leaf=Leaf(value=1),
    leaves=(Leaf(value=2), Leaf(value=3)),
    numbers=(8, 9),
    more=More(leaf=Leaf(value=4)),
)


def test_each_is_found_with_its_path() -> None:
    assert [(path, leaf.value) for path, leaf in places(TREE, Leaf, "device")] == [
        ("device.leaf", 1),
        ("device.leaves[0]", 2),
        ("device.leaves[1]", 3),
        ("device.tree/more.leaf", 4),
    ]


def test_each_is_replaced_and_nothing_else() -> None:
    made = rebuild(TREE, Leaf, lambda leaf: evolve(leaf, value=leaf.value + 10))
    assert [leaf.value for _, leaf in places(made, Leaf)] == [11, 12, 13, 14]
    assert (made.count, made.numbers) == (TREE.count, TREE.numbers)


def test_what_does_not_change_is_the_same_object() -> None:
    assert rebuild(TREE, Leaf, lambda leaf: leaf) is TREE
    one = rebuild(TREE, Leaf, lambda leaf: evolve(leaf, value=0) if leaf.value == 4 else leaf)
    assert one.leaves is TREE.leaves
    assert one.more != TREE.more
