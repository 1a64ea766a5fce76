"""What is unpacked takes no more than it may, of the disk, of memory, of time."""

from __future__ import annotations

import gzip
import os
import tracemalloc
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.core.containers.making import PACK, PLAIN, Qcow2, opened, refused
from tests.core.containers.test_survival import at_most
from virtmig.containers import compressed
from virtmig.containers import spool as spooling
from virtmig.containers.spool import BLOCK, spool
from virtmig.errors import LimitExceeded, MissingFact, Truncated
from virtmig.stream.output import Zeros

MIB = 1 << 20


def test_blocks_of_zeros_take_no_disk() -> None:
    chunks = [b"start", Zeros(100 * MIB), bytes(3 * MIB), b"end"]
    place, cut = spool(chunks)
    assert not cut
    assert place.file is not None
    assert len(place.data) == 103 * MIB + 8
    assert place.data[-3:] == b"end"
    assert not place.data[5 : 103 * MIB].strip(b"\0")
    assert os.fstat(place.file).st_blocks * 512 <= 4 * BLOCK
    place.close()


def test_what_ends_early_is_kept_with_the_reason() -> None:
    def chunks() -> Iterator[bytes]:
        yield b"so far"
        raise Truncated("and no further")

    place, cut = spool(chunks())
    assert (place.data[:], cut) == (b"so far", "and no further")
    place.close()


def test_the_file_has_no_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr("tempfile.tempdir", None)
    place, _ = spool([b"secret" * 100])
    assert place.file is not None
    assert str(tmp_path) in str(Path(f"/proc/self/fd/{place.file}").readlink())
    assert not [*tmp_path.iterdir()]
    place.close()


@pytest.mark.parametrize("name", PACK)
def test_a_bomb_is_given_up_with_the_limit_and_how_to_raise_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setattr(spooling, "SMALL", 8 * MIB)
    monkeypatch.setenv("VIRTMIG_UNPACK_RATIO", "20")
    bomb = PACK[name](PLAIN + bytes(64 * MIB))
    tracemalloc.start()
    error = refused(tmp_path, bomb)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert isinstance(error, LimitExceeded)
    limit = max(8 * MIB, 20 * len(bomb))
    assert error.reason == f"its {len(bomb)} bytes unpack to more than {limit}"
    assert "a VIRTMIG_UNPACK_RATIO above 20 allows more" in error.hint
    assert peak < 24 * MIB
    monkeypatch.setenv("VIRTMIG_UNPACK_RATIO", "1000000")
    with opened(tmp_path, bomb) as stream:
        assert stream.remark == f"{64 * MIB} bytes follow the stream, all zero"


def test_a_file_that_takes_too_much_memory_to_unpack_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(compressed, "LARGEST_WINDOW", MIB)
    error = refused(tmp_path, PACK["xz"](PLAIN))
    assert isinstance(error, LimitExceeded)
    assert "too much memory to unpack the xz data" in error.reason


@pytest.mark.parametrize("kind", ["gzip", "qcow2", "nested"])
def test_the_limit_in_bytes_holds_for_all_that_is_unpacked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    made = {
        "gzip": gzip.compress(PLAIN),
        "qcow2": Qcow2(snapshots={"a": PLAIN}).build(),
        "nested": gzip.compress(gzip.compress(PLAIN)),
    }[kind]
    monkeypatch.setenv("VIRTMIG_UNPACK_LIMIT", "5K")
    error = refused(tmp_path, made)
    assert isinstance(error, LimitExceeded)
    assert "more than 5120 bytes come out of it" in error.reason
    assert "VIRTMIG_UNPACK_LIMIT" in error.hint
    monkeypatch.setenv("VIRTMIG_UNPACK_LIMIT", "1M")
    opened(tmp_path, made).close()


@pytest.mark.parametrize("value", ["0", "-1", "many", "1.5G", "5X", "9" * 30, "1 G"])
def test_a_limit_that_is_no_number_is_said_to_be_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, value: str
) -> None:
    monkeypatch.setenv("VIRTMIG_UNPACK_LIMIT", value)
    error = refused(tmp_path, gzip.compress(PLAIN))
    assert isinstance(error, MissingFact)
    assert "is no number above 0" in error.reason


def test_a_full_folder_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr("tempfile.tempdir", None)
    with at_most(MIB), pytest.raises(OSError, match="File too large") as caught:
        spool([b"x" * 2 * MIB])
    assert caught.value.filename == str(tmp_path)
