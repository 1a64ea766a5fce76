"""Files that are no streams, wrapped streams, and what is no file at all."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.core.stream.building import DEVICES, Recipe, configuration, str8, u32
from virtmig.errors import LimitExceeded, NotAStream, UnsupportedContainer
from virtmig.stream.opening import Stream, open_stream


@pytest.mark.parametrize(
    "data",
    [b"", b"Q", b"QEVM", b"QEVM\0\0\0", b"QEVM" + u32(4) + bytes(20), b"hello world", bytes(1000)],
)
def test_what_is_no_stream_is_said_to_be_none(data: bytes):
    with pytest.raises(NotAStream):
        Stream.from_bytes(data)


def test_a_file_is_opened_read_and_closed(tmp_path: Path):
    path = tmp_path / "a.mig"
    path.write_bytes(Recipe().build())
    path.chmod(0o400)
    with open_stream(path) as stream:
        assert stream.payload(stream.sections[0]) == DEVICES[0].payload
        assert stream.page_size == 4096
        assert [block.name for block in stream.blocks] == [*Recipe().blocks]
    with pytest.raises(ValueError, match="closed"):
        stream.payload(stream.sections[0])


def test_a_stream_is_closed_twice_without_harm(tmp_path: Path):
    path = tmp_path / "a.mig"
    path.write_bytes(Recipe().build())
    stream = open_stream(path)
    stream.close()
    stream.close()


def test_an_empty_file_is_no_stream(tmp_path: Path):
    (tmp_path / "empty").write_bytes(b"")
    with pytest.raises(NotAStream, match="empty"):
        open_stream(tmp_path / "empty")


def test_a_folder_and_a_device_are_no_streams(tmp_path: Path):
    for path in (tmp_path, Path(os.devnull)):
        with pytest.raises(NotAStream, match="not a file"):
            open_stream(path)


def test_a_missing_file_is_a_plain_os_error(tmp_path: Path):
    with pytest.raises(FileNotFoundError):
        open_stream(tmp_path / "missing")


def test_a_file_that_is_refused_is_not_kept_open(tmp_path: Path):
    (tmp_path / "bad").write_bytes(b"hello")
    descriptors = Path("/proc/self/fd")
    before = len([*descriptors.iterdir()])
    for _ in range(3):
        with pytest.raises(NotAStream):
            open_stream(tmp_path / "bad")
    assert len([*descriptors.iterdir()]) == before


def test_an_obsolete_version_is_named():
    with pytest.raises(UnsupportedContainer, match="version 2"):
        Stream.from_bytes(b"QEVM" + u32(2) + bytes(50))


def test_an_unknown_part_of_the_configuration_is_refused():
    data = b"QEVM" + u32(3) + configuration("pc-q35-10.0")
    with pytest.raises(UnsupportedContainer, match="configuration/new"):
        Stream.from_bytes(data + b"\x05" + str8("configuration/new") + u32(1))


@pytest.mark.parametrize(
    "record",
    [
        b"\x07" + u32(1 << 31) + b"pc",
        configuration("pc") + b"\x05" + str8("configuration/capabilities") + u32(1) + u32(1 << 30),
    ],
)
def test_absurd_counts_in_the_configuration_are_refused(record: bytes):
    with pytest.raises(LimitExceeded):
        Stream.from_bytes(b"QEVM" + u32(3) + record)


def test_target_page_bits_and_uuid_are_read():
    bits = b"\x05" + str8("configuration/target-page-bits") + u32(1) + u32(16)
    recipe = Recipe(described=False, page_size=65536, blocks={"mach-virt.ram": 65536}, items=())
    data = recipe.build()
    uuid = bytes(range(16))
    start = b"QEVM" + u32(3) + configuration("virt-10.0", uuid=uuid) + bits
    stream = Stream.from_bytes(start + data[len(recipe.head()) :])
    assert stream.page_size == 65536
    assert stream.configuration is not None
    assert stream.configuration.uuid == uuid
    assert stream.configuration.target_page_bits == 16
