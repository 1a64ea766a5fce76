"""`virtmig plugins golden`: sections out of streams, and bytes that are one section alone."""

from __future__ import annotations

import struct
from pathlib import Path

import pytest

from tests.core.checking.projects import project
from tests.core.cli.conftest import SAMPLES, Command
from tests.core.cli.making import made, needs_copier, workplace
from virtmig.stream.opening import open_stream
from virtmig.testing.goldens import read_goldens

X86 = SAMPLES / "x86-q35.mig"
BLK = "0000:00:01.0/virtio-blk"


here = pytest.fixture(autouse=True)(workplace)


def section_of(name: str) -> tuple[bytes, bytes]:
    """Header and payload of a section of the sample."""
    with open_stream(X86) as stream:
        one = next(one for one in stream.sections if one.idstr.endswith(name))
        return X86.read_bytes()[one.header : one.start], stream.payload(one)


def told(idstr: str = BLK, version: object = 2) -> list[object]:
    return ["--payload", "--idstr", idstr, "--version", version]


def test_the_end_of_an_idstr_is_enough(virtmig: Command) -> None:
    done = virtmig("plugins", "golden", X86, "virtio-net")
    assert (done.code, done.err) == (0, "")
    (golden,) = read_goldens("tests/goldens")
    assert golden.idstr == "0000:00:02.0/virtio-net"
    said = virtmig("plugins", "golden", X86, "virtio-echo").usage()
    assert "no section ends with 'virtio-echo'; there are: " in said
    assert "several sections end with 'o'" not in virtmig("plugins", "golden", X86, "-net").err


def test_a_payload_alone_is_kept_with_what_is_told_of_it(virtmig: Command, here: Path) -> None:
    header, payload = section_of("virtio-blk")
    Path("section.bin").write_bytes(payload)
    idstr = header[6 : 6 + header[5]].decode()
    command = ["plugins", "golden", "section.bin", *told(idstr), "--machine", "pc-q35-7.2"]
    done = virtmig(*command, "--qemu", "a fork")
    assert (done.code, done.err) == (0, "")
    (golden,) = read_goldens("tests/goldens")
    assert golden.payload() == payload
    assert (golden.idstr, golden.version_id, golden.machine) == (idstr, 2, "pc-q35-7.2")
    assert golden.qemu == "a fork"
    assert virtmig("plugins", "golden", X86, idstr).out == done.out  # the same section


def test_what_was_told_of_a_payload_before_stays_and_is_told(virtmig: Command) -> None:
    Path("section.bin").write_bytes(section_of("virtio-blk")[1])
    assert virtmig("plugins", "golden", "section.bin", *told()).err == ""
    again = virtmig("plugins", "golden", "section.bin", *told(version=1))
    assert f"it is there already, as {BLK}, version 2: to change that, edit tests" in again.err
    assert [one.version_id for one in read_goldens("tests/goldens")] == [2]


def test_a_payload_that_is_not_whole_is_kept_and_told(virtmig: Command) -> None:
    _, payload = section_of("virtio-blk")
    Path("half.bin").write_bytes(payload[: len(payload) // 2])
    done = virtmig("plugins", "golden", "half.bin", *told())
    assert done.code == 0
    assert "virtmig: warning: " in done.err
    assert "or the file is not a whole section" in done.err
    assert len(read_goldens("tests/goldens")) == 1


@pytest.mark.parametrize(
    ("idstr", "text"),
    [
        ("virtio-blk", "only some machines leave the path out: write PATH/NAME"),
        ("0000:00:01.0/virtio-echo", "no device driver for virtio-echo"),
    ],
)
def test_a_payload_that_no_driver_can_try_is_kept(virtmig: Command, idstr: str, text: str) -> None:
    Path("section.bin").write_bytes(b"\0" * 64)
    done = virtmig("plugins", "golden", "section.bin", *told(idstr))
    assert done.code == 0
    assert text in done.err
    assert "pip install" not in done.err


def test_what_is_no_payload_is_refused(virtmig: Command, here: Path) -> None:
    header, payload = section_of("virtio-blk")
    Path("whole.bin").write_bytes(header + payload)
    Path("empty.bin").write_bytes(b"")
    golden = ("plugins", "golden")
    said = virtmig(*golden, "whole.bin", *told()).err
    assert f"virtio-blk, version 2: cut off its {len(header)} bytes" in said
    assert "is a stream: leave --payload out" in virtmig(*golden, X86, *told()).err
    assert "is empty" in virtmig(*golden, "empty.bin", *told()).err
    assert "write --idstr PATH/NAME" in virtmig(*golden, "whole.bin", "--payload").err
    assert "write --idstr blk" in virtmig(*golden, "whole.bin", "blk", *told()).err
    assert "go with --payload" in virtmig(*golden, X86, "blk", "--version", 2).err
    assert not (here / "tests").exists()


def test_a_file_that_is_no_stream_is_named(virtmig: Command) -> None:
    header, payload = section_of("virtio-blk")
    Path("section.bin").write_bytes(payload)
    footer = b"\x7e" + header[1:5] + b"\0"
    Path("other.mig").write_bytes(b"QEVM" + struct.pack(">I", 3) + header + payload + footer)
    for section in (["virtio-blk"], []):
        said = virtmig("plugins", "golden", "section.bin", *section).complaint(3)
        assert "NotAStream: section.bin@0x0: it begins with" in said
        assert "taken with --payload" in said
    said = virtmig("plugins", "golden", "other.mig", "virtio-blk").complaint(3)
    assert "other.mig@0x8: no section `ram` in front, and no description behind" in said
    assert "taken with --payload" in said


def test_a_golden_of_another_device_is_told(virtmig: Command) -> None:
    folder = project(Path("toaster")) / "tests/goldens"
    done = virtmig("plugins", "golden", X86, "virtio-net", "--to", folder)
    assert done.code == 0
    assert "/virtio-net is no section of virtio-toaster, whose plugin" in done.err
    Path("pyproject.toml").write_text("[project]\nname = 'other'\n")
    assert virtmig("plugins", "golden", X86, "virtio-net", "--to", "goldens").err == ""


@needs_copier
def test_a_golden_is_one_section_of_a_stream(
    virtmig: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The section is found by the plugin's own device, or by its name."""
    monkeypatch.setattr("virtmig.cli.plugins.new.DISTRIBUTIONS", {})
    monkeypatch.chdir(made(virtmig, "virtio-rng"))
    done = virtmig("plugins", "golden", SAMPLES / "x86-q35.mig", "--qemu", "7.2")
    assert done.code == 0, done.err
    (golden,) = read_goldens("tests/goldens")
    assert golden.idstr == "0000:00:03.0/virtio-rng"
    assert golden.qemu == "7.2"
    assert golden.file in done.out
    assert f"{len(golden.payload()):,} bytes" in done.out


@needs_copier
def test_a_golden_that_is_not_there_is_told(
    virtmig: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(made(virtmig, "virtio-echo"))
    sample = SAMPLES / "x86-q35.mig"
    assert "no section of virtio-echo" in virtmig("plugins", "golden", sample).err
    assert "virtio-rng" in virtmig("plugins", "golden", sample, "0000:00:09.0/virtio-rng").err
    monkeypatch.chdir(made(virtmig, "virtio-wire", "--transport"))
    assert "no section of" in virtmig("plugins", "golden", sample).err
