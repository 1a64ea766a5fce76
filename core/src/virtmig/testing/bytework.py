"""Payloads taken apart and damaged: where the parts and the counts lie, and what reading costs."""

from __future__ import annotations

import signal
import threading
import tracemalloc
from collections.abc import Generator, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import attrs

from virtmig.errors import DecodeError, VirtmigError, told
from virtmig.testing.drawn import site
from virtmig.testing.report import LawBroken
from virtmig.virtio.envelope import SectionLayout
from virtmig.virtio.facts import Trial
from virtmig.wire.reader import Reader
from virtmig.wire.run import Run

MEMORY = 32 << 20
"""Bytes that reading a damaged section may take at its peak, beside what an honest one takes."""
SECONDS = 20


@attrs.frozen
class Spot:
    """A field on the wire: its name, where it lies, how many bytes it has."""

    name: str
    offset: int
    size: int
    order: str
    counts: bool


class SpottingReader(Reader):
    """A reader that remembers where each field of fixed width lies."""

    __slots__ = ("spots",)

    def __init__(self, data: bytes) -> None:
        super().__init__(data)
        self.spots: list[Spot] = []

    def fixed(self, run: Run, order: str) -> tuple[Any, ...]:
        for leaf, offset in zip(run.leaves, run.offsets, strict=True):
            place = self.pos + offset
            self.spots.append(Spot(leaf.name, place, leaf.type.size, order, leaf.counts))
        return super().fixed(run, order)


@attrs.frozen
class Anatomy:
    """Where the parts of one payload lie, by name, and its fields of fixed width."""

    spans: dict[str, tuple[int, int]]
    spots: tuple[Spot, ...]

    def within(self, parts: tuple[str, ...]) -> Iterator[Spot]:
        """The fields of these parts."""
        spans = [self.spans[name] for name in parts if name in self.spans]
        for spot in self.spots:
            if any(start <= spot.offset < end for start, end in spans):
                yield spot


def anatomy(
    layout: SectionLayout[Any], payload: bytes, version: int, facts: Mapping[str, Any]
) -> Anatomy:
    """Take a sound payload apart."""
    reader = SpottingReader(payload)
    scope = layout.scope(Trial(layout.open_facts, layout.given(facts)), version)
    spans: dict[str, tuple[int, int]] = {}
    for name, kind in layout.parts:
        start = reader.pos
        scope.parts[name] = kind.decode(reader, scope, {})
        if name == "common":
            scope.features_lo = scope.parts[name].guest_features_lo
        spans[name] = (start, reader.pos)
    return Anatomy(spans, tuple(reader.spots))


def read_damaged(
    layout: SectionLayout[Any], payload: bytes, version: int, facts: Mapping[str, Any], what: str
) -> DecodeError | None:
    """The typed error of damaged bytes, or None if they are a state that gives them back."""
    do = "in a count function or a wire type of yours: look only at fields in front of it, check "
    do += "before you index or divide (bound what it looks at with .upto(N)), and let nothing but "
    do += "a DecodeError out"
    try:
        state = layout.parse(payload, version, facts)
        again = layout.unparse(state, version)
    except DecodeError as error:
        return error
    except VirtmigError as error:
        again = b""
        what = f"{what}: read, but not written again: {error}"
    except (TooLong, MemoryError):
        raise  # for `bounded` to tell
    except Exception as error:
        raise LawBroken(f"{what}: {told(error)}", do=do, field=site(error)) from error
    if again != payload:
        do = "refuse what cannot be written back: raise a DecodeError for it, or keep its bytes"
        raise LawBroken(f"{what}: it is read and written as other bytes", do=do)
    return None


class TooLong(Exception):
    """Reading did not end in time."""


@contextmanager
def bounded(what: str, field: str) -> Generator[None]:
    """Fail if what is done inside takes much memory or does not end."""
    do = "bound the count with .upto(N), and let an item that takes no bytes not be repeated"
    traced = tracemalloc.is_tracing()
    if not traced:
        tracemalloc.start()
    tracemalloc.reset_peak()
    before = tracemalloc.get_traced_memory()[0]
    try:
        with alarm(SECONDS), _no_memory_error(what, field, do):
            yield
        peak = tracemalloc.get_traced_memory()[1] - before
    except TooLong:
        found = f"{what}: reading did not end within {SECONDS} seconds"
        raise LawBroken(found, do=do, field=field) from None
    finally:
        if not traced:
            tracemalloc.stop()
    if peak > MEMORY:
        found = f"{what}: reading took {peak >> 20} MiB, {MEMORY >> 20} MiB is the limit"
        raise LawBroken(found, do=do, field=field)


@contextmanager
def _no_memory_error(what: str, field: str, do: str) -> Generator[None]:
    try:
        yield
    except (MemoryError, OverflowError) as error:
        raise LawBroken(f"{what}: {told(error)}", do=do, field=field) from None


@contextmanager
def alarm(seconds: float) -> Generator[None]:
    """Interrupt what is inside after some seconds, where signals can do that."""
    if threading.current_thread() is not threading.main_thread() or not hasattr(signal, "SIGALRM"):
        yield
        return

    def late(*_: object) -> None:
        raise TooLong

    before = signal.signal(signal.SIGALRM, late)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
