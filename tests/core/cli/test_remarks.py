"""What there is to know of how whole a file is: every command tells it, and each once."""

from __future__ import annotations

import gzip
from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.core.cli.conftest import SAMPLES, Command
from tests.core.containers.making import libvirt_image

RAW = (SAMPLES / "x86-q35.mig").read_bytes()
PACKED = gzip.compress(RAW)
CUT = "the description behind the device state is cut or damaged"
FILES = {
    "gzip cut in its checksum": (PACKED[:-4], "the gzip data ends early"),
    "gzip cut in the description": (PACKED[:-2352], f"{CUT}; the gzip data ends early"),
    "plain cut in the description": (RAW[:220000], CUT),
    "bytes behind gzip": (PACKED + b"abc", "3 bytes that are no gzip follow its data"),
    "zeros behind": (RAW + bytes(512), "512 bytes follow the stream, all zero"),
    "bytes behind gzip in libvirt": (
        libvirt_image(PACKED + b"abc", "gzip"),
        "3 bytes that are no gzip follow its data",
    ),
    "unfinished": (
        libvirt_image(RAW, magic=b"LibvirtQemudPart"),
        "libvirt did not finish this image: the save failed, or still goes on",
    ),
}
MAC = ("--set", "virtio-net:device.mac=52:54:00:00:00:09")
CALLS: dict[str, Sequence[str]] = {
    "inspect": ("FILE",),
    "sections": ("FILE",),
    "explain": ("FILE", "virtio-net", "--at", "0x10"),
    "pack": ("FILE", "-o", "OUT"),
    "load": ("FILE",),
    "load --save": ("FILE", "--save", "OUT"),
    "edit": ("FILE", "-o", "OUT", *MAC),
    "edit --dry-run": ("FILE", "--dry-run", *MAC),
    "repair": ("FILE", "-o", "OUT"),
    "repair --list": ("FILE", "--list"),
    "convert": ("FILE", "-o", "OUT"),
    "diff": ("FILE", "WHOLE"),
}
IN_THE_ANSWER = ("inspect", "sections", "diff")


@pytest.mark.parametrize("call", CALLS)
@pytest.mark.parametrize("name", FILES)
def test_every_command_tells_it_once(
    virtmig: Command, tmp_path: Path, call: str, name: str
) -> None:
    data, remark = FILES[name]
    (tmp_path / "file").write_bytes(data)
    names = {
        "FILE": str(tmp_path / "file"),
        "OUT": str(tmp_path / "out"),
        "WHOLE": str(SAMPLES / "x86-q35.mig"),
    }
    done = virtmig(call.split(maxsplit=1)[0], *(names.get(word, word) for word in CALLS[call]))
    assert done.code == 0, done
    assert (done.out + done.err).count(remark) == 1
    if call not in IN_THE_ANSWER:
        assert f"virtmig: warning: {remark}\n" in done.err


def test_what_is_behind_compressed_data_is_not_lost_by_an_edit(
    virtmig: Command, tmp_path: Path
) -> None:
    (tmp_path / "file").write_bytes(PACKED + b"abc")
    assert virtmig("edit", tmp_path / "file", "-o", tmp_path / "out", *MAC).code == 0
    new = (tmp_path / "out").read_bytes()
    assert new.endswith(b"abc")
    assert len(gzip.decompress(new[:-3])) == len(RAW)


def test_of_a_whole_file_there_is_nothing_to_tell(virtmig: Command, tmp_path: Path) -> None:
    out = tmp_path / "out"
    assert virtmig("edit", SAMPLES / "x86-q35.mig", "-o", out, *MAC).err == ""
