"""Snapshots in disk images: found by name, read through their tables, however those are made."""

from __future__ import annotations

import os
import random
from pathlib import Path

import attrs
import pytest

from tests.core.containers.making import EXPECTED, PLAIN, Qcow2, opened, payloads, refused
from tests.core.stream.building import DEVICES, Recipe, u32, u64
from virtmig.errors import (
    BadContainer,
    LimitExceeded,
    MissingFact,
    NotAStream,
    UnsupportedContainer,
    VirtmigError,
)
from virtmig.stream.editing import Edits
from virtmig.stream.opening import Stream, open_stream

OTHER = Recipe(devices=DEVICES[:2]).build()
ONE = Qcow2(snapshots={"first": PLAIN})
TWO = Qcow2(snapshots={"first": PLAIN, "disk only": b"", "second": OTHER})


@pytest.mark.parametrize("version", [2, 3])
@pytest.mark.parametrize("cluster_bits", [9, 12, 16, 21])
@pytest.mark.parametrize("large", [True, False])
def test_the_only_snapshot_is_read_without_its_name(
    tmp_path: Path, version: int, cluster_bits: int, large
) -> None:
    image = attrs.evolve(ONE, version=version, cluster_bits=cluster_bits, large_sizes=large)
    with opened(tmp_path, image.build()) as stream:
        assert payloads(stream) == EXPECTED
        assert stream.container == "qcow2"
        assert len(stream.place.data) == len(PLAIN)


@pytest.mark.parametrize(("name", "expected"), [("first", PLAIN), ("second", OTHER), ("3", OTHER)])
def test_one_of_several_is_read_by_name_or_id(tmp_path: Path, name: str, expected: bytes) -> None:
    with opened(tmp_path, TWO.build(), snapshot=name) as stream:
        assert payloads(stream) == payloads(Stream.from_bytes(expected))


@pytest.mark.parametrize(
    ("name", "reason", "hint"),
    [
        ("", "holds 2 snapshots: first, second", "--snapshot NAME"),
        ("third", "no snapshot is named 'third'", "there are: first, second"),
        ("disk only", "is of the disk alone", "first, second"),
    ],
)
def test_what_can_be_asked_for_is_told(tmp_path: Path, name: str, reason: str, hint: str) -> None:
    error = refused(tmp_path, TWO.build(), snapshot=name)
    assert reason in error.reason
    assert hint in error.hint


def test_two_snapshots_of_one_name_are_told_apart_by_id(tmp_path: Path) -> None:
    image = Qcow2(snapshots={"same": PLAIN, "diff": OTHER}).build().replace(b"2diff", b"2same")
    assert refused(tmp_path, image, snapshot="same").reason == "2 snapshots are named 'same'"
    with opened(tmp_path, image, snapshot="2") as stream:
        assert payloads(stream) == payloads(Stream.from_bytes(OTHER))


def test_an_image_without_snapshots_has_no_stream(tmp_path: Path) -> None:
    error = refused(tmp_path, Qcow2(snapshots={}).build())
    assert error.reason == "a qcow2 image without a snapshot that holds VM state"


def test_a_snapshot_is_asked_for_of_a_disk_image_only(tmp_path: Path) -> None:
    error = refused(tmp_path, PLAIN, snapshot="first")
    assert isinstance(error, MissingFact)
    assert "no disk image" in error.reason


def test_a_changed_snapshot_is_written_as_a_plain_stream(tmp_path: Path) -> None:
    with opened(tmp_path, ONE.build()) as stream:
        stream.write(tmp_path / "same", Edits())
        stream.write(tmp_path / "new", Edits(payloads={stream.sections[0]: b"\x55" * 40}))
    assert (tmp_path / "same").read_bytes() == PLAIN
    assert (tmp_path / "new").read_bytes() == PLAIN.replace(EXPECTED[0], b"\x55" * 40)


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"encrypted": 1}, "encrypted"),
        ({"features": 1 << 2}, "external data file"),
        ({"features": 1 << 4}, "extended level 2"),
        ({"features": 1 << 40}, "unknown features 0x10000000000"),
        ({"l2_entry": lambda at: at | 1 << 62}, "compressed clusters"),
    ],
)
def test_what_is_not_read_is_refused_by_name(tmp_path: Path, change, named: str) -> None:
    error = refused(tmp_path, attrs.evolve(ONE, **change).build())
    assert isinstance(error, UnsupportedContainer)
    assert named in error.reason
    assert "-loadvm" in error.hint


@pytest.mark.parametrize("features", [0b1, 0b10, 0b1000])
def test_features_that_do_not_matter_are_passed_over(tmp_path: Path, features: int) -> None:
    with opened(tmp_path, attrs.evolve(ONE, features=features).build()) as stream:
        assert payloads(stream) == EXPECTED


def test_a_cluster_that_is_marked_zero_is_zeros(tmp_path: Path) -> None:
    image = attrs.evolve(ONE, l2_entry=lambda at: at | 1)
    assert "b'\\x00\\x00\\x00\\x00'" in refused(tmp_path, image.build()).reason
    image = attrs.evolve(image, version=2)  # where the bit means nothing
    with opened(tmp_path, image.build()) as stream:
        assert payloads(stream) == EXPECTED


def test_a_table_that_leads_to_the_same_clusters_again_is_refused(tmp_path: Path) -> None:
    image = attrs.evolve(ONE, repeated=100).build()
    error = refused(tmp_path, image)
    assert isinstance(error, BadContainer)
    holds = f"which holds {len(image)} bytes"
    assert error.reason == f"a snapshot's clusters are larger than the image, {holds}"


def long_file(path: Path, data: bytes, size: int) -> Path:
    """A file of these bytes, with a hole behind them."""
    path.write_bytes(data)
    os.truncate(path, size)
    return path


def test_a_hole_in_an_image_is_nothing_that_it_holds(tmp_path: Path) -> None:
    path = long_file(tmp_path / "file", attrs.evolve(ONE, repeated=100).build(), 1 << 40)
    with pytest.raises(BadContainer, match="larger than the image, which holds"):
        open_stream(path)


def test_clusters_in_a_hole_of_the_image_are_zeros_and_cost_nothing(tmp_path: Path) -> None:
    image = attrs.evolve(ONE, cluster_bits=9, l2_entry=lambda at: at | 1 << 30)
    path = long_file(tmp_path / "file", image.build(), 2 << 30)
    with pytest.raises(NotAStream, match="begins with"):
        open_stream(path)


@pytest.mark.parametrize("cluster_bits", [9, 16])
def test_a_bomb_of_holes_is_given_up_with_the_limit(tmp_path: Path, cluster_bits: int) -> None:
    image = attrs.evolve(ONE, cluster_bits=cluster_bits, holes=60 << 30).build()
    error = refused(tmp_path, image)
    assert isinstance(error, LimitExceeded)
    limit = max(1 << 30, 256 * len(image))
    assert error.reason == f"its {len(image)} bytes unpack to more than {limit}"
    assert "VIRTMIG_UNPACK_RATIO" in error.hint


def test_holes_behind_the_stream_that_are_few_stay(tmp_path: Path) -> None:
    with opened(tmp_path, attrs.evolve(ONE, holes=1 << 29).build()) as stream:
        assert payloads(stream) == EXPECTED
        assert stream.place.size == len(PLAIN) + (1 << 29)


def test_a_table_of_clusters_that_is_entered_twice_is_refused(tmp_path: Path) -> None:
    data = attrs.evolve(ONE, holes=1 << 23).build()
    snapshots = int.from_bytes(data[64:72], "big")
    l1 = int.from_bytes(data[snapshots : snapshots + 8], "big")
    entry = next(at for at in range(l1, len(data), 8) if data[at : at + 8] != bytes(8))
    error = refused(tmp_path, data[: entry + 8] + data[entry : entry + 8] + data[entry + 16 :])
    assert isinstance(error, BadContainer)
    assert error.reason == "two entries of table 1 of snapshot 'first' lead to one table 2"


def test_a_size_that_the_tables_do_not_reach_is_refused(tmp_path: Path) -> None:
    data = bytearray(ONE.build())
    at = data.index(u64(len(PLAIN)) + u64(1 << 20))
    data[at : at + 8] = u64(1 << 40)
    assert "entries, entry" in refused(tmp_path, bytes(data)).reason


def test_huge_numbers_in_the_table_are_refused(tmp_path: Path) -> None:
    data = ONE.build()
    at = data.rindex(b"1first") - 16 - 16 - 4 - 4
    start = at - 8 - 4 - 2 - 2
    many = data[: start + 8] + u32(1 << 31) + data[start + 12 :]
    assert isinstance(refused(tmp_path, many), LimitExceeded)
    snapshots = data[:60] + u32(1 << 30) + data[64:]
    assert isinstance(refused(tmp_path, snapshots), BadContainer)


def test_any_damage_is_a_typed_error_or_no_harm(tmp_path: Path) -> None:
    chance = random.Random(1)  # noqa: S311 - no secret
    whole = TWO.build()
    tables = [at for at in range(len(whole)) if at < 104 or at > len(whole) - 300]
    path = tmp_path / "file"
    for turn in range(300):
        data = bytearray(whole)
        if turn % 3 == 0:
            del data[chance.randrange(len(data)) :]
        else:
            for _ in range(turn % 3):
                data[chance.choice(tables)] = chance.randrange(256)
        path.write_bytes(data)
        try:
            with open_stream(path, snapshot="first") as stream:
                payloads(stream)
        except VirtmigError as error:
            assert str(error)


def test_a_table_beyond_the_end_of_the_image_is_named(tmp_path: Path) -> None:
    data = ONE.build()
    far = u64(1 << 40)
    snapshots = int.from_bytes(data[64:72], "big")
    first = int.from_bytes(data[snapshots : snapshots + 8], "big")
    entry = next(at for at in range(first, len(data), 8) if data[at : at + 8] != bytes(8))
    cases = (
        (64, "the table of snapshots, 40 bytes"),
        (snapshots, "table 1 of snapshot 'first'"),
        (entry, "a table 2 of snapshot 'first'"),
    )
    for at, named in cases:
        error = refused(tmp_path, data[:at] + far + data[at + 8 :])
        assert isinstance(error, BadContainer)
        assert error.reason.startswith(named)
        assert error.reason.endswith("at 0x10000000000, lies beyond the end of the image")
