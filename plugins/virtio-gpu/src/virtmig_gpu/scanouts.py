"""The wire type of the scanouts: some come with a framebuffer, and nothing says which.

QEMU 9.0 added the framebuffer to each scanout, for machine types from 9.0 on. Whether that is so it
looks up relative to the address of the scanout at hand, as if that were the first one
(hw/display/virtio-gpu.c, scanout_vmstate_after_v2). So only the first one is saved as intended; of
all others what happens to lie there in memory decides, and differs from process to process.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from itertools import accumulate, pairwise
from struct import iter_unpack
from typing import Any

from virtmig.api import (
    OutOfRange,
    Scope,
    Seen,
    VirtmigError,
    WireType,
    array,
    decode,
    encode,
    struct,
)
from virtmig_gpu.state import FRAMEBUFFER, FRAMEBUFFERS, Scanout

PLAIN = 40
"""Bytes of a scanout."""

FRAME = 24
"""Bytes of its framebuffer."""

BIGGEST = 1 << 15
"""A screen has fewer pixels in each direction; so has everything that the host's pixman draws."""

PIXMAN = 1 << 24
"""Codes of pixel formats of the host are above, numbers of resources most likely below."""

Words = Sequence[int]


class Scanouts(WireType[tuple[Scanout, ...]]):
    """As many scanouts as `max_outputs` says, each with or without its framebuffer.

    How many have one is a fact; which of them, what lies there has to tell.
    """

    label = "Scanout[max_outputs]"
    reads = ("max_outputs",)

    def __init__(self) -> None:
        self._item = struct(Scanout)
        self._items = array(Scanout, "max_outputs")

    @property
    def inner(self) -> WireType[Any]:
        return self._item

    def decode(self, reader: Any, scope: Scope, seen: Seen) -> tuple[Scanout, ...]:
        count = int(seen["max_outputs"])
        frames = _frames(scope, count)
        size, start = PLAIN * count + FRAME * frames, reader.pos
        try:
            block = reader.take(size)
        except VirtmigError:
            left = reader.take(reader.end - start)
            reader.pos = start
            return self._up_to_the_end(reader, chosen(left.ljust(size, b"\0"), count, frames))
        pattern = chosen(block, count, frames)
        ends = accumulate((PLAIN + FRAME * has for has in pattern), initial=0)
        return tuple(
            decode(Scanout, block[begin:end], _scope(has))
            for (begin, end), has in zip(pairwise(ends), pattern, strict=True)
        )

    def _up_to_the_end(self, reader: Any, pattern: Sequence[bool]) -> tuple[Scanout, ...]:
        """Read what there is, so that the error names the field that is cut."""
        found: list[Scanout] = []
        for index, has in enumerate(pattern):
            try:
                found.append(self._item.decode(reader, _scope(has), {}))
            except VirtmigError as error:
                raise error.inside(f"[{index}]") from None
        return tuple(found)

    def encode(self, value: tuple[Scanout, ...], out: bytearray, scope: Scope, seen: Seen) -> None:
        count = int(seen["max_outputs"])
        pattern = tuple(one.fb is not None for one in value)
        if len(value) != count or sum(pattern) != _frames(scope, count):
            text = f"{len(value)} given, {sum(pattern)} with a framebuffer"
            raise OutOfRange(f"{text}: {count} and {_frames(scope, count)} are expected")
        block = b"".join(encode(one, _scope(one.fb is not None)) for one in value)
        if chosen(block, count, sum(pattern)) != pattern:
            raise OutOfRange("a reader would look for framebuffers at other scanouts")
        out += block

    def plain(self, value: tuple[Scanout, ...], form: Any) -> Any:
        return self._items.plain(value, form)

    def unplain(self, data: Any, form: Any) -> tuple[Scanout, ...]:
        return self._items.unplain(data, form)


def _scope(has: bool) -> Scope:  # noqa: FBT001  the answer to a yes or no question
    return Scope(facts={FRAMEBUFFER: has})


def _frames(scope: Scope, count: int) -> int:
    """How many of `count` scanouts have a framebuffer."""
    found = scope.facts[FRAMEBUFFERS.name]
    return {"all": count, "none": 0}.get(found, found if found in range(count) else count)


@lru_cache(maxsize=64)
def chosen(block: bytes, count: int, frames: int) -> tuple[bool, ...]:
    """Which scanouts have a framebuffer: the likeliest reading; of equal ones the first have it."""
    if frames in (0, count):
        return (frames == count,) * count
    words = [word for (word,) in iter_unpack(">I", block)]
    best: dict[int, tuple[int, tuple[bool, ...]]] = {0: (0, ())}
    for index in range(count):
        longer: dict[int, tuple[int, tuple[bool, ...]]] = {}
        for used, (doubts, pattern) in best.items():
            at = (PLAIN * index + FRAME * used) // 4
            for has in (True, False):
                if used + has > frames or frames - used - has > count - index - 1:
                    continue
                worse = doubts + doubts_of(words[at : at + 10], words[at + 10 : at + 16], has=has)
                rival = longer.get(used + has)
                if rival is None or (worse, [not one for one in (*pattern, has)]) < (
                    rival[0],
                    [not one for one in rival[1]],
                ):
                    longer[used + has] = worse, (*pattern, has)
        best = longer
    return best[frames][1]


def doubts_of(scanout: Words, frame: Words, *, has: bool) -> int:
    """How much speaks against these words being a scanout, with this framebuffer or without one."""
    resource, width, height, *_ = scanout
    shown = resource != 0
    doubts = 2 * (resource >= PIXMAN)
    doubts += sum((0 < size < BIGGEST) is not shown for size in (width, height))
    doubts += sum(BIGGEST < place < (1 << 32) - BIGGEST for place in scanout[3:5])
    if not has:
        return doubts
    code, _, *sizes, _, _ = frame
    framed = code != 0
    doubts += 2 * (shown and not framed) + 2 * (framed and code < PIXMAN)
    return doubts + sum((0 < size < BIGGEST) is not framed for size in sizes)
