"""Files that a command reads and writes are told apart before it writes any."""

from __future__ import annotations

import gzip
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.core.cli.conftest import SAMPLES, Command
from virtmig.cli.apart import INPUT, OUTPUT, keep_apart

X86 = SAMPLES / "x86-q35.mig"
MAC = ("--set", "device.mac=52:54:00:aa:bb:cc")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A stream `i`, under other names too: a symbolic and a hard link."""
    (tmp_path / "i").write_bytes(X86.read_bytes())
    (tmp_path / "link").symlink_to("i")
    (tmp_path / "hard").hardlink_to(tmp_path / "i")
    return tmp_path


def contents(folder: Path) -> dict[str, bytes]:
    return {one.name: one.read_bytes() for one in folder.iterdir()}


@pytest.mark.parametrize(
    ("words", "both"),
    [
        ("-o o --undo i", "the input and --undo"),
        ("-o o --undo link", "the input and --undo"),
        ("-o o --undo hard", "the input and --undo"),
        ("-o o --undo ./o", "the output and --undo"),
        ("-o o --log i", "the input and --log"),
        ("-o o --log o", "the output and --log"),
        ("-o o --log o.undo.json", "--undo and --log"),
        ("-o o --undo u --log u", "--undo and --log"),
        ("--dry-run --log i", "the input and --log"),
    ],
)
def test_edit_writes_no_two_things_to_one_file(
    virtmig: Command,
    folder: Path,
    monkeypatch: pytest.MonkeyPatch,
    words: str,
    both: str,
):
    monkeypatch.chdir(folder)
    before = contents(folder)
    said = virtmig("edit", "i", *words.split(), *MAC).usage()
    assert f"{both} are the same file" in " ".join(said.split())
    assert contents(folder) == before


@pytest.mark.parametrize("undo", ["i", "o", "hard"])
def test_repair_writes_no_two_things_to_one_file(
    virtmig: Command, folder: Path, monkeypatch: pytest.MonkeyPatch, undo: str
):
    monkeypatch.chdir(folder)
    before = contents(folder)
    assert "same file" in virtmig("repair", "i", "-o", "o", "--undo", undo).usage()
    assert contents(folder) == before


@pytest.mark.parametrize("words", ["--undo i", "--log hard", "--undo o", "--log u --undo u"])
def test_filter_knows_the_files_at_its_ends(folder: Path, words: str):
    command = [sys.executable, "-m", "virtmig", "filter", *MAC, *words.split()]
    with (folder / "i").open("rb") as source, (folder / "o").open("wb") as sink:
        done = subprocess.run(
            command, stdin=source, stdout=sink, stderr=subprocess.PIPE, check=False, cwd=folder
        )
    assert done.returncode == 2
    assert b"same file" in done.stderr
    assert (folder / "i").read_bytes() == X86.read_bytes()
    assert (folder / "o").read_bytes() == b""
    assert not (folder / "u").exists()


def test_a_compressed_file_is_said_to_be_packed_anew(virtmig: Command, tmp_path: Path):
    packed = tmp_path / "i.gz"
    packed.write_bytes(gzip.compress(X86.read_bytes()))
    done = virtmig("edit", packed, "-o", tmp_path / "o.gz", *MAC)
    assert "takes the stream back to the byte, with gzip around it anew" in done.out


def test_only_the_output_may_be_the_input_and_what_is_no_file_is_none(folder: Path):
    path = str(folder / "i")
    keep_apart({INPUT: path, OUTPUT: path, "--log": None, "--undo": ""}, in_place=True)
    keep_apart({INPUT: path, OUTPUT: str(folder / "o")})
    reader, writer = os.pipe()
    keep_apart({INPUT: reader, OUTPUT: writer})
    os.close(reader)
    os.close(writer)
