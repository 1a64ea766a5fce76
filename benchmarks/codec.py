"""One virtio-blk-pci section with 64 queues in use: decode, encode, and the way to a container.

usage: codec.py [--pairs N]

The section is blk-64-queues.xz beside this file: saved by QEMU 7.2 (q35, -smp 64,
virtio-blk-pci,num-queues=64) with a Linux guest that had set up all of its queues. Each figure
is the median of N, and beside it stands the ratio to a bare `struct` pass over the same bytes
into named tuples, run in turn with it: machines differ, the ratio hardly.
"""

from __future__ import annotations

import argparse
import lzma
import statistics
import time
from collections.abc import Callable
from pathlib import Path
from struct import Struct
from typing import NamedTuple

import cbor2

from virtmig.formats import tree
from virtmig.hooks.registry import Registry

SECTION = Path(__file__).with_name("blk-64-queues.xz")
IDSTR = "0000:00:01.0/virtio-blk"
VERSION = 2
LOOPS = 20


class Queue(NamedTuple):
    """What the baseline makes of a queue."""

    num: int
    desc: int
    last_avail_idx: int
    vector: int


class Ring(NamedTuple):
    """What the baseline makes of a row of `virtio/virtqueues`."""

    avail: int
    used: int


class Modern(NamedTuple):
    """What the baseline makes of a row of `virtio_pci/modern_state`."""

    num: int
    unused: int
    enabled: int
    desc: int
    avail: int
    used: int


def baseline(payload: bytes) -> None:
    """The least that any decoder has to do: 3 x 64 rows, at about their places."""
    rows = payload[:10240]
    list(map(Queue._make, Struct(">IQHH").iter_unpack(rows[:1024])))
    list(map(Ring._make, Struct(">QQ").iter_unpack(rows[:1024])))
    list(map(Modern._make, Struct(">HBBQQQ").iter_unpack(rows[: 28 * 64])))


def seconds(action: Callable[[], object]) -> float:
    """Time of one call, over a few."""
    start = time.perf_counter()
    for _ in range(LOOPS):
        action()
    return (time.perf_counter() - start) / LOOPS


def report(name: str, action: Callable[[], object], payload: bytes, pairs: int) -> None:
    """Print the median time and the median ratio to the baseline."""
    times = [(seconds(action), seconds(lambda: baseline(payload))) for _ in range(pairs + 1)][1:]
    median = statistics.median(time for time, _ in times) * 1e6
    best = min(time for time, _ in times) * 1e6
    ratio = statistics.median(ours / bare for ours, bare in times)
    print(f"{name:<18}{median:8.0f} us (best {best:.0f})   {ratio:5.1f} x bare struct")


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--pairs", type=int, default=51)
    pairs = parser.parse_args().pairs
    payload = lzma.decompress(SECTION.read_bytes())
    envelope = Registry().drivers(IDSTR, "pc-q35-7.2").envelope
    state = envelope.parse(payload, VERSION)
    plain = tree.from_state(state, envelope, text=False)
    packed = cbor2.dumps(plain, canonical=True)
    assert envelope.unparse(state, VERSION) == payload
    assert tree.to_state(cbor2.loads(packed), envelope, state.facts, text=False) == state
    print(f"{len(payload)} bytes, {state.common.nq} queues, {len(packed)} bytes of CBOR")
    for name, action in {
        "decode": lambda: envelope.parse(payload, VERSION),
        "encode": lambda: envelope.unparse(state, VERSION),
        "state to CBOR": lambda: cbor2.dumps(
            tree.from_state(state, envelope, text=False), canonical=True
        ),
        "CBOR to state": lambda: tree.to_state(
            cbor2.loads(packed), envelope, state.facts, text=False
        ),
    }.items():
        report(name, action, payload, pairs)


if __name__ == "__main__":
    main()
