"""What follows a stream in its file: nothing, zeros, other bytes, or another stream."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from tests.core.stream.building import DEVICES, PAGE, Recipe, noise
from tests.core.stream.test_mapped_ram import mapped_stream
from tests.core.stream.test_passing import refused, through
from virtmig.containers.converting import form_of, write_as
from virtmig.errors import BadFooter, VirtmigError
from virtmig.stream.editing import Edits
from virtmig.stream.opening import Stream, open_stream

DATA = Recipe().build()
SHORTER = Recipe(devices=DEVICES[:2]).build()
PADDED = "{} bytes follow the stream, all zero"


@pytest.mark.parametrize("size", [1, 5, 512, 3 << 20])
def test_zeros_behind_a_stream_are_padding_and_stay(tmp_path: Path, size: int) -> None:
    (tmp_path / "old").write_bytes(DATA + bytes(size))
    with open_stream(tmp_path / "old") as stream:
        assert stream.remark == PADDED.format(size)
        assert [stream.payload(one) for one in stream.sections] == [
            device.payload for device in DEVICES
        ]
        assert stream.ram().read("pc.ram", 0, 4096) == b"A" * 4096
        stream.write(tmp_path / "same", Edits())
        assert (tmp_path / "same").read_bytes() == DATA + bytes(size)
        blk = stream.sections[3]
        edits = Edits(payloads={blk: bytes(400)}, idstrs={blk: "0000:00:03.0/virtio-blk"})
        stream.write(tmp_path / "new", edits)
    stream = Stream.from_bytes(DATA)
    stream.write(tmp_path / "expected", edits)
    expected = (tmp_path / "expected").read_bytes()
    assert (tmp_path / "new").read_bytes() == expected + bytes(size)


@pytest.mark.parametrize("data", [DATA, mapped_stream({"pc.ram": {1: b"B" * PAGE}})])
def test_padding_stays_when_ram_takes_another_form(tmp_path: Path, data: bytes) -> None:
    stream = Stream.from_bytes(data + bytes(100))
    for name in ("mapped-ram", "qemu"):
        write_as(tmp_path / name, stream, form_of(name, ""))
        with open_stream(tmp_path / name) as made:
            assert made.remark == PADDED.format(100)
            assert len(made.sections) == len(stream.sections)
            made.check_whole()


@pytest.mark.parametrize("more", [b"x", b"\0\0{}", noise(1, 5000), DATA[:700], bytes(9) + b"}"])
def test_other_bytes_behind_a_stream_are_named(more: bytes) -> None:
    with pytest.raises(BadFooter, match="does not end with the file") as caught:
        Stream.from_bytes(DATA + more)
    assert caught.value.where.offset == len(DATA)
    size = f"{len(more)} bytes follow its description"
    assert size in caught.value.hint


def test_whatever_follows_is_a_typed_error_or_padding() -> None:
    chance = random.Random(4)  # noqa: S311 - no secret
    for _ in range(200):
        more = chance.randbytes(chance.randrange(40)).replace(b"\x80", b"\0\x06")
        try:
            stream = Stream.from_bytes(DATA + more)
        except VirtmigError as error:
            assert str(error)
        else:
            assert not more.strip(b"\0")
            assert len(stream.sections) == len(DEVICES)


@pytest.mark.parametrize(("first", "second"), [(DATA, DATA), (DATA, SHORTER), (SHORTER, DATA)])
def test_two_streams_in_a_file_are_not_written_as_one(
    tmp_path: Path, first: bytes, second: bytes
) -> None:
    stream = Stream.from_bytes(first + second)
    hint = f"a second stream follows at {len(first):#x}"
    with pytest.raises(BadFooter, match="RAM ends here") as caught:
        stream.ram()
    assert caught.value.hint == hint
    assert caught.value.where.offset == len(Recipe().head() + Recipe().ram())
    for write in (
        lambda: stream.write(tmp_path / "new", Edits()),
        lambda: stream.write(tmp_path / "new", Edits(payloads={stream.sections[0]: b"\1" * 40})),
        lambda: write_as(tmp_path / "new", stream, form_of("gzip", "")),
    ):
        with pytest.raises(BadFooter, match="a second stream follows"):
            write()
    assert not [*tmp_path.iterdir()]


def test_a_stream_behind_one_that_is_cut_inside_ram_is_not_written(tmp_path: Path) -> None:
    cut = DATA[: DATA.index(b"B" * 100)]
    stream = Stream.from_bytes(cut + DATA)
    with pytest.raises(VirtmigError):
        stream.write(tmp_path / "new", Edits())
    assert not [*tmp_path.iterdir()]


@pytest.mark.parametrize("second", [DATA, SHORTER])
def test_a_second_stream_that_flows_behind_the_first_is_refused(second: bytes) -> None:
    out, error = refused(DATA + second, BadFooter)
    assert out == DATA[: len(Recipe().head() + Recipe().ram())]
    assert error.where.offset == len(out)
    assert error.hint == f"a second stream follows at {len(DATA):#x}"


def test_zeros_behind_a_stream_flow_with_it() -> None:
    assert through(DATA + bytes(5000))[0] == DATA + bytes(5000)
