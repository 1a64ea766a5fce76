"""Streams taken through pipes in a test: one thread feeds the first, another drains the second."""

from __future__ import annotations

import fcntl
import os
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager

import attrs

from virtmig.stream.flow import NARROW, Flow


@attrs.define
class Ends:
    """A flow between two pipes, and what came out of the second one."""

    flow: Flow
    out: bytearray = attrs.field(factory=bytearray)
    held: list[int] = attrs.field(factory=list[int])
    """How many bytes the first pipe could hold each time that a chunk had been written into it."""


@contextmanager
def piped(
    chunks: Iterable[bytes], slow: Callable[[], None] | None = None, into: int | None = None
) -> Iterator[Ends]:
    """A flow that gets these chunks, one by one; all that it wrote is there behind the block.

    slow: called before each read of what comes out. into: an open file that it writes to instead.
    """
    source, feed = os.pipe()
    fcntl.fcntl(source, fcntl.F_SETPIPE_SZ, NARROW)  # a thread that feeds would keep it too full
    drain, sink = os.pipe()
    ends = Ends(Flow(source, sink if into is None else into))

    def feeding() -> None:
        try:
            for chunk in chunks:
                os.write(feed, chunk)
                ends.held.append(fcntl.fcntl(feed, fcntl.F_GETPIPE_SZ))
        except BrokenPipeError:
            pass
        finally:
            os.close(feed)

    def draining() -> None:
        while part := os.read(drain, 1 << 16):
            ends.out += part
            if slow is not None:
                slow()

    threads = [threading.Thread(target=each, daemon=True) for each in (feeding, draining)]
    for thread in threads:
        thread.start()
    try:
        yield ends
    finally:
        os.close(source)
        os.close(sink)
        for thread in threads:
            thread.join(20)
        os.close(drain)


def pieces(data: bytes, size: int) -> Iterator[bytes]:
    """The bytes in pieces of one size."""
    return (data[at : at + size] for at in range(0, len(data), size))
