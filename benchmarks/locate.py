"""Time to frame all device sections: it must not grow with the size of RAM.

usage: locate.py [--mib N] [--pairs N] [SMALL BIG]

Opens a small and a big stream in turn and prints the median time of each and their ratio.
Without streams it makes two with the same 32 devices, of 16 MiB and of N MiB of RAM.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from pathlib import Path

from streams import write_stream

from virtmig.stream.opening import open_stream


def seconds(path: str) -> float:
    """How long it takes to open the stream and frame its sections."""
    start = time.perf_counter()
    with open_stream(path):
        return time.perf_counter() - start


def compare(small: str, big: str, pairs: int) -> str:
    """One line: the two medians and the median of the ratios."""
    times = [(seconds(small), seconds(big)) for _ in range(pairs + 1)][1:]
    ratio = statistics.median(b / a for a, b in times)
    medians = [statistics.median(column) * 1e3 for column in zip(*times, strict=True)]
    sizes = [Path(path).stat().st_size / 2**20 for path in (small, big)]
    return (
        f"{sizes[0]:.0f} MiB: {medians[0]:.2f} ms, {sizes[1]:.0f} MiB: {medians[1]:.2f} ms, "
        f"ratio {ratio:.2f}"
    )


def main() -> None:
    """Read the arguments and print the figures."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("streams", nargs="*", metavar="SMALL BIG")
    parser.add_argument("--mib", type=int, default=1024, help="RAM of the big synthetic stream")
    parser.add_argument("--pairs", type=int, default=31)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        small, big = options.streams or [f"{folder}/small.mig", f"{folder}/big.mig"]
        if not options.streams:
            write_stream(small, 16, devices=32)
            write_stream(big, options.mib, devices=32)
        print(compare(small, big, options.pairs))


if __name__ == "__main__":
    main()
