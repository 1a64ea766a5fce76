"""RAM index against a plain C walk over the same headers: the ratio of their times, in pairs.

usage: ram_index.py [--mib N] [--pairs N] [STREAM ...]

Both times are inner ones, without the start of the process, on a warm page cache; each pair is
run one after the other, and the median of the ratios is printed, with the peak memory of the
index's process. Without a stream it makes a dense and a mixed one of N MiB.
"""

from __future__ import annotations

import argparse
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from streams import write_stream

from virtmig.stream.opening import open_stream

WALKER = Path(__file__).with_name("hdrwalk.c")


def index(path: str) -> None:
    """Index one stream in this process and print the figures; run in a process of its own."""
    with open_stream(path) as stream:
        start = time.perf_counter()
        ram = stream.ram()
        seconds = time.perf_counter() - start
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        print(f"{seconds:.6f} {ram.run_count} {peak / 1024:.1f} {stream.remark}")


def compare(path: str, walker: str, pairs: int) -> str:
    """One line: median ratio, its range, and what the index took."""
    with open_stream(path) as stream:
        start = stream.live[-1].after
    ratios: list[float] = []
    figures: list[str] = []
    for _ in range(pairs + 1):  # the first pair warms the page cache
        c = _run([walker, path, str(start), "1"])
        figures = _run([sys.executable, __file__, "--index", path])
        ratios.append(float(figures[0]) / float(c[0]))
    ratios = ratios[1:]
    seconds, runs, peak = figures[:3]
    return (
        f"{Path(path).name}: {statistics.median(ratios):.2f} x C "
        f"[{min(ratios):.2f} .. {max(ratios):.2f}], last {seconds} s, {runs} runs, "
        f"peak {peak} MiB"
    )


def _run(command: list[str]) -> list[str]:
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.split()


def main() -> None:
    """Read the arguments and print the figures."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("streams", nargs="*")
    parser.add_argument("--mib", type=int, default=1024, help="size of the synthetic streams")
    parser.add_argument("--pairs", type=int, default=7)
    parser.add_argument("--index", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.index:
        index(options.index)
        return
    with tempfile.TemporaryDirectory() as folder:
        walker = f"{folder}/hdrwalk"
        subprocess.run(["cc", "-O2", "-o", walker, str(WALKER)], check=True)
        for path in options.streams or _synthetic(folder, options.mib):
            print(compare(path, walker, options.pairs), flush=True)


def _synthetic(folder: str, mib: int) -> list[str]:
    paths = [f"{folder}/dense.mig", f"{folder}/mixed.mig"]
    write_stream(paths[0], mib, "dense", devices=8)
    write_stream(paths[1], mib, "mixed", devices=8)
    return paths


if __name__ == "__main__":
    main()
