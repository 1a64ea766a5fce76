"""A stream in a container is the stream; unchanged it goes back as the very file."""

from __future__ import annotations

import bz2
import gzip
import lzma
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
from virtmig.containers.members import SMALL
from virtmig.errors import LimitExceeded, VirtmigError
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


@pytest.mark.parametrize("name", PACK)
def test_several_members_and_zeros_behind_them_are_one_file(tmp_path: Path, name: str) -> None:
    pack = PACK[name]
    data = pack(PLAIN[:5000]) + pack(PLAIN[5000:]) + (b"" if name == "lzma" else bytes(64))
    with opened(tmp_path, data) as stream:
        assert payloads(stream) == EXPECTED
        assert not stream.remark


@pytest.mark.parametrize("name", ["gzip", "bzip2", "xz", "lzop", "zstd"])
@pytest.mark.parametrize("around", ["", "libvirt", "gzip"])
@pytest.mark.parametrize("rest", [b"something else", bytes(7), bytes(6) + b"something else"])
def test_what_follows_compressed_data_is_told_and_stays(
    tmp_path: Path, name: str, around: str, rest: bytes
) -> None:
    wrap = {"libvirt": lambda data: libvirt_image(data, name), "gzip": gzip.compress}
    data = PACK[name](PLAIN) + rest
    told = f"14 bytes that are no {name} follow its data" if rest.strip(b"\0") else ""
    with opened(tmp_path, wrap[around](data) if around else data) as stream:
        assert payloads(stream) == EXPECTED
        assert stream.remark == told
        stream.write(tmp_path / "new", Edits(payloads={stream.sections[3]: b"another" * 90}))
    with open_stream(tmp_path / "new") as stream:
        assert payloads(stream) == [*EXPECTED[:3], b"another" * 90, *EXPECTED[4:]]
        assert stream.remark == told
        outer = stream.layers[-1].outer
        assert outer.data[: len(outer.data)].endswith(rest)
        assert len(stream.layers[-1].behind) == len(rest)


def test_members_of_which_the_last_is_cut_are_packed_as_one(tmp_path: Path) -> None:
    second = gzip.compress(PLAIN[5000:])
    with opened(tmp_path, gzip.compress(PLAIN[:5000]) + second[:-8]) as stream:
        assert stream.remark == "the gzip data ends early"
        stream.write(tmp_path / "new", Edits(payloads={stream.sections[3]: b"another" * 90}))
    with open_stream(tmp_path / "new") as stream:
        assert payloads(stream) == [*EXPECTED[:3], b"another" * 90, *EXPECTED[4:]]
        assert not stream.remark


@pytest.mark.parametrize("size", [4096, 1 << 16, 3 << 20, 3 << 15, 1 << 24, 1 << 26])
def test_lzma_is_known_by_each_size_of_its_dictionary(tmp_path: Path, size: int) -> None:
    filters = [{"id": lzma.FILTER_LZMA1, "dict_size": size}]
    data = lzma.compress(PLAIN, format=lzma.FORMAT_ALONE, filters=filters)
    with opened(tmp_path, data) as stream:
        assert stream.container == "lzma"
        assert payloads(stream) == EXPECTED


def test_lzma_with_a_dictionary_beyond_memory_is_refused(tmp_path: Path) -> None:
    data = lzma.compress(PLAIN, format=lzma.FORMAT_ALONE)
    error = refused(tmp_path, data[:1] + b"\xff" * 4 + data[5:])
    assert isinstance(error, LimitExceeded)
    assert "too much memory to unpack the lzma data" in error.reason
    assert not compressed.LZMA.claims(data[:1] + (5 << 20).to_bytes(4, "little") + data[5:])


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
    assert sum(given) <= 5000 * SMALL + 2 * len(data)


def skippable(content: bytes, number: int = 0, size: int | None = None) -> bytes:
    """A frame of zstd that holds nothing, of one of sixteen numbers."""
    size = len(content) if size is None else size
    return bytes([0x50 + number]) + b"\x2a\x4d\x18" + size.to_bytes(4, "little") + content


def test_frames_of_zstd_that_hold_nothing_need_no_decoder(tmp_path: Path) -> None:
    made: list[int] = []

    def counted() -> Any:
        made.append(1)
        return zstd.ZstdDecompressor()

    zstd_method = compressed._zstd()
    method = attrs.evolve(zstd_method, decoder=counted)
    frames = [skippable(bytes(turn % 300), turn % 16) for turn in range(20000)]
    data = b"".join(frames) + zstd.compress(PLAIN[:5000]) + skippable(bytes(3 << 20))
    inside = attrs.evolve(compressed.ZSTD, method=lambda: method).open(
        Place(data + zstd.compress(PLAIN[5000:])), Wanted()
    )
    assert isinstance(inside, Unpacked)
    assert b"".join(chunk for chunk in inside.chunks if isinstance(chunk, bytes)) == PLAIN
    assert len(made) < 20  # two, and where a frame's head lies across two chunks
    with opened(tmp_path, zstd.compress(PLAIN) + skippable(b"x", size=2)) as stream:
        assert stream.remark == "the zstd data ends early"
    with opened(tmp_path, zstd.compress(PLAIN) + skippable(b"x") + b"abc") as stream:
        assert stream.remark == "3 bytes that are no zstd follow its data"
