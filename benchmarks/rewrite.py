"""`virtmig edit` of a big stream against `cp` of it: the ratio of times, in pairs; and memory.

usage: rewrite.py [--mib N] [--pairs N] [--folder F]

What is changed is a MAC address. `virtmig edit` has its file on the disk when it ends, and `cp` has
not, so that it is held against `cp` alone, and against `cp` with `sync` of that file. No command
pays for what the one before it left to the kernel.
"""

from __future__ import annotations

import argparse
import os
import re
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from streams import tail_of, write_stream

SAMPLE = Path(__file__).parents[1] / "samples/x86-q35.mig"
CHANGE = ("--set", "device.mac=52:54:00:aa:bb:cc")


def timed(*commands: Sequence[str]) -> tuple[float, int]:
    """Seconds that the commands take together, and the most KiB of anonymous memory in one."""
    start, most = time.perf_counter(), 0
    for command in commands:
        with subprocess.Popen(command, stdout=subprocess.DEVNULL) as running:
            while running.poll() is None:
                status = Path(f"/proc/{running.pid}/status").read_text()
                found = re.search(r"RssAnon:\s+(\d+)", status)
                most = max(most, int(found[1]) if found else 0)
                time.sleep(0.005)
        assert running.returncode == 0, f"{command} ended with {running.returncode}"
    return time.perf_counter() - start, most


def main() -> None:
    """Read the arguments and print the figures."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--mib", type=int, default=4096, help="how long the stream is")
    parser.add_argument("--pairs", type=int, default=5)
    parser.add_argument("--folder", help="where the streams are made")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=options.folder) as folder:
        path, new = f"{folder}/made.mig", f"{folder}/new.mig"
        write_stream(path, options.mib, tail=tail_of(SAMPLE))
        ours = [sys.executable, "-m", "virtmig", "edit", path, "-o", new, *CHANGE]
        found: list[tuple[float, float, int]] = []
        for _ in range(options.pairs + 1):  # the first one warms the page cache
            times: list[float] = []
            for commands in ([["cp", path, new]], [["cp", path, new], ["sync", new]], [ours]):
                Path(new).unlink(missing_ok=True)
                os.sync()
                seconds, anonymous = timed(*commands)
                times.append(seconds)
            found.append((times[2] / times[0], times[2] / times[1], anonymous))
    for name, column in (("cp", 0), ("cp and sync", 1)):
        ratios = [row[column] for row in found[1:]]
        spread = f"[{min(ratios):.2f} .. {max(ratios):.2f}]"
        print(f"{options.mib} MiB: {statistics.median(ratios):.2f} x {name} {spread}")
    print(f"{max(row[2] for row in found) / 1024:.1f} MiB anonymous")


if __name__ == "__main__":
    main()
