"""A written stream is whole, differs where it should, and replaces its target at once."""

from __future__ import annotations

import json
import os
import stat
from functools import partial
from pathlib import Path

import attrs
import pytest

from tests.core.stream.building import DEVICES, Device, Recipe, vmdescription
from tests.core.stream.test_mapped_ram import RECIPE, mapped_stream
from virtmig.errors import CountMismatch
from virtmig.stream import output
from virtmig.stream.editing import Edits
from virtmig.stream.opening import Stream, open_stream
from virtmig.stream.sections import Section


def saved(folder: Path, data: bytes) -> Path:
    path = folder / "old.mig"
    path.write_bytes(data)
    return path


def section(stream: Stream, idstr: str) -> Section:
    return next(section for section in stream.sections if section.idstr == idstr)


@pytest.mark.parametrize("recipe", [Recipe(), Recipe(spaces=True), Recipe(described=False)])
def test_a_stream_written_without_changes_is_identical(tmp_path: Path, recipe: Recipe):
    data = recipe.build()
    with open_stream(saved(tmp_path, data)) as stream:
        stream.write(tmp_path / "new.mig", Edits())
        assert (tmp_path / "new.mig").read_bytes() == data
        every = {section: stream.payload(section) for section in stream.sections}
        stream.write(tmp_path / "new.mig", Edits(payloads=every))
    assert (tmp_path / "new.mig").read_bytes() == data


def test_only_the_bytes_of_a_replaced_payload_differ(tmp_path: Path):
    data = Recipe().build()
    with open_stream(saved(tmp_path, data)) as stream:
        blk = section(stream, "0000:00:02.0/virtio-blk")
        stream.write(tmp_path / "new.mig", Edits(payloads={blk: b"\x77" * blk.size}))
    expected = data[: blk.start] + b"\x77" * blk.size + data[blk.end :]
    assert (tmp_path / "new.mig").read_bytes() == expected


@pytest.mark.parametrize("spaces", [True, False])
@pytest.mark.parametrize("size", [0, 1, 299, 301, 70_000])
def test_a_new_length_is_told_to_the_description(tmp_path: Path, spaces, size: int):
    with open_stream(saved(tmp_path, Recipe(spaces=spaces).build())) as stream:
        blk = section(stream, "0000:00:02.0/virtio-blk")
        stream.write(tmp_path / "new.mig", Edits(payloads={blk: b"\x77" * size}))
    devices = (*DEVICES[:3], attrs.evolve(DEVICES[3], payload=b"\x77" * size), *DEVICES[4:])
    expected = Recipe(spaces=spaces, devices=devices).build()
    assert (tmp_path / "new.mig").read_bytes() == expected


def test_several_lengths_can_change_at_once(tmp_path: Path):
    with open_stream(saved(tmp_path, Recipe().build())) as stream:
        new = {each: stream.payload(each) * 2 for each in stream.sections}
        stream.write(tmp_path / "new.mig", Edits(payloads=new))
    devices = tuple(attrs.evolve(device, payload=device.payload * 2) for device in DEVICES)
    assert (tmp_path / "new.mig").read_bytes() == Recipe(devices=devices).build()


def test_a_length_changes_freely_where_there_is_no_description(tmp_path: Path):
    with open_stream(saved(tmp_path, Recipe(described=False).build())) as stream:
        blk = section(stream, "0000:00:02.0/virtio-blk")
        stream.write(tmp_path / "new.mig", Edits(payloads={blk: b"short"}))
    with open_stream(tmp_path / "new.mig") as stream:
        assert stream.payload(section(stream, "0000:00:02.0/virtio-blk")) == b"short"


def described_as(fields: list[dict[str, object]]) -> bytes:
    """A stream whose one device has those fields."""
    recipe = Recipe(devices=(Device("timer", bytes(40)),), described=False)
    device = {"name": "timer", "instance_id": 0, "fields": fields}
    return recipe.build() + vmdescription(json.dumps({"devices": [device]}).encode())


@pytest.mark.parametrize(
    "fields",
    [
        [{"name": "a", "size": 30}, {"name": "b", "size": 10}],
        [{"name": "a", "array_len": 4, "size": 10}],
        [{"name": "a", "size": 39}],
    ],
    ids=["two fields", "an array", "a lie"],
)
def test_a_length_whose_description_cannot_follow_is_refused(
    tmp_path: Path, fields: list[dict[str, object]]
):
    stream = Stream.from_bytes(described_as(fields))
    with pytest.raises(CountMismatch, match="length cannot change"):
        stream.write(tmp_path / "new.mig", Edits(payloads={stream.sections[0]: bytes(41)}))
    stream.write(tmp_path / "new.mig", Edits(payloads={stream.sections[0]: bytes(40)}))


def test_a_description_with_a_second_list_of_devices_is_not_edited(tmp_path: Path):
    recipe = Recipe(described=False)
    devices = json.dumps([device.described() for device in DEVICES])
    text = f'{{"devices":{devices},"devices":{devices}}}'
    stream = Stream.from_bytes(recipe.build() + vmdescription(text.encode()))
    with pytest.raises(CountMismatch, match="could not be corrected"):
        stream.write(tmp_path / "new.mig", Edits(payloads={stream.sections[0]: b""}))


def test_a_length_does_not_change_where_mapped_ram_would_move(tmp_path: Path):
    early = attrs.evolve(RECIPE, early=(Device("early", b"E"),))
    stream = Stream.from_bytes(mapped_stream({}, recipe=early))
    stream.write(
        tmp_path / "new.mig",
        Edits(payloads={stream.sections[0]: b"e", stream.sections[1]: b"longer"}),
    )
    with pytest.raises(CountMismatch, match="mapped-ram"):
        stream.write(tmp_path / "new.mig", Edits(payloads={stream.sections[0]: b"EE"}))


def test_a_length_before_ram_may_change_where_nothing_depends_on_it(tmp_path: Path):
    recipe = Recipe(early=(Device("early", b"E"),))
    stream = Stream.from_bytes(recipe.build())
    stream.write(tmp_path / "new.mig", Edits(payloads={stream.sections[0]: b"EE"}))
    longer = attrs.evolve(recipe, early=(Device("early", b"EE"),))
    assert (tmp_path / "new.mig").read_bytes() == longer.build()


def test_a_length_does_not_change_if_the_description_is_cut(tmp_path: Path):
    stream = Stream.from_bytes(Recipe().build()[:-10])
    with pytest.raises(CountMismatch, match="cut"):
        stream.write(tmp_path / "new.mig", Edits(payloads={stream.sections[0]: b""}))


def test_a_section_of_another_stream_is_wrong_use(tmp_path: Path):
    stream = Stream.from_bytes(Recipe().build())
    stranger = attrs.evolve(stream.sections[0], idstr="stranger")
    with pytest.raises(ValueError, match="no such section"):
        stream.write(tmp_path / "new.mig", Edits(payloads={stranger: b""}))


def test_a_stream_may_be_written_over_its_own_file(tmp_path: Path):
    path = saved(tmp_path, Recipe().build())
    with open_stream(path) as stream:
        blk = section(stream, "0000:00:02.0/virtio-blk")
        stream.write(path, Edits(payloads={blk: b"new"}))
        assert stream.payload(blk) == DEVICES[3].payload
    with open_stream(path) as stream:
        assert stream.payload(section(stream, "0000:00:02.0/virtio-blk")) == b"new"


def test_the_new_file_has_the_permissions_of_the_old_stream(tmp_path: Path):
    path = saved(tmp_path, Recipe().build())
    path.chmod(0o640)
    with open_stream(path) as stream:
        stream.write(tmp_path / "new.mig", Edits())
    assert stat.S_IMODE((tmp_path / "new.mig").stat().st_mode) == 0o640


def test_a_file_that_is_replaced_keeps_its_permissions(tmp_path: Path):
    target = tmp_path / "new.mig"
    target.write_bytes(b"")
    target.chmod(0o604)
    with open_stream(saved(tmp_path, Recipe().build())) as stream:
        stream.write(target, Edits())
    assert stat.S_IMODE(target.stat().st_mode) == 0o604


@pytest.mark.skipif(os.geteuid() != 0, reason="only root gives files away")
def test_a_file_that_is_replaced_keeps_its_owner(tmp_path: Path):
    target = tmp_path / "new.mig"
    target.write_bytes(b"")
    os.chown(target, 1234, 1235)
    with open_stream(saved(tmp_path, Recipe().build())) as stream:
        stream.write(target, Edits())
    about = target.stat()
    assert (about.st_uid, about.st_gid) == (1234, 1235)


def test_an_owner_that_cannot_be_kept_is_no_matter(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    def refuse(*_: object) -> None:
        raise PermissionError

    path = saved(tmp_path, Recipe().build())
    monkeypatch.setattr(os, "fchown", refuse)
    with open_stream(path) as stream:
        stream.write(path, Edits())
    assert path.read_bytes() == Recipe().build()


def test_a_stream_from_memory_is_written_for_its_owner_only(tmp_path: Path):
    Stream.from_bytes(Recipe().build()).write(tmp_path / "new.mig", Edits())
    assert (tmp_path / "new.mig").read_bytes() == Recipe().build()
    assert stat.S_IMODE((tmp_path / "new.mig").stat().st_mode) == 0o600


def test_a_link_is_written_through(tmp_path: Path):
    (tmp_path / "real.mig").write_bytes(b"")
    (tmp_path / "link.mig").symlink_to("real.mig")
    Stream.from_bytes(Recipe().build()).write(tmp_path / "link.mig", Edits())
    assert (tmp_path / "link.mig").is_symlink()
    assert (tmp_path / "real.mig").read_bytes() == Recipe().build()


def test_what_is_no_plain_file_is_not_replaced(tmp_path: Path):
    os.mkfifo(tmp_path / "fifo")
    for target in (tmp_path, tmp_path / "fifo", Path(os.devnull)):
        with pytest.raises(OSError, match="not a regular file"):
            Stream.from_bytes(Recipe().build()).write(target, Edits())
    assert not Path(os.devnull).is_file()


def test_a_folder_that_is_not_there_is_a_plain_os_error(tmp_path: Path):
    with pytest.raises(FileNotFoundError):
        Stream.from_bytes(Recipe().build()).write(tmp_path / "no" / "new.mig", Edits())


@pytest.mark.parametrize("step", ["fsync", "copy_file_range", "fchmod"])
def test_a_failure_leaves_the_target_and_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: str
):
    def fail(*_: object, **__: object) -> None:
        raise OSError(28, "no space left on device")

    target = tmp_path / "new.mig"
    target.write_bytes(b"as it was")
    with open_stream(saved(tmp_path, Recipe().build())) as stream:
        monkeypatch.setattr(os, step, fail)
        with pytest.raises(OSError, match="no space"):
            stream.write(target, Edits())
    assert sorted(each.name for each in tmp_path.iterdir()) == ["new.mig", "old.mig"]
    assert target.read_bytes() == b"as it was"


def test_a_file_system_without_kernel_copies_is_written_all_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    def fail(*_: object, **__: object) -> int:
        raise OSError(18, "cross-device link")

    with open_stream(saved(tmp_path, Recipe().build())) as stream:
        monkeypatch.setattr(os, "copy_file_range", fail)
        stream.write(tmp_path / "new.mig", Edits())
    assert (tmp_path / "new.mig").read_bytes() == Recipe().build()


def test_a_stream_that_shrinks_while_it_is_copied_is_an_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    with open_stream(saved(tmp_path, Recipe().build())) as stream:
        monkeypatch.setattr(os, "copy_file_range", lambda *_, **__: 0)
        with pytest.raises(OSError, match="shorter"):
            stream.write(tmp_path / "new.mig", Edits())


@pytest.mark.parametrize("missing", ["", "posix_fallocate", "posix_fadvise"])
def test_a_long_stream_goes_to_the_disk_while_it_is_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, missing: str
):
    """Room is taken for each part, and the disk is told of it; it is no matter if it cannot."""
    done: list[tuple[str, int, int]] = []

    def recorded(name: str, file: int, at: int, size: int, *_: object) -> None:
        assert os.fstat(file).st_mode
        done.append((name, at, size))
        if name == missing:
            raise OSError(95, "operation not supported")

    size = 1000
    monkeypatch.setattr(output, "COPIED", size)
    with open_stream(saved(tmp_path, Recipe().build())) as stream:
        for name in ("posix_fallocate", "posix_fadvise"):
            monkeypatch.setattr(os, name, partial(recorded, name))
        stream.write(tmp_path / "new.mig", Edits())
    assert (tmp_path / "new.mig").read_bytes() == Recipe().build()
    parts = range(0, len(Recipe().build()) - size + 1, size)
    assert len(parts) > 1
    for name in ("posix_fallocate", "posix_fadvise"):
        assert [each for each in done if each[0] == name] == [(name, at, size) for at in parts]


def test_holes_of_a_mapped_ram_stream_stay_holes(tmp_path: Path):
    path = tmp_path / "old.mig"
    data = mapped_stream({})
    with path.open("wb") as out:
        for at in range(0, len(data), 4096):
            out.seek(at)
            if data[at : at + 4096].strip(b"\0"):
                out.write(data[at : at + 4096])
        out.truncate(len(data))
    with open_stream(path) as stream:
        stream.write(tmp_path / "new.mig", Edits(payloads={stream.sections[0]: bytes(50_000)}))
        stream.write(tmp_path / "same.mig", Edits())
    assert (tmp_path / "same.mig").read_bytes() == data
    assert (tmp_path / "same.mig").stat().st_blocks <= path.stat().st_blocks + 16
    with open_stream(tmp_path / "new.mig") as stream:
        assert stream.payload(stream.sections[0]) == bytes(50_000)
