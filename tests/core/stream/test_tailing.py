"""The device state behind RAM: handed out while the source still has something to write."""

from __future__ import annotations

import fcntl
import os
import re
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import attrs
import pytest

from tests.core.stream.building import (
    PAGE,
    Device,
    Recipe,
    noise,
    page_item,
    vmdescription,
    zero_item,
)
from virtmig.stream.flow import NARROW, Flow
from virtmig.stream.passing import look_at_head, pass_live
from virtmig.stream.skeleton import keep
from virtmig.stream.tailing import Tail

SAMPLES = Path(__file__).parents[3] / "samples"
MANY = tuple(Device(f"device{number}", bytes(50 + number)) for number in range(120))
PAGES = tuple(page_item("pc.ram", page, noise(page), named=not page) for page in range(64))
LONG = Recipe(devices=MANY, items=PAGES)
"""Its description is longer than a pipe holds, and its RAM too."""


class Source:
    """Writes as QEMU does, and takes down how it ended."""

    def __init__(self, data: bytes) -> None:
        self.data = data
        self.read, self._write = os.pipe()
        fcntl.fcntl(self._write, fcntl.F_SETPIPE_SZ, NARROW)  # as any gets while RAM is long
        self.failed: bool | None = None
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self) -> None:
        try:
            at = 0
            while at < len(self.data):
                at += os.write(self._write, self.data[at : at + 32768])
            self.failed = False
        except BrokenPipeError:
            self.failed = True
        finally:
            os.close(self._write)

    def ended(self) -> bool | None:
        """Whether it could not write all; None if it still waits to."""
        self._thread.join(0.2)
        return self.failed


@contextmanager
def tail_of(data: bytes) -> Iterator[tuple[Tail, Source]]:
    """The tail of a stream that a source writes into a pipe."""
    source = Source(data)
    sink = os.open(os.devnull, os.O_WRONLY)
    try:
        flow = Flow(source.read, sink)
        opening = look_at_head(flow)
        flow.replace(len(opening.data), opening.data)
        pass_live(flow, opening.head)
        yield Tail(flow), source
    finally:
        os.close(sink)
        if source.failed is None:
            os.close(source.read)


def state_of(data: bytes) -> bytes:
    """What the state of a described stream is: all behind RAM, up to EOF."""
    with_description = data[: data.rindex(b"\x00\x06") + 1]
    return with_description[with_description.index(b"\x04\x00\x00\x00\x0a\x07device0") :]


def test_the_state_is_there_before_the_source_has_written_all() -> None:
    data = LONG.build()
    with tail_of(data) as (tail, source):
        assert tail.state() == state_of(data)
        assert source.ended() is None


def test_a_source_whose_reader_leaves_then_knows_it() -> None:
    with tail_of(LONG.build()) as (tail, source):
        assert tail.state() is not None
        os.close(source.read)
        assert source.ended() is True


def test_behind_the_state_the_rest_comes_whole() -> None:
    data = LONG.build()
    with tail_of(data) as (tail, source):
        assert tail.state() is not None
        assert tail.all().startswith(state_of(data))
        assert data.endswith(tail.all())
        assert source.ended() is False


def test_the_state_alone_has_all_sections() -> None:
    data = LONG.build()
    with tail_of(data) as (tail, _):
        sections = [sections_of(data, each) for each in (tail.state(), tail.all())]
    assert sections[0] == sections[1]
    assert len(sections[0]) == len(MANY)


def sections_of(data: bytes, tail: bytes | None) -> list[tuple[str, int, int]]:
    """Where the sections of the skeleton with this tail lie."""
    assert tail is not None
    read, write = os.pipe()
    os.write(write, data[:4000])
    opening = look_at_head(Flow(read, write))
    os.close(write)
    os.close(read)
    return [(one.idstr, one.start, one.end) for one in keep(opening, tail, 0).stream.sections]


@pytest.mark.parametrize(
    "recipe",
    [
        Recipe(),
        Recipe(described=False),
        Recipe(devices=MANY, items=PAGES, footers=False, machine="", described=False),
    ],
    ids=["short description", "none", "no footers"],
)
def test_where_the_source_cannot_be_held_there_is_no_early_state(recipe: Recipe) -> None:
    data = recipe.build()
    with tail_of(data) as (tail, source):
        assert tail.state() is None
        assert data.endswith(tail.all())
        assert source.ended() is False


def test_a_file_does_not_wait(tmp_path: Path) -> None:
    path = tmp_path / "stream.mig"
    path.write_bytes(LONG.build())
    with path.open("rb") as source, Path(os.devnull).open("wb") as sink:
        flow = Flow(source.fileno(), sink.fileno())
        opening = look_at_head(flow)
        flow.replace(len(opening.data), opening.data)
        pass_live(flow, opening.head)
        tail = Tail(flow)
        assert tail.state() is None
        assert LONG.build().endswith(tail.all())


def test_a_source_may_be_far_ahead_until_most_of_ram_was_sent(tmp_path: Path) -> None:
    """It fills the pipe before the filter starts; when the end comes, it has to wait for us."""
    count = 1 << 19
    items = (
        zero_item("pc.ram", 0, named=True),
        *(zero_item("pc.ram", at) for at in range(1, count)),
    )
    path = tmp_path / "stream.mig"
    path.write_bytes(attrs.evolve(LONG, items=items, blocks={"pc.ram": count * PAGE}).build())
    with subprocess.Popen(["cat", path], stdout=subprocess.PIPE) as source:
        assert source.stdout is not None
        with Path(os.devnull).open("wb") as sink:
            flow = Watched(source.stdout.fileno(), sink.fileno())
            opening = look_at_head(flow)
            flow.replace(len(opening.data), opening.data)
            pass_live(flow, opening.head)
        source.stdout.close()
    assert flow.seen[0] >= 1 << 18
    assert min(flow.seen) <= flow.seen[0] // 2


class Watched(Flow):
    """Takes down how far ahead the source could be."""

    def __init__(self, source: int, sink: int) -> None:
        super().__init__(source, sink)
        self.seen: list[int] = []

    def skip_known(self, pattern: re.Pattern[bytes], size: int) -> int:
        self.seen.append(self.ahead or 0)
        return super().skip_known(pattern, size)


def test_a_look_alike_of_the_end_in_a_payload_does_no_harm() -> None:
    fake = b"\x7e\x00\x00\x00\x05\x00" + vmdescription(b"{" + bytes(60000))[:40]
    data = Recipe(devices=(*MANY[:60], Device("liar", fake + bytes(5000)), *MANY[60:])).build()
    with tail_of(data) as (tail, _):
        early = tail.state()
        assert early is None or len(early) < len(state_of(data))
        whole = tail.all()
        assert len(sections_of(data, whole)) == len(MANY) + 1
        assert data.endswith(tail.all())
