"""`virtmig filter` in a pipe against `cat` there: the ratio of their times, in pairs; and memory.

usage: filter.py [--mib N] [--passes N] [--pairs N] [STREAM]

Each pair runs `cat STREAM | X | cat > /dev/null` with `cat` as X, then with `virtmig filter` that
changes a MAC address (or only checks, if there is none), one after the other on a warm page cache.
A ratio of 0.5 is half the throughput. The memory is the most anonymous memory that the filter had
at any of many looks, for the stream and for one with an eighth of its RAM. Without a STREAM the
RAM of a sample is made N MiB long; with one, its pages are repeated until it is. At the end the
same for a stream of that length that sends each page several times, in parts, as a guest does that
runs while it is moved.
"""

from __future__ import annotations

import argparse
import contextlib
import mmap
import re
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from streams import EOS, FOOTER, repeat_stream, tail_of, write_stream

from virtmig.stream.opening import open_stream

SAMPLE = Path(__file__).parents[1] / "samples/x86-q35.mig"
CHANGE = ["--set", "device.mac=52:54:00:aa:bb:cc"]
PART = 32 << 20
"""Bytes of one part: what QEMU sends in its 50 ms at 0.6 GiB/s."""
ITEMS = re.compile(rb"(?:.{7}(?:\x28.{4096}|\x22.)){1,8000}", re.DOTALL)
OPENS, LAST = b"\2\0\0\0\2", b"\3\0\0\0\2" + EOS + FOOTER


def piped(path: str, middle: list[str]) -> tuple[float, int]:
    """Seconds that a pipe with `middle` in it takes, and the most anonymous memory of `middle`."""
    start = time.perf_counter()
    with (
        subprocess.Popen(["cat", path], stdout=subprocess.PIPE) as source,
        subprocess.Popen(
            middle, stdin=source.stdout, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
        ) as passing,
        subprocess.Popen(["cat"], stdin=passing.stdout, stdout=subprocess.DEVNULL) as sink,
    ):
        for pipe in (source.stdout, passing.stdout):
            assert pipe is not None
            pipe.close()  # its two ends are with the processes: none may wait for us
        most = watched(sink, passing.pid)
    seconds = time.perf_counter() - start
    assert passing.returncode == 0, f"{middle} ended with {passing.returncode}"
    return seconds, most


def watched(sink: subprocess.Popen[bytes], pid: int) -> int:
    """The most KiB of anonymous memory of a process, until the end of the pipe."""
    most = 0
    while sink.poll() is None:
        with contextlib.suppress(OSError):
            found = re.search(r"RssAnon:\s+(\d+)", Path(f"/proc/{pid}/status").read_text())
            most = max(most, int(found[1]) if found else 0)
        time.sleep(0.01)
    return most


def compare(path: str, arguments: list[str], pairs: int) -> str:
    """One line: the median of the ratios, their range, and the memory."""
    ours = [sys.executable, "-m", "virtmig", "filter", *arguments]
    piped(path, ["cat"])  # warms the page cache
    runs = [(piped(path, ["cat"])[0], *piped(path, ours)) for _ in range(pairs)]
    ratios = [cat / filtered for cat, filtered, _ in runs]
    size = Path(path).stat().st_size
    speeds = [size / statistics.median(run[n] for run in runs) / 2**30 for n in (0, 1)]
    return (
        f"{size / 2**20:.0f} MiB: {statistics.median(ratios):.2f} x the throughput of cat "
        f"[{min(ratios):.2f} .. {max(ratios):.2f}], {speeds[1]:.2f} of {speeds[0]:.2f} GiB/s, "
        f"{max(run[2] for run in runs) / 1024:.1f} MiB anonymous"
    )


def send_again(path: str, made: str, passes: int) -> None:
    """Write the stream at `made` to `path`, with all pages but the first in so many passes."""
    with open_stream(made) as stream:
        start, end = stream.live[-1].after + len(OPENS), stream.ram().end - len(LAST)
    with Path(made).open("rb") as file, Path(path).open("wb") as out:
        data = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        first = start + len(b"address \6pc.ram") + (4096 if data[start + 7] & 8 else 1)
        close = EOS + FOOTER
        out.write(data[:first] + close)
        for _ in range(passes):
            pages = parts(data, first, end - len(close))
            out.writelines(OPENS + data[part] + close for part in pages)
        out.write(data[end:])


def parts(data: mmap.mmap, start: int, end: int) -> Iterator[slice]:
    """Slices of whole pages, each of about the length of one part."""
    at = start
    for run in ITEMS.finditer(data, start, end):
        if run.end() - at >= PART or run.end() == end:
            yield slice(at, run.end())
            at = run.end()


def make(path: str, mib: int, real: str | None) -> None:
    """Write a stream of that length."""
    if real is not None:
        repeat_stream(real, path, mib)
    else:
        write_stream(path, mib, tail=tail_of(SAMPLE))


def has_mac(path: str) -> bool:
    """Whether the change that is made by default has one device to be made in."""
    with open_stream(path) as stream:
        return sum(one.idstr.endswith("virtio-net") for one in stream.sections) == 1


def main() -> None:
    """Read the arguments and print the figures."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("stream", nargs="?")
    parser.add_argument("--mib", type=int, default=4096, help="how long the stream is")
    parser.add_argument("--passes", type=int, default=4, help="how often each page is sent")
    parser.add_argument("--pairs", type=int, default=7)
    parser.add_argument("--folder", help="where the streams are made: a RAM disk, if there is room")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=options.folder) as folder:
        path = f"{folder}/made.mig"
        for mib in (options.mib // 8, options.mib):
            make(path, mib, options.stream)
            report(path, options.pairs)
        make(path, options.mib // options.passes, options.stream)
        send_again(f"{folder}/again.mig", path, options.passes)
        print(f"each page sent {options.passes} times, ", end="")
        report(f"{folder}/again.mig", options.pairs)


def report(path: str, pairs: int) -> None:
    """Print the figures of one stream."""
    print(compare(path, CHANGE if has_mac(path) else ["--check"], pairs), flush=True)


if __name__ == "__main__":
    main()
