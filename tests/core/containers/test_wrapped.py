"""A stream in a container is the stream; unchanged it goes back as the very file."""

from __future__ import annotations

import gzip
import random
from pathlib import Path

import pytest

from tests.core.containers.making import (
    EXPECTED,
    PACK,
    PLAIN,
    SAMPLE,
    libvirt_image,
    lzop_file,
    opened,
    payloads,
    refused,
    wrapped,
)
from virtmig.errors import VirtmigError
from virtmig.stream.editing import Edits
from virtmig.stream.opening import Stream, open_stream

WRAPPED = wrapped()


@pytest.mark.parametrize("name", WRAPPED)
def test_a_wrapped_stream_is_read_as_the_stream(tmp_path: Path, name: str) -> None:
    with opened(tmp_path, WRAPPED[name]) as stream:
        assert payloads(stream) == EXPECTED
        assert stream.ram().read("pc.ram", 0, 4096) == b"A" * 4096
        assert not stream.remark
    assert payloads(Stream.from_bytes(WRAPPED[name])) == EXPECTED


@pytest.mark.parametrize("name", WRAPPED)
def test_written_without_changes_it_is_the_same_file(tmp_path: Path, name: str) -> None:
    with opened(tmp_path, WRAPPED[name]) as stream:
        every = {section: stream.payload(section) for section in stream.sections}
        for edits in (Edits(), Edits(payloads=every)):
            stream.write(tmp_path / "again", edits)
            assert (tmp_path / "again").read_bytes() == WRAPPED[name]


@pytest.mark.parametrize("name", WRAPPED)
def test_written_with_changes_it_is_in_the_same_containers(tmp_path: Path, name: str) -> None:
    with opened(tmp_path, WRAPPED[name]) as stream:
        section = stream.sections[3]
        stream.write(tmp_path / "new", Edits(payloads={section: b"another, and longer" * 30}))
        container = stream.container
    with open_stream(tmp_path / "new") as stream:
        assert stream.container == container
        assert payloads(stream) == [*EXPECTED[:3], b"another, and longer" * 30, *EXPECTED[4:]]
        assert not stream.remark


def test_offsets_in_a_libvirt_image_are_those_of_the_file(tmp_path: Path) -> None:
    image = libvirt_image(PLAIN)
    with opened(tmp_path, image) as stream:
        for section in stream.sections:
            assert image[section.start : section.end] == stream.payload(section)
        assert stream.place.at == image.index(b"QEVM")


@pytest.mark.parametrize("name", ["gzip", "bzip2", "xz", "lzma", "zstd"])
def test_several_members_and_zeros_behind_them_are_one_file(tmp_path: Path, name: str) -> None:
    pack = PACK[name]
    data = pack(PLAIN[:5000]) + pack(PLAIN[5000:]) + (b"" if name == "lzma" else bytes(64))
    with opened(tmp_path, data) as stream:
        assert payloads(stream) == EXPECTED
        assert not stream.remark


@pytest.mark.parametrize("name", ["gzip", "bzip2", "xz", "zstd"])
def test_what_follows_compressed_data_is_told(tmp_path: Path, name: str) -> None:
    with opened(tmp_path, PACK[name](PLAIN) + b"something else") as stream:
        assert payloads(stream) == EXPECTED
        assert stream.remark == f"14 bytes that are no {name} follow its data"


@pytest.mark.parametrize("flags", [0, 1, 2, 0x100, 0x200, 0x303, 0x1000, 0x40, 0x1343])
def test_every_checksum_of_lzop_is_read_over_and_checked(tmp_path: Path, flags: int) -> None:
    data = lzop_file(PLAIN, flags)
    with opened(tmp_path, data) as stream:
        assert payloads(stream) == EXPECTED
    if flags & 0x303:
        at = data.index(b"QEVM") + 1
        broken = data[:at] + b"X" + data[at + 1 :]
        assert "lzop is" in refused(tmp_path, broken).reason


def test_compressed_data_that_ends_early_shows_what_came_out(tmp_path: Path) -> None:
    data = gzip.compress(SAMPLE.read_bytes())
    error = refused(tmp_path, data[: len(data) // 2])
    assert "the gzip data ends early; the offset counts in what came out of gzip" in error.hint
    with opened(tmp_path, data[:-8]) as stream:
        assert stream.remark == "the gzip data ends early"
        assert len(stream.sections) == 34


@pytest.mark.parametrize("name", WRAPPED)
def test_any_damage_is_a_typed_error_or_no_harm(tmp_path: Path, name: str) -> None:
    chance = random.Random(name)  # noqa: S311 - no secret
    path = tmp_path / "file"
    for turn in range(60):
        data = bytearray(WRAPPED[name])
        if turn % 2:
            del data[chance.randrange(len(data)) :]
        for _ in range(turn % 4):
            data[chance.randrange(min(len(data), 200) or 1) % max(len(data), 1)] ^= 1
        path.write_bytes(data)
        try:
            with open_stream(path, partial=True) as stream:
                assert all(len(stream.payload(one)) == one.size for one in stream.sections)
        except VirtmigError as error:
            assert str(error)
