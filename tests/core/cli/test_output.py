"""Where output goes, and where it does not."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from tests.core.cli.conftest import SAMPLES, Command, Edit
from tests.core.formats.boxes import opened, sealed
from tests.core.material import changed, drivers
from virtmig.virtio.subsections import DeviceEndian

X86 = SAMPLES / "x86-q35.mig"
S390X = SAMPLES / "s390x.mig"


@pytest.mark.parametrize("command", ["load", "pack", "unpack"])
def test_output_into_a_folder_that_is_not_there(
    virtmig: Command, command: str, tmp_path: Path
) -> None:
    box = tmp_path / "box.cbor"
    assert virtmig("pack", X86, "-o", box).code == 0
    out = tmp_path / "missing" / "out"
    words = {"load": [X86, "--save"], "pack": [X86, "-o"], "unpack": [box, "-o"]}[command]
    line = virtmig(command, *words, out).complaint(3)
    assert str(out.parent) in line
    assert ".virtmig-" not in line  # the name of a file that the user never heard of
    assert [one.name for one in tmp_path.iterdir()] == ["box.cbor"]


def test_output_onto_what_is_no_plain_file(virtmig: Command, tmp_path: Path) -> None:
    assert "directory" in virtmig("load", X86, "--save", tmp_path).usage()
    assert "directory" in virtmig("pack", X86, "-o", tmp_path).usage()
    assert os.devnull in virtmig("pack", X86, "-o", os.devnull).complaint(3)
    taken = tmp_path / "taken"
    taken.write_text("mine")
    box = tmp_path / "box.cbor"
    assert virtmig("pack", X86, "-o", box).code == 0
    assert "taken" in virtmig("unpack", box, "-o", taken).complaint(3)
    assert taken.read_text() == "mine"


def test_unpack_into_another_machines_stream_is_refused(virtmig: Command, tmp_path: Path) -> None:
    box, out = tmp_path / "box.cbor", tmp_path / "out.mig"
    assert virtmig("pack", X86, "-o", box).code == 0
    line = virtmig("unpack", box, "--into", S390X, "-o", out).complaint(3)
    assert "0000:00:01.0/virtio-blk" in line
    assert not out.exists()


def test_a_stream_is_no_cbor_file_and_a_cbor_file_is_a_stream_of_its_devices(
    virtmig: Command, tmp_path: Path
) -> None:
    box = tmp_path / "box.cbor"
    assert virtmig("pack", X86, "-o", box).code == 0
    assert "container" in virtmig("unpack", X86, "-o", tmp_path / "out").complaint(3)
    assert "3 virtio of 3 sections" in virtmig("inspect", box).out


@pytest.mark.parametrize("value", [b"bytes", 1.5, {5: b"x"}, [b"\xff"]])
def test_any_provenance_can_be_printed(virtmig: Command, tmp_path: Path, value: Any) -> None:
    box = tmp_path / "box.cbor"
    assert virtmig("pack", X86, "-o", box).code == 0
    body = opened(box.read_bytes())
    box.write_bytes(sealed({**body, "provenance": {**body["provenance"], "note": value}}))
    done = virtmig("unpack", box, "-o", tmp_path / "out", "--json")
    assert done.code in (0, 3)
    assert "Traceback" not in done.err


def needless_endianness(payload: bytes) -> bytes:
    """What QEMU reads and never writes: the byte order that the device has anyway."""
    envelope = drivers("0000:00:01.0/virtio-blk", "").envelope
    state = envelope.parse(payload, 2)
    return envelope.unparse(
        changed(state, "subsections.device_endian", DeviceEndian(device_endian=1)), 2
    )


def test_a_device_that_does_not_come_out_as_it_went_in_is_pointed_out(
    virtmig: Command, edited: Edit, tmp_path: Path
) -> None:
    path, out = edited(X86, "virtio-blk", needless_endianness), tmp_path / "out.mig"
    done = virtmig("load", path, "--save", out)
    assert "0000:00:01.0/virtio-blk  saved, CHANGED" in done.out
    assert "0000:00:02.0/virtio-net  saved, identical" in done.out
    assert out.read_bytes() == X86.read_bytes()
