"""Save images of libvirt: unfinished ones, and headers that say another thing than the data."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.core.containers.making import (
    COOKIE,
    EXPECTED,
    PACK,
    PLAIN,
    XML,
    libvirt_image,
    opened,
    payloads,
    refused,
)
from virtmig.containers.libvirt import HEADER, read_image
from virtmig.errors import BadContainer
from virtmig.stream.editing import Edits

UNFINISHED = b"LibvirtQemudPart"


@pytest.mark.parametrize("order", ["little", "big"])
def test_the_header_is_read_in_the_byte_order_of_its_host(order) -> None:
    data = libvirt_image(PLAIN, "zstd", order)
    image = read_image(data, 0)
    assert (image.version, image.running, image.stored) == (2, 1, "zstd")
    assert (image.length, image.cookie) == (len(XML) + len(COOKIE) + 100, len(XML))
    assert image.header() == data[:HEADER]


@pytest.mark.parametrize(
    ("says", "holds", "remark"),
    [
        ("gzip", "zstd", "says gzip, the data is zstd"),
        ("raw", "xz", "says nothing compressed, the data is xz"),
        ("bzip2", "", "says bzip2, the data is a plain stream"),
    ],
)
def test_a_header_that_says_another_format_is_named_and_the_data_is_read(
    tmp_path: Path, says: str, holds: str, remark: str
) -> None:
    inside = PACK[holds](PLAIN) if holds else PLAIN
    with opened(tmp_path, libvirt_image(inside, says)) as stream:
        assert payloads(stream) == EXPECTED
        assert stream.remark == f"the header of libvirt {remark}"


def test_an_unfinished_image_with_a_whole_stream_is_read_with_a_remark(tmp_path: Path) -> None:
    with opened(tmp_path, libvirt_image(PLAIN, magic=UNFINISHED)) as stream:
        assert payloads(stream) == EXPECTED
        assert "libvirt did not finish this image" in stream.remark


def test_an_unfinished_image_says_how_far_its_stream_is_whole(tmp_path: Path) -> None:
    image = libvirt_image(PLAIN, magic=UNFINISHED)
    cut = image[: image.index(EXPECTED[3]) + 10]
    error = refused(tmp_path, cut)
    assert "cut or damaged in section '0000:00:02.0/virtio-blk'" in error.reason
    assert "whole before it: timer, i8259, i8259; libvirt did not finish" in error.hint
    with opened(tmp_path, cut, partial=True) as stream:
        assert stream.cut is not None
        assert stream.cut.reason == error.reason
        assert payloads(stream) == EXPECTED[:3]


def test_an_image_that_ends_in_front_of_its_stream_says_where_that_begins(tmp_path: Path) -> None:
    image = libvirt_image(PLAIN)
    start = image.index(b"QEVM")
    for end in (20, HEADER, start - 1):
        error = refused(tmp_path, image[:end])
        assert "libvirt save image that" in error.reason
    assert f"begins at {start:#x}" in error.reason


@pytest.mark.parametrize(
    "words", [(3, 10, 1, 0, 0), (0, 10, 1, 0, 0), (2, 0, 1, 0, 0), (2, 10, 1, 0, 11)]
)
def test_a_header_that_cannot_be_is_refused_as_libvirt_does(tmp_path: Path, words) -> None:
    header = b"".join(word.to_bytes(4, "little") for word in (*words, *(0,) * 14))
    error = refused(tmp_path, b"LibvirtQemudSave" + header + bytes(100))
    assert isinstance(error, BadContainer)


def test_xml_cookie_and_unknown_words_stay_when_the_stream_changes(tmp_path: Path) -> None:
    image = libvirt_image(PLAIN, unknown=0x12345678)
    with opened(tmp_path, image) as stream:
        stream.write(tmp_path / "new", Edits(payloads={stream.sections[0]: b"\x55" * 40}))
    assert (tmp_path / "new").read_bytes() == image.replace(EXPECTED[0], b"\x55" * 40)


@pytest.mark.parametrize("stored", ["raw", "zstd", "gzip", "xz", "bzip2", "lzop"])
@pytest.mark.parametrize("wrong", [-60, 2, 20])
def test_a_wrong_length_of_the_xml_says_where_the_stream_may_begin(
    tmp_path: Path, stored: str, wrong: int
) -> None:
    inside = PLAIN if stored == "raw" else PACK[stored](PLAIN)
    image = libvirt_image(inside, stored)
    start = len(image) - len(inside)
    length = start - HEADER + wrong
    error = refused(tmp_path, image[:20] + length.to_bytes(4, "little") + image[24:])
    assert f"a stream may begin at {start:#x}: tail -c +{start + 1} FILE" in error.hint
    assert "neither that nor a stream: is a length in the header wrong?" in error.hint
