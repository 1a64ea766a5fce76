"""`virtmig edit`: what is asked for is written, judged, logged and can be taken back."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from click.shell_completion import ShellComplete

from tests.core.cli.conftest import SAMPLES, Command
from virtmig.cli.main import virtmig as group

MAC = "device.mac=52:54:00:aa:bb:cc"
UNSAFE = "virtio-net:queues[0].last_avail_idx+=1"


def test_a_value_is_changed_and_taken_back(virtmig: Command, sample: Path, tmp_path: Path):
    made, back = tmp_path / "made.mig", tmp_path / "back.mig"
    done = virtmig("edit", sample, "-o", made, "--set", MAC)
    assert done.code == 0
    assert "device.mac  52:54:00:12:34:56 -> 52:54:00:aa:bb:cc" in done.out
    assert "conditional: the guest keeps the address" in done.out
    assert f"wrote {made}; {made}.undo.json takes it back" in done.out
    seen = json.loads(virtmig("inspect", "--json", made).out)["devices"]
    assert "52:54:00:aa:bb:cc" in [
        one["state"]["device"].get("mac") for one in seen if "state" in one
    ]
    assert virtmig("edit", made, "-o", back, "--patch", f"{made}.undo.json").code == 0
    assert back.read_bytes() == sample.read_bytes()


def test_an_unsafe_change_writes_nothing_and_lists_all_reasons(
    virtmig: Command, sample: Path, tmp_path: Path
):
    words = ("edit", sample, "-o", tmp_path / "made.mig", "--log", tmp_path / "log")
    words = (*words, "--set", UNSAFE, "--set", "device.mergeable_rx_bufs=0", "--set", MAC)
    refused = virtmig(*words)
    line = refused.complaint_in(5)
    for word in ("queues[0].last_avail_idx", "twice or never", "mergeable_rx_bufs", "--unsafe"):
        assert word in line
    assert "device.mac:" not in line
    assert "nothing was written" in refused.out
    assert list(tmp_path.iterdir()) == []
    assert virtmig(*words, "--unsafe").code == 0
    assert sorted(one.name for one in tmp_path.iterdir()) == [
        *("log", "made.mig", "made.mig.undo.json")
    ]


@pytest.mark.parametrize("option", ["--log", "--undo"])
def test_a_pipe_is_no_place_for_what_is_left_beside_it(
    virtmig: Command, x86: Path, tmp_path: Path, option: str
):
    """It is neither read, which would wait for ever, nor removed."""
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    ended = virtmig("edit", x86, "-o", tmp_path / "made.mig", "--set", MAC, option, pipe)
    assert (ended.code, "not a regular file" in ended.err) == (3, True)
    assert pipe.is_fifo()
    assert not (tmp_path / "made.mig").exists()


@pytest.mark.parametrize("option", ["--log", "--undo"])
def test_what_cannot_be_written_beside_it_leaves_the_stream(
    virtmig: Command, x86: Path, tmp_path: Path, option: str
):
    """Nothing says that nothing was written where something was."""
    path, before = tmp_path / "own.mig", x86.read_bytes()
    path.write_bytes(before)
    file = tmp_path / "no" / "folder.json"
    ended = virtmig("edit", path, "-o", path, "--set", MAC, option, file)
    assert ended.code == 3
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("request_", [MAC, UNSAFE])
def test_a_dry_run_shows_and_writes_nothing(
    virtmig: Command, x86: Path, tmp_path: Path, request_: str
):
    done = virtmig("edit", x86, "-o", tmp_path / "made.mig", "--dry-run", "--set", request_)
    assert done.code == (5 if request_ == UNSAFE else 0)
    assert " -> " in done.out
    assert "nothing was written" in done.out
    assert list(tmp_path.iterdir()) == []
    assert virtmig("edit", x86, "--dry-run", "--set", MAC).code == 0


def test_json_has_the_changes_and_the_bytes(virtmig: Command, x86: Path, tmp_path: Path):
    made = tmp_path / "made.mig"
    told = json.loads(virtmig("edit", x86, "-o", made, "--set", MAC, "--json").out)
    assert told["written"] == str(made)
    assert told["risk"] == "conditional"
    (change,) = told["changes"]
    assert (change["path"], change["asked_for"]) == ("device.mac", True)
    (entry,) = told["bytes"]
    assert (entry["old"], entry["new"], entry["path"]) == ("123456", "aabbcc", "device.mac")
    assert made.read_bytes()[entry["offset"] :][:3].hex() == "aabbcc"
    refused = virtmig("edit", x86, "-o", made, "--set", UNSAFE, "--json")
    assert refused.code == 5
    told = json.loads(refused.out)
    assert (told["written"], told["undo"], told["risk"]) == (None, None, "unsafe")


def test_a_file_is_edited_in_place_only_when_it_is_named(
    virtmig: Command, x86: Path, tmp_path: Path
):
    mine = tmp_path / "mine.mig"
    mine.write_bytes(x86.read_bytes())
    assert "-o" in virtmig("edit", mine, "--set", MAC).usage()
    assert mine.read_bytes() == x86.read_bytes()
    assert virtmig("edit", mine, "-o", mine, "--set", MAC).code == 0
    assert mine.read_bytes() != x86.read_bytes()
    again = ("edit", mine, "-o", mine, "--set", "device.promisc=1")
    assert "takes an earlier edit" in virtmig(*again).usage()
    assert virtmig(*again, "--undo", tmp_path / "second.json").code == 0
    for undo in ("second.json", "mine.mig.undo.json"):
        undone = ("edit", mine, "-o", mine, "--patch", tmp_path / undo)
        assert virtmig(*undone, "--undo", tmp_path / "redo.json").code == 0
    assert mine.read_bytes() == x86.read_bytes()


@pytest.mark.parametrize(
    ("words", "code", "told"),
    [
        (("--set", "device.macc=1"), 2, "nearest: device.mac"),
        (("--set", "device.mac=1"), 2, "1 bytes given, 6 expected|hexadecimal"),
        (("--set", "common.isr+=CONFIG"), 2, "several devices"),
        (("--set", "nonsense"), 2, "PATH=VALUE"),
        (("--device", "virtio-nte", "--set", "device.mac=1"), 2, "nearest"),
        (("--drop-subsection", "virtio/x"), 2, "no such subsection"),
        (("--drop-subsection", "bogus"), 2, "in none of"),
        (("--rename", "nobody", "x"), 2, "no section is named"),
        (("--rename", "virtio-blk", "x" * 256), 2, "1 to 255 bytes"),
        (("--rename", "virtio-blk", "hpet"), 2, "another section"),
        (("--machine", ""), 2, "1 to 255 bytes"),
        (("--patch", "nowhere.json"), 3, "nowhere.json"),
        (("--patch", "/dev/null"), 3, "damaged"),
        (("--set", MAC, "--fact", "nonsense=1"), 4, "no device here has a fact"),
    ],
)
def test_what_cannot_be_done_is_refused_in_one_line(
    virtmig: Command, tmp_path: Path, words: tuple[str, ...], code: int, told: str
):
    made = tmp_path / "made.mig"
    line = virtmig("edit", SAMPLES / "x86-q35.mig", "-o", made, *words).complaint_in(code)
    assert any(one in line for one in told.split("|")), line
    assert list(tmp_path.iterdir()) == []


def test_something_has_to_be_asked_for(virtmig: Command, x86: Path, tmp_path: Path):
    assert "nothing is asked for" in virtmig("edit", x86, "-o", tmp_path / "x").usage()


def test_a_request_that_changes_nothing_makes_the_same_file(
    virtmig: Command, x86: Path, tmp_path: Path
):
    made = tmp_path / "made.mig"
    done = virtmig("edit", x86, "-o", made, "--set", "device.promisc=0")
    assert "nothing changes" in done.out
    assert done.out.splitlines()[-1] == f"wrote {made}"
    assert made.read_bytes() == x86.read_bytes()
    assert list(tmp_path.iterdir()) == [made]


def complete(words: list[str], incomplete: str) -> list[str]:
    shell = ShellComplete(group, {}, "virtmig", "_VIRTMIG_COMPLETE")
    return [str(one.value) for one in shell.get_completions(words, incomplete)]


@pytest.mark.parametrize(
    ("option", "incomplete", "found"),
    [
        ("--set", "device.prom", "device.promisc="),
        ("--set", "virtio-net:common.status+=NEEDS", "virtio-net:common.status+=NEEDS_RESET"),
        ("--drop-subsection", "virtio-net:virtio/st", "virtio-net:virtio/started"),
        ("--device", "0000:00:01.0", "0000:00:01.0/virtio-blk"),
        ("--rename", "hp", "hpet"),
    ],
)
def test_a_shell_completes_from_the_file(x86: Path, option: str, incomplete: str, found: str):
    assert found in complete(["edit", str(x86), option], incomplete)


def test_a_shell_that_cannot_know_completes_nothing(tmp_path: Path):
    assert complete(["edit", str(tmp_path / "none"), "--set"], "dev") == []
    assert complete(["edit", os.devnull, "--set"], "dev") == []
    assert complete(["edit", "--set"], "dev") == []
