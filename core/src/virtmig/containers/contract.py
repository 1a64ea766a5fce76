"""What a container is: the interface of this room, and of plugins that add one.

A container is asked whether a file is its own by its first bytes, then what is in it. The answer
is either an offset, if the inside lies in the file as it is, or the unpacked bytes. The inside may
be a container again. Writing goes the other way: in front of an offset everything stays, and what
was unpacked is packed by the container's packer, if it has one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from itertools import pairwise
from typing import TypeAlias

import attrs

from virtmig.stream.head import MAGIC
from virtmig.stream.output import Packer, Zeros
from virtmig.stream.place import Place

GROUP = "virtmig.containers"
"""The group of the entry points of plugins that bring one."""
PEEKED = 4096
"""Bytes that a container is shown to tell whether a file is its own."""


@attrs.frozen
class Wanted:
    """What the caller wants out of a file that holds several streams."""

    snapshot: str = ""
    """Name or id of a snapshot in a disk image; empty: the only one."""


@attrs.frozen
class At:
    """The inside lies in the file as it is, from an offset on and up to the end."""

    offset: int
    """Counted from the start of the file, not of the container."""
    holds: str | None = None
    """Name of the container that the inside is, if this one says so; empty: a plain stream."""
    remark: str = ""
    """What a user should know of this container; empty if there is nothing to say."""


@attrs.frozen(eq=False)
class Unpacked:
    """The inside as it comes out, in order.

    `Truncated`, raised while it is read, says that the container ends early or that something
    follows it: what came out so far is looked at, and the reason is told. Any other error ends it.
    """

    chunks: Iterable[bytes | Zeros]
    packed: int = 0
    """Bytes that they come from, for the limit on how much these may grow; 0: no such limit."""
    remark: str = ""
    end: Callable[[], int] | None = None
    """Asked when all was read: the offset behind what came out. What lies there stays behind it
    when a changed inside is put back; without this, it is lost."""


Inside: TypeAlias = At | Unpacked


class Container:
    """One kind of file that holds a stream; a plugin names an object of a subclass.

    Its entry point is of the group `virtmig.containers`. Raise a `VirtmigError` for what is wrong
    with a file.
    """

    name: str
    """One word, for messages."""
    doc: str
    """What it is, in a few words."""
    suffixes: tuple[str, ...] = ()
    """Endings of file names that ask for it when a file is written: `.gz`."""

    def claims(self, start: bytes) -> bool:
        """Whether a file that begins like this is of this kind; at most 4096 bytes are shown."""
        raise NotImplementedError

    def open(self, outer: Place, wanted: Wanted) -> Inside:
        """What is in the container that begins at `outer`."""
        raise NotImplementedError

    def packer(self) -> Packer | None:
        """What makes such a container of a stream; None if it is not written."""
        return None


@attrs.frozen(eq=False)
class Layer:
    """One container that was opened: what it begins at, and what is in it."""

    container: Container
    outer: Place
    inner: Place
    remark: str = ""
    holds: str | None = None
    behind: range = range(0)
    """Where in `outer` bytes lie that follow what was unpacked."""

    @property
    def unpacked(self) -> bool:
        """Whether the inside is a file of its own."""
        return self.inner.data is not self.outer.data

    @property
    def writable(self) -> bool:
        """Whether a changed inside can be put into such a container again."""
        return not self.unpacked or self.container.packer() is not None


def sayings(layers: tuple[Layer, ...] | list[Layer]) -> list[str]:
    """What is to be said of a stream in these containers."""
    said = [layer.remark for layer in layers if layer.remark]
    for layer, within in pairwise([*layers, None]):
        if layer is None or layer.holds is None:
            continue
        plain = layer.inner.start(len(MAGIC)) == MAGIC
        found = within.container.name if within else "" if plain else _UNKNOWN
        if layer.holds != found:
            says, is_ = layer.holds or "nothing compressed", found or "a plain stream"
            said.append(f"the header of {layer.container.name} says {says}, the data is {is_}")
    return said


_UNKNOWN = "neither that nor a stream: is a length in the header wrong?"
