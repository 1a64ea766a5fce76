"""Bad input at the command line: one line, the right exit code, and never a traceback."""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.core.cli.conftest import SAMPLES, Command, Edit, Outcome
from tests.core.material import changed, drivers
from virtmig.stream.opening import open_stream

READERS = ["inspect", "sections", "load", "pack", "explain", "unpack"]
X86 = SAMPLES / "x86-q35.mig"
S390X = SAMPLES / "s390x.mig"


@pytest.fixture
def call(virtmig: Command, tmp_path: Path) -> Callable[..., Outcome]:
    """Calls a command on a file, with whatever else it needs."""
    more: dict[str, list[Any]] = {
        "pack": ["-o", tmp_path / "out.cbor"],
        "unpack": ["-o", tmp_path / "out"],
        "explain": ["virtio-net", "--at", "0"],
    }
    return lambda command, file, *args: virtmig(command, file, *more.get(command, []), *args)


readers = pytest.mark.parametrize("command", READERS)


@readers
def test_a_file_that_is_not_there(call: Any, command: str, tmp_path: Path) -> None:
    line = call(command, tmp_path / "nothing.mig").complaint(3)
    assert "nothing.mig" in line
    assert "No such file" in line


@readers
def test_a_folder_is_no_file(call: Any, command: str, tmp_path: Path) -> None:
    assert "directory" in call(command, tmp_path).usage()


GARBAGE = {
    "empty": b"",
    "zeros": bytes(10_000),
    "text": b"hello, world\n" * 100,
    "magic only": b"QEVM",
    "a wrong version": b"QEVM\0\0\0\7" + bytes(1000),
    "an old version": b"QEVM\0\0\0\2" + bytes(1000),
    "magic and zeros": b"QEVM\0\0\0\3" + bytes(10_000),
    "magic and ones": b"QEVM\0\0\0\3" + b"\xff" * 10_000,
    "a huge machine name": b"QEVM\0\0\0\3\7\xff\xff\xff\xff" + bytes(100),
    "gzip": b"\x1f\x8b\x08" + bytes(100),
    "qcow2": b"QFI\xfb\0\0\0\3" + bytes(1000),
    "libvirt": b"LibvirtQemudSave" + bytes(1000),
    "control characters": b"\x1b[2J\r\n" * 100,
}


@readers
@pytest.mark.parametrize("name", GARBAGE)
def test_garbage_is_one_line(call: Any, command: str, name: str, tmp_path: Path) -> None:
    path = tmp_path / "garbage.mig"
    path.write_bytes(GARBAGE[name])
    assert "garbage.mig" in call(command, path).complaint(3)
    assert {one.name for one in tmp_path.iterdir()} <= {"garbage.mig", "site"}


def sane(done: Outcome) -> None:
    """What holds of any call, whatever it was given."""
    assert done.code in (0, 3, 4, 5), done
    assert "Traceback" not in done.err
    for line in done.err.splitlines():
        assert line.startswith("virtmig: ")
        assert line.isprintable()
    assert all(line.isprintable() for line in done.out.splitlines())


@pytest.mark.parametrize("path", [S390X, X86], ids=["s390x", "x86"])
def test_a_stream_cut_anywhere_is_one_line_or_all_devices(
    virtmig: Command, path: Path, tmp_path: Path
) -> None:
    """Cut in the description at its end, nothing that matters is missing."""
    data, cut = path.read_bytes(), tmp_path / "cut.mig"
    with open_stream(path) as stream:
        ends = [section.after for section in stream.sections]
        whole = ends[-1]
    for length in {
        *range(1, len(data), len(data) // 60),
        *ends[::3],
        whole,
        whole + 1,
        len(data) - 1,
    }:
        cut.write_bytes(data[:length])
        done = virtmig("inspect", cut)
        if length <= whole - 5:
            assert "cut.mig" in done.complaint_in(3), length
        else:
            sane(done)
            assert done.code or done.out.count("virtio-") >= 3


@pytest.mark.parametrize("command", ["inspect", "load", "sections", "pack"])
def test_a_stream_with_flipped_bits_is_never_a_traceback(
    call: Any, command: str, tmp_path: Path
) -> None:
    dice = random.Random(command)  # noqa: S311  always the same
    data, bad = S390X.read_bytes(), tmp_path / "bad.mig"
    for _ in range(60):
        damaged = bytearray(data)
        for _ in range(dice.choice((1, 1, 3, 20))):
            damaged[dice.randrange(len(data))] ^= 1 << dice.randrange(8)
        bad.write_bytes(damaged)
        sane(call(command, bad))


def append(tail: bytes) -> Callable[[bytes], bytes]:
    return lambda payload: payload + tail


UNKNOWN = bytes([5, 13]) + b"virtio/future" + b"\0\0\0\1" + bytes(4)


def test_a_bad_device_is_shown_beside_its_healthy_neighbours(
    virtmig: Command, edited: Edit
) -> None:
    path = edited(X86, "virtio-net", append(UNKNOWN))
    done = virtmig("inspect", path)
    assert (done.code, done.err) == (3, "")
    assert "0000:00:01.0/virtio-blk  virtio-blk on virtio-pci" in done.out
    assert "0000:00:02.0/virtio-net  version 11, not decoded" in done.out
    assert "UnknownSubsection: 0000:00:02.0/virtio-net:subsections.virtio/future@0x" in done.out
    data = json.loads(virtmig("inspect", path, "--json").out)
    error = data["devices"][1]["error"]
    assert error["type"] == "UnknownSubsection"
    assert error["path"] == "subsections.virtio/future"
    assert error["offset"] is not None


def test_a_stream_with_a_bad_device_is_not_saved(
    virtmig: Command, edited: Edit, tmp_path: Path
) -> None:
    path, out = edited(X86, "virtio-net", append(UNKNOWN)), tmp_path / "out.mig"
    done = virtmig("load", path, "--save", out)
    assert done.complaint(3) == f"virtmig: {out} was not written"
    assert "virtio-blk  saved, identical" in done.out
    assert not out.exists()


def test_a_bad_device_is_packed_as_bytes_and_comes_back(
    virtmig: Command, edited: Edit, tmp_path: Path
) -> None:
    path, box, out = edited(X86, "virtio-net", append(UNKNOWN)), tmp_path / "b", tmp_path / "o"
    assert virtmig("pack", path, "-o", box).code == 3
    assert virtmig("unpack", box, "--into", path, "-o", out).code == 0
    assert out.read_bytes() == path.read_bytes()


def bad_vector(payload: bytes) -> bytes:
    """The vector of the first queue is one that the MSI-X table does not have."""
    envelope = drivers("0000:00:01.0/virtio-blk", "").envelope
    state = changed(envelope.parse(payload, 2), "queues.0.transport.vector", 119)
    return envelope.unparse(state, 2)


def test_a_state_that_the_live_device_refuses_has_its_own_exit_code(
    virtmig: Command, edited: Edit, tmp_path: Path
) -> None:
    path, out = edited(X86, "virtio-blk", bad_vector), tmp_path / "out.mig"
    assert virtmig("inspect", path).code == 0
    done = virtmig("load", path, "--save", out)
    assert done.code == 5
    assert "0000:00:01.0/virtio-blk  refused" in done.out
    assert "DeviceMismatch: 0000:00:01.0/virtio-blk:queues[0].vector: vector 119" in done.out
    assert "0000:00:02.0/virtio-net  saved, identical" in done.out
    assert not out.exists()
    data = json.loads(virtmig("load", path, "--json").out)
    assert data["devices"][0]["error"]["type"] == "DeviceMismatch"
    assert data["saved"] is None


def test_a_fact_or_device_that_is_not_asked_for_is_most_likely_misspelt(call: Any) -> None:
    for command in ("inspect", "load", "pack", "explain"):
        line = call(command, X86, "--fact", "multi_queue=true").complaint_in(4)
        assert "multi_queue" in line
        assert "multiqueue" in line


def test_a_fact_has_a_value_that_it_can_have(call: Any) -> None:
    done = call("explain", X86, "--fact", "pci_config_size=17")
    assert "256, 4096" in done.complaint(4)


@pytest.mark.parametrize(
    "arguments",
    [
        ["nonsense"],
        ["inspect"],
        ["inspect", "--nonsense", X86],
        ["inspect", X86, X86],
        ["inspect", X86, "--fact", "novalue"],
        ["inspect", X86, "--transport", "novalue"],
        ["explain", X86],
        ["explain", X86, "virtio-net"],
        ["explain", X86, "virtio-net", "--at", "x"],
        ["explain", X86, "virtio-net", "--at", ""],
        ["explain", X86, "virtio-net", "--at", "-1"],
        ["explain", X86, "virtio-net", "--at", "0xffffff"],
        ["explain", X86, "nothing", "--at", "0"],
        ["explain", X86, "", "--at", "0"],
        ["pack", X86],
        ["unpack", X86],
        ["load", X86, "--save"],
    ],
    ids=lambda one: " ".join(Path(str(word)).name for word in one),
)
def test_wrong_usage_says_what_is_right(virtmig: Command, arguments: list[Any]) -> None:
    virtmig(*arguments).usage()


def test_a_section_that_is_not_there_lists_those_that_are(virtmig: Command) -> None:
    text = virtmig("explain", X86, "virtio-toaster", "--at", "0").usage()
    for name in ("virtio-blk", "virtio-net", "virtio-rng"):
        assert name in text
