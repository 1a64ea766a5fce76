"""From a file to the stream in it: one container after another, each told by its first bytes."""

from __future__ import annotations

import importlib
import re
from collections.abc import Iterable, Iterator
from importlib import metadata
from typing import cast

from virtmig.containers.contract import (
    GROUP,
    PEEKED,
    At,
    Container,
    Layer,
    Wanted,
    sayings,
)
from virtmig.containers.spool import spool
from virtmig.errors import (
    DriverFailed,
    MissingFact,
    NotAStream,
    UnsupportedContainer,
    VirtmigError,
    told,
)
from virtmig.stream.head import MAGIC
from virtmig.stream.output import Zeros
from virtmig.stream.place import Place

DEEPEST = 4
"""Containers in one another; a file may be made to hold itself."""
OURS = (
    "virtmig.containers.compressed:GZIP",
    "virtmig.containers.compressed:BZIP2",
    "virtmig.containers.compressed:XZ",
    "virtmig.containers.compressed:LZMA",
    "virtmig.containers.compressed:ZSTD",
    "virtmig.containers.lzop:LZOP",
    "virtmig.containers.libvirt:LIBVIRT",
    "virtmig.containers.qcow2:QCOW2",
    "virtmig.formats.devices:DEVICES",
)
"""By name: they are imported when a file is not a plain stream, and one is of a layer above."""
FOREIGN = "virtmig.containers.foreign:FOREIGN"
ELSEWHERE = 1 << 20
"""Bytes in which a stream is looked for that nothing else finds."""
_BEGINNING = re.compile(
    rb"QEVM\x00{3}\x03|\x1f\x8b\x08[\x00\x08]|BZh[1-9]1AY&SY|\xfd7zXZ\x00"
    rb"|\x28\xb5\x2f\xfd|\x89LZO\x00\r\n\x1a\n"
)
"""A stream, plain or compressed."""


def containers() -> Iterator[Container]:
    """The containers of the core."""
    for name in OURS:
        yield cast("Container", _imported(name))
    yield from cast("tuple[Container, ...]", _imported(FOREIGN))


def _imported(name: str) -> object:
    module, _, attribute = name.partition(":")
    return getattr(importlib.import_module(module), attribute)


def peel(place: Place, wanted: Wanted) -> tuple[Place, tuple[Layer, ...]]:
    """The stream in a file, and the containers around it, the outermost first.

    What was unpacked on the way is let go of if there is an error; `place` stays open.
    """
    layers: list[Layer] = []
    try:
        while place.start(len(MAGIC)) != MAGIC:
            container = _claimant(place, len(layers))
            layers.append(_opened(container, place, wanted, len(layers)))
            place = layers[-1].inner
        _check_wanted(layers, wanted)
    except BaseException as error:
        _explain(error, layers)
        close(layers)
        raise
    return place, tuple(layers)


def _check_wanted(layers: list[Layer], wanted: Wanted) -> None:
    if wanted.snapshot and not any(layer.container.name == "qcow2" for layer in layers):
        raise MissingFact(f"no snapshot {wanted.snapshot!r}: the file is no disk image")


def context(layers: list[Layer] | tuple[Layer, ...]) -> list[str]:
    """What an error inside these containers has to add."""
    unpacked = [layer.container.name for layer in layers if layer.unpacked]
    place = [f"the offset counts in what came out of {unpacked[-1]}"] if unpacked else []
    return [*sayings(layers), *place]


def close(layers: list[Layer] | tuple[Layer, ...]) -> None:
    """Let go of what was unpacked."""
    for layer in layers:
        if layer.unpacked:
            layer.inner.close()


def _claimant(place: Place, depth: int) -> Container:
    """The container that the file is; the core's own ones are asked first."""
    if not place.size:
        inside = "nothing comes out of it: it is cut near its start, or empty inside"
        raise NotAStream(inside if depth else "the file is empty", offset=place.at)
    if depth == DEEPEST:
        reason = f"more than {DEEPEST} containers in one another"
        raise UnsupportedContainer(reason, offset=place.at)
    start = place.start(PEEKED)
    for container in containers():
        if container.claims(start):
            return container
    broken: list[str] = []
    for container in plugins(broken):
        try:
            if container.claims(start):
                return container
        except Exception as error:  # noqa: BLE001  a plugin may fail in any way
            broken.append(f"container {container.name} does not work: {told(error)}")
    raise _unknown(place, broken)


def plugins(broken: list[str] | None = None) -> Iterator[Container]:
    """The containers of plugins; those that cannot be imported are told in `broken`."""
    for point in metadata.entry_points(group=GROUP):
        fault = "it is no object of a subclass of Container"
        try:
            container = point.load()
            if isinstance(container, Container):
                yield container
                continue
        except Exception as error:  # noqa: BLE001  a plugin may fail in any way
            fault = told(error)
        if broken is not None:
            owner = point.dist.name if point.dist else point.value
            broken.append(f"container {point.name} of {owner} does not work: {fault}")


def _unknown(place: Place, broken: list[str]) -> NotAStream:
    hints = list(broken)
    if (found := _near(place)) is not None:
        hints.append(f"a stream may begin at {found:#x}: tail -c +{found + 1} FILE")
    reason = f"it begins with {place.start(4)!r}, not with {MAGIC!r}"
    return NotAStream(reason, offset=place.at, hint="; ".join(hints))


def _near(place: Place) -> int | None:
    """Offset of what may be a stream, in front of a place or behind it."""
    start = max(0, place.at - ELSEWHERE)
    found = _BEGINNING.search(place.data[start : place.at + ELSEWHERE])
    return start + found.start() if found else None


def _opened(container: Container, outer: Place, wanted: Wanted, depth: int) -> Layer:
    """The container with its inside; an error that is not ours names it."""
    try:
        inside = container.open(outer, wanted)
        if isinstance(inside, At):
            inner = outer.moved(_checked(inside.offset, outer))
            return Layer(container, outer, inner, inside.remark, inside.holds)
        inner, cut = spool(_seen(inside.chunks, container, depth + 1), inside.packed)
        remark = "; ".join(filter(None, (inside.remark, cut)))
        behind = range(inside.end() if inside.end else len(outer.data), len(outer.data))
        return Layer(container, outer, inner, remark, behind=behind)
    except (VirtmigError, OSError):
        raise
    except Exception as error:
        raise DriverFailed(f"container {container.name}: it failed: {told(error)}") from error


def _seen(
    chunks: Iterable[bytes | Zeros], container: Container, depth: int
) -> Iterator[bytes | Zeros]:
    """All chunks; the first ones are looked at before the rest is unpacked, which may be much."""
    start = b""
    for chunk in chunks:
        if len(start) < PEEKED:
            start += bytes(min(chunk.size, PEEKED)) if isinstance(chunk, Zeros) else chunk
            if len(start) >= PEEKED and not start.startswith(MAGIC):
                _look(start, container, depth)
        yield chunk


def _look(start: bytes, container: Container, depth: int) -> None:
    """Refuse what comes out of a container if it begins like nothing that is known."""
    try:
        _claimant(Place(start), depth)
    except VirtmigError as error:
        place = f"the offset counts in what came out of {container.name}"
        error.hint = "; ".join(filter(None, (error.hint, place)))
        raise


def _checked(offset: int, outer: Place) -> int:
    if not outer.at < offset <= len(outer.data):
        raise ValueError(f"an inside at {offset:#x}, outside of the file")
    return offset


def _explain(error: BaseException, layers: list[Layer]) -> None:
    """Say in which container an error is, and what was found on the way."""
    if isinstance(error, VirtmigError):
        error.hint = "; ".join(filter(None, (error.hint, *context(layers))))
