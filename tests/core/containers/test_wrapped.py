"""A stream in a container is the stream; unchanged it goes back as the very file."""

from __future__ import annotations

import bz2
import gzip
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import attrs
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
    zstd,
)
from virtmig.containers import compressed
from virtmig.containers.contract import Unpacked, Wanted
from virtmig.errors import VirtmigError
from virtmig.stream.editing import Edits
from virtmig.stream.opening import Stream, open_stream
from virtmig.stream.place import Place

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


@pytest.mark.parametrize("size", [4, 64, 3 << 20])
def test_zeros_between_the_streams_of_an_xz_file_are_padding(tmp_path: Path, size: int) -> None:
    pack = PACK["xz"]
    with opened(tmp_path, pack(PLAIN[:5000]) + bytes(size) + pack(PLAIN[5000:])) as stream:
        assert payloads(stream) == EXPECTED
        assert not stream.remark


@pytest.mark.parametrize(("name", "size"), [("xz", 6), ("gzip", 4), ("zstd", 4)])
def test_other_zeros_between_members_end_the_data(tmp_path: Path, name: str, size: int) -> None:
    pack = PACK[name]
    rest = pack(PLAIN[5000:])
    error = refused(tmp_path, pack(PLAIN[:5000]) + bytes(size) + rest)
    assert f"{len(rest)} bytes that are no {name} follow its data" in error.hint


@attrs.define
class Counted:
    """A decoder that counts how many bytes all of its kind are given."""

    inner: Any
    given: list[int]

    @property
    def eof(self) -> bool:
        return bool(self.inner.eof)

    @property
    def needs_input(self) -> bool:
        return bool(self.inner.needs_input)

    @property
    def unused_data(self) -> bytes:
        return bytes(self.inner.unused_data)

    def decompress(self, data: bytes, max_length: int) -> bytes:
        self.given.append(len(data))
        return bytes(self.inner.decompress(data, max_length))


@pytest.mark.parametrize(
    ("container", "decoder", "empty"),
    [
        (compressed.BZIP2, bz2.BZ2Decompressor, bz2.compress(b"")),
        (compressed.ZSTD, zstd.ZstdDecompressor, b"\x50\x2a\x4d\x18" + bytes(4)),
    ],
    ids=["bzip2", "zstd"],
)
def test_many_small_members_cost_a_few_bytes_each(
    container: compressed.Compressed, decoder: Callable[[], Any], empty: bytes
) -> None:
    given: list[int] = []
    method = compressed.Method(lambda: Counted(decoder(), given), bz2.BZ2Compressor, (OSError,))
    counting = attrs.evolve(container, method=lambda: method)
    data = empty * 5000 + PACK[container.name](PLAIN)
    inside = counting.open(Place(data), Wanted())
    assert isinstance(inside, Unpacked)
    chunks = [chunk for chunk in inside.chunks if isinstance(chunk, bytes)]
    assert b"".join(chunks) == PLAIN
    assert sum(given) <= 5000 * compressed.SMALL + 2 * len(data)
