"""Real streams, small enough to be kept: all that is framed is also what QEMU says of itself."""

from __future__ import annotations

from pathlib import Path

import pytest

from virtmig.errors import VirtmigError
from virtmig.guest.memory import guest_memory
from virtmig.stream import search
from virtmig.stream.editing import Edits
from virtmig.stream.opening import Stream, open_stream

SAMPLES = sorted((Path(__file__).parents[3] / "samples").glob("*.mig"))

pytestmark = pytest.mark.parametrize("path", SAMPLES, ids=lambda path: path.stem)


def test_every_described_section_is_framed(path: Path):
    with open_stream(path) as stream:
        assert stream.description is not None
        assert len(stream.sections) == len(stream.description.devices)
        differ = [
            section.idstr
            for section, device in zip(stream.sections, stream.description.devices, strict=True)
            if section.size != device.size
        ]
        assert set(differ) <= {"s390_css"}
        assert stream.remark == ""


def test_sections_follow_one_another_without_a_gap(path: Path):
    with open_stream(path) as stream:
        sections = stream.sections
        assert [section.header for section in sections[1:]] == [s.after for s in sections[:-1]]
        assert stream.ram().end == sections[0].header


def test_the_search_without_description_finds_the_same(path: Path):
    with open_stream(path) as stream:
        assert stream.description is not None
        cut = path.read_bytes()[: stream.description.at]
        assert Stream.from_bytes(cut).sections == stream.sections


def test_a_search_by_headers_alone_finds_the_same_beginnings(path: Path):
    with open_stream(path) as stream:
        assert stream.description is not None
        cut = path.read_bytes()[: stream.description.at]
        where = range(stream.sections[0].header, len(cut))
        found = search.search(cut, where, footers=False).sections
        assert [section.start for section in found] == [s.start for s in stream.sections]


def test_a_stream_written_without_changes_is_identical(path: Path, tmp_path: Path):
    with open_stream(path) as stream:
        stream.write(
            tmp_path / "new.mig", Edits(payloads={s: stream.payload(s) for s in stream.sections})
        )
    assert (tmp_path / "new.mig").read_bytes() == path.read_bytes()


def test_a_virtio_section_can_grow_and_shrink_back(path: Path, tmp_path: Path):
    with open_stream(path) as stream:
        place = next(n for n, s in enumerate(stream.sections) if "virtio" in s.idstr)
        payload = stream.payload(stream.sections[place])
        stream.write(
            tmp_path / "new.mig", Edits(payloads={stream.sections[place]: payload + b"more"})
        )
    with open_stream(tmp_path / "new.mig") as stream:
        assert stream.payload(stream.sections[place]) == payload + b"more"
        stream.write(tmp_path / "new.mig", Edits(payloads={stream.sections[place]: payload}))
    assert (tmp_path / "new.mig").read_bytes() == path.read_bytes()


def test_guest_memory_is_there_or_says_why_not(path: Path):
    with open_stream(path) as stream:
        memory = guest_memory(stream)
        assert memory.available is (memory.why_not == "")
        assert memory.block


def test_cuts_of_a_real_stream_are_refused_or_whole(path: Path):
    data = path.read_bytes()
    whole = Stream.from_bytes(data)
    assert whole.description is not None
    tail = range(whole.sections[-1].header, len(data), 997)
    head = range(0, whole.live[-1].after, 13)
    for end in (*head, *tail):
        try:
            stream = Stream.from_bytes(data[:end])
        except VirtmigError:
            continue
        assert stream.sections == whole.sections
