"""Locate and decode all virtio state of a stream: the time must not grow with the size of RAM.

usage: decode.py [--mib N] [--pairs N] [--analyze SCRIPT] [SMALL BIG]

Opens each stream and decodes its virtio devices in this process, in turn, and prints the medians
and their ratio, and the peak memory of a process that does it for the big one. Without streams
it puts the devices of samples/x86-q35.mig behind 16 MiB and behind N MiB of RAM. With --analyze
it also runs QEMU's scripts/analyze-migration.py on the big stream, whole process against whole
process.
"""

from __future__ import annotations

import argparse
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from streams import write_stream

from virtmig.hooks.registry import Registry
from virtmig.reading import Decoded, read_devices
from virtmig.stream.opening import open_stream

SAMPLE = Path(__file__).parents[1] / "samples" / "x86-q35.mig"
PEAK = """
import resource, sys
from virtmig.hooks.registry import Registry
from virtmig.reading import read_devices
from virtmig.stream.opening import open_stream
with open_stream(sys.argv[1]) as stream:
    read_devices(stream, Registry())
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
"""


def seconds(path: str, registry: Registry) -> tuple[float, int]:
    """How long it takes from the path to typed state, and of how many devices."""
    start = time.perf_counter()
    with open_stream(path) as stream:
        devices = read_devices(stream, registry)
    return time.perf_counter() - start, sum(isinstance(one, Decoded) for one in devices)


def compare(small: str, big: str, pairs: int) -> None:
    """Print both medians, their ratio and the peak memory."""
    registry = Registry()
    times = [(seconds(small, registry), seconds(big, registry)) for _ in range(pairs + 1)][1:]
    for path, column in zip((small, big), zip(*times, strict=True), strict=True):
        median = statistics.median(time for time, _ in column) * 1e3
        size = Path(path).stat().st_size / 2**20
        print(f"{size:8.1f} MiB: {median:.2f} ms for {column[0][1]} decoded devices")
    ratio = statistics.median(large[0] / little[0] for little, large in times)
    peak = subprocess.run([sys.executable, "-c", PEAK, big], check=True, capture_output=True)
    print(f"ratio {ratio:.2f}, peak {int(peak.stdout) / 1024:.1f} MiB")


def against(script: str, stream: str) -> None:
    """Print the ratio of whole processes: `virtmig inspect` to QEMU's script."""
    commands = (
        [sys.executable, "-m", "virtmig", "inspect", stream],
        [sys.executable, script, "-f", stream],
    )
    ratios: list[float] = []
    for _ in range(4):
        times: list[float] = []
        for command in commands:
            start = time.perf_counter()
            subprocess.run(command, check=False, capture_output=True)
            times.append(time.perf_counter() - start)
        ratios.append(times[0] / times[1])
    ratio = statistics.median(ratios[1:])
    print(f"virtmig inspect / analyze-migration.py: {ratio:.3f} (1/{1 / ratio:.0f})")


def main() -> None:
    """Read the arguments and print the figures."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("streams", nargs="*", metavar="SMALL BIG")
    parser.add_argument("--mib", type=int, default=1024, help="RAM of the big stream")
    parser.add_argument("--pairs", type=int, default=31)
    parser.add_argument("--analyze", metavar="SCRIPT", help="QEMU's analyze-migration.py")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        streams = options.streams or [f"{folder}/small.mig", f"{folder}/big.mig"]
        if not options.streams:
            with open_stream(SAMPLE) as sample:
                tail = SAMPLE.read_bytes()[sample.sections[0].header :]
            write_stream(streams[0], 16, tail=tail)
            write_stream(streams[1], options.mib, tail=tail)
        compare(*streams, options.pairs)
        if options.analyze:
            against(options.analyze, streams[1])


if __name__ == "__main__":
    main()
