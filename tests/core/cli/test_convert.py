"""`virtmig convert`, and every command on a stream that is in something."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import pytest

from tests.core.cli.conftest import Command
from tests.core.containers.making import Qcow2, libvirt_image
from tests.core.stream.building import Recipe

SAMPLE = Path(__file__).parents[3] / "samples/x86-q35.mig"
RAW = SAMPLE.read_bytes()


def test_a_stream_is_packed_and_unpacked_by_suffix(virtmig: Command, tmp_path: Path) -> None:
    packed, back = tmp_path / "a.gz", tmp_path / "b.mig"
    done = virtmig("convert", SAMPLE, "-o", packed)
    size = packed.stat().st_size
    assert (done.code, done.err) == (0, "")
    assert done.out == f"wrote {packed}: gzip, {size} bytes, from a plain stream\n"
    assert gzip.decompress(packed.read_bytes()) == RAW
    done = virtmig("convert", packed, "-o", back)
    assert done.out == f"wrote {back}: qemu, {len(RAW)} bytes, from gzip\n"
    assert back.read_bytes() == RAW


def test_json_says_the_same(virtmig: Command, tmp_path: Path) -> None:
    packed = tmp_path / "a.gz"
    packed.write_bytes(gzip.compress(RAW))
    done = virtmig("convert", packed, "-o", tmp_path / "b", "--to", "xz", "--json")
    told = json.loads(done.out)
    assert told == {
        "schema": 1,
        "file": str(packed),
        "output": str(tmp_path / "b"),
        "container": "gzip",
        "to": "xz",
        "bytes": (tmp_path / "b").stat().st_size,
    }


def test_a_libvirt_image_needs_xml_once(virtmig: Command, tmp_path: Path) -> None:
    image, xml = tmp_path / "a.save", tmp_path / "a.xml"
    assert "--xml FILE" in virtmig("convert", SAMPLE, "-o", image).complaint(4)
    assert not image.exists()
    xml.write_text("<domain/>")
    assert virtmig("convert", SAMPLE, "-o", image, "--xml", xml, "--paused").code == 0
    assert image.read_bytes()[24:28] == bytes(4)
    done = virtmig("convert", image, "-o", tmp_path / "b", "--to", "libvirt-zstd", "--json")
    assert json.loads(done.out)["container"] == "libvirt"
    assert virtmig("convert", tmp_path / "b", "-o", tmp_path / "c.mig").code == 0
    assert (tmp_path / "c.mig").read_bytes() == RAW


def test_devices_go_into_cbor_and_a_cbor_file_is_a_stream_of_them(
    virtmig: Command, tmp_path: Path
) -> None:
    packed, stream = tmp_path / "a.cbor", tmp_path / "b.mig"
    assert virtmig("convert", SAMPLE, "-o", packed).code == 0
    shown = virtmig("inspect", packed)
    assert shown.code == 0
    assert "3 virtio of 3 sections\nnote: the file holds virtio devices and no RAM" in shown.out
    done = virtmig("convert", packed, "-o", stream)
    assert done.err == "virtmig: warning: the file holds virtio devices and no RAM\n"
    devices = [
        json.loads(virtmig("inspect", one, "--json").out)["devices"] for one in (SAMPLE, stream)
    ]
    for one in (*devices[0], *devices[1]):
        one.pop("offset", None)
    assert devices[0] == devices[1]
    assert "without RAM" in virtmig("convert", packed, "-o", stream, "--to", "mapped-ram").err


def test_all_forms_are_listed(virtmig: Command) -> None:
    done = virtmig("convert", "--forms")
    assert done.code == 0
    assert [line.split()[0] for line in done.out.splitlines()][:3] == [
        "qemu",
        "mapped-ram",
        "libvirt",
    ]
    assert "(.zst, .zstd)" in done.out


def test_an_unknown_form_is_told_with_those_there_are(virtmig: Command, tmp_path: Path) -> None:
    line = virtmig("convert", SAMPLE, "-o", tmp_path / "a", "--to", "zip").complaint(2)
    assert "no form 'zip' (there are: qemu, mapped-ram," in line


def test_shared_memory_is_no_mapped_ram(virtmig: Command, tmp_path: Path) -> None:
    line = virtmig("convert", SAMPLE, "-o", tmp_path / "a", "--to", "mapped-ram").complaint(3)
    assert "x-ignore-shared" in line
    assert not (tmp_path / "a").exists()


def test_a_snapshot_is_chosen_by_name(virtmig: Command, tmp_path: Path) -> None:
    image = tmp_path / "disk.qcow2"
    image.write_bytes(Qcow2(snapshots={"old": Recipe().build(), "new": RAW}).build())
    line = virtmig("inspect", image).complaint(4)
    assert "the image holds 2 snapshots: old, new (--snapshot NAME)" in line
    done = virtmig("inspect", image, "--snapshot", "new")
    assert done.code == 0
    assert "machine pc-q35-7.2, 3 virtio of 34 sections" in done.out
    assert "note: snapshot 'new'; what is written of it is a plain stream" in done.out
    done = virtmig("load", image, "--snapshot", "new", "--save", tmp_path / "new.mig")
    assert "what is written of it is a plain stream" in done.err
    assert (tmp_path / "new.mig").read_bytes() == RAW
    assert "no disk image" in virtmig("sections", SAMPLE, "--snapshot", "new").complaint(4)


@pytest.mark.parametrize("stored", ["raw", "gzip"])
def test_a_libvirt_image_is_loaded_and_saved_as_it_was(
    virtmig: Command, tmp_path: Path, stored: str
) -> None:
    image = libvirt_image(RAW if stored == "raw" else gzip.compress(RAW), stored)
    path = tmp_path / "a.save"
    path.write_bytes(image)
    done = virtmig("load", path, "--save", path)
    assert done.code == 0
    assert path.read_bytes() == image


def test_what_is_whole_of_a_cut_stream_is_shown_and_the_exit_code_says_so(
    virtmig: Command, tmp_path: Path
) -> None:
    path = tmp_path / "cut.mig"
    path.write_bytes(RAW[:200_000])
    done = virtmig("inspect", path)
    assert done.code == 3
    assert "2 virtio of 31 sections\nnote: the stream ends too early: only what" in done.out
    fault = "cut or damaged in section '0000:00:03.0/virtio-rng'"
    assert fault in done.complaint_in(3)
    told = json.loads(virtmig("inspect", path, "--json").out)
    assert fault in told["cut"]
    assert [one["idstr"] for one in told["devices"]] == [
        "0000:00:01.0/virtio-blk",
        "0000:00:02.0/virtio-net",
    ]
    done = virtmig("sections", path)
    assert fault in done.complaint_in(3)
    assert "virtio-net" in done.out
    for command in (("load", path), ("convert", path, "-o", tmp_path / "a")):
        assert "whole before it: timer, slirp" in virtmig(*command).complaint(3)


def test_a_stream_is_not_replaced_by_its_devices_alone(virtmig: Command, tmp_path: Path) -> None:
    path = tmp_path / "a.mig"
    path.write_bytes(RAW)
    link = tmp_path / "link.cbor"
    link.symlink_to(path)
    for command in (("convert", path, "-o", path, "--to", "cbor"), ("pack", path, "-o", link)):
        assert "replaced, it would lose: RAM" in virtmig(*command).complaint(2)
    assert path.read_bytes() == RAW


@pytest.mark.parametrize(
    "command",
    [
        ("edit", SAMPLE, "--rename", "i8254", "other", "--unsafe"),
        ("load", SAMPLE, "--save"),
        ("convert", SAMPLE),
    ],
)
def test_a_disk_is_not_replaced_by_the_stream_in_it(
    virtmig: Command, tmp_path: Path, command: tuple[str, ...]
) -> None:
    disk, before = tmp_path / "a.img", Qcow2(snapshots={"one": RAW}).build()
    disk.write_bytes(before)
    name, _, *rest = command
    option = [] if name == "load" else ["-o"]
    done = virtmig(name, disk, *rest, *option, disk)
    assert done.code == 2
    assert done.err.endswith("replaced, it would lose: qcow2 (write to another file)\n")
    assert disk.read_bytes() == before
    assert [one.name for one in tmp_path.iterdir()] == ["a.img"]


@pytest.mark.parametrize(
    "command",
    [
        ("edit", SAMPLE, "--rename", "i8254", "other", "-o"),
        ("repair", SAMPLE, "-o"),
        ("load", SAMPLE, "--save"),
        ("convert", SAMPLE, "-o"),
        ("pack", SAMPLE, "-o"),
        ("unpack", SAMPLE, "-o"),
    ],
)
def test_standard_output_is_not_written_to(
    virtmig: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, command: tuple[str, ...]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert "in a pipe, use `virtmig filter`" in virtmig(*command, "-").usage()
    assert not [*tmp_path.iterdir()]
