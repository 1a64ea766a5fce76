"""`virtmig filter` as a process between two pipes."""

from __future__ import annotations

import fcntl
import gzip
import json
import os
import resource
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.core.cli.conftest import SAMPLES, Command, Edit
from virtmig.cli.filter import NO_STREAM, output_alone
from virtmig.stream.opening import open_stream

X86 = SAMPLES / "x86-q35.mig"
PATIENCE = 30
MAC = ("--set", "device.mac=52:54:00:aa:bb:cc")
NET = "0000:00:02.0/virtio-net"
UNSAFE = ("--set", f"{NET}:common.status-=DRIVER_OK")


def command(*arguments: object) -> list[str]:
    return [sys.executable, "-m", "virtmig", "filter", *map(str, arguments)]


def filtered(data: bytes, *arguments: object) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(
        command(*arguments), input=data, capture_output=True, check=False, timeout=PATIENCE
    )


def complaint(done: subprocess.CompletedProcess[bytes]) -> str:
    """What was said, without a traceback."""
    said = done.stderr.decode()
    assert "Traceback" not in said
    assert said.splitlines()[-1].startswith("virtmig: ")
    return said


def tail_at(path: Path) -> int:
    """Where the device state begins."""
    with open_stream(path) as stream:
        return stream.ram().end


@contextmanager
def running(
    *arguments: object, before: Callable[[], None] | None = None
) -> Iterator[subprocess.Popen[bytes]]:
    """A filter between two pipes. before: what its process does first."""
    with subprocess.Popen(
        command(*arguments),
        preexec_fn=before,  # noqa: PLW1509  no threads run yet
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as child:
        try:
            yield child
        finally:
            child.kill()


@pytest.mark.parametrize("path", sorted(SAMPLES.glob("*.mig")), ids=lambda path: path.stem)
def test_a_check_changes_no_byte(path: Path) -> None:
    done = filtered(path.read_bytes(), "--check")
    assert (done.returncode, done.stdout) == (0, path.read_bytes())
    with open_stream(path) as stream:
        assert done.stderr.decode() == f"machine {stream.machine}, 3 devices loaded\n"


def test_the_outcome_is_that_of_edit(virtmig: Command, tmp_path: Path) -> None:
    asked = (*MAC, "--rename", NET, "0000:00:04.0/virtio-net", "--drop-subsection")
    asked = (*asked, "0000:00:01.0/virtio-blk:virtio/started", "--unsafe")
    assert virtmig("edit", X86, "-o", tmp_path / "edited.mig", *asked).code == 0
    done = filtered(X86.read_bytes(), *asked)
    assert done.returncode == 0, done.stderr
    assert done.stdout == (tmp_path / "edited.mig").read_bytes()


def test_the_machine_type_in_front_of_ram_can_change(virtmig: Command, tmp_path: Path) -> None:
    assert virtmig("edit", X86, "-o", tmp_path / "e.mig", "--machine", "pc-q35-10.0").code == 0
    done = filtered(X86.read_bytes(), "--machine", "pc-q35-10.0")
    assert done.stdout == (tmp_path / "e.mig").read_bytes()
    [name, change, risk, last] = done.stderr.decode().splitlines()
    assert name == "configuration"
    assert "pc-q35-7.2 -> pc-q35-10.0" in change
    assert risk.startswith("    conditional: ")
    assert last == "machine pc-q35-10.0, 3 devices loaded"


def test_a_change_that_changes_nothing_is_told() -> None:
    done = filtered(X86.read_bytes(), "--set", "device.mac=52:54:00:12:34:56")
    assert (done.returncode, done.stdout) == (0, X86.read_bytes())
    assert done.stderr.decode().startswith("nothing changes\n")


def test_log_undo_and_report_say_what_changed(tmp_path: Path) -> None:
    log, undo = tmp_path / "log.json", tmp_path / "undo.json"
    data = X86.read_bytes()
    done = filtered(data, *MAC, "--log", log, "--undo", undo, "--json")
    report = json.loads(done.stderr)
    [entry] = json.loads(log.read_text())["bytes"]
    assert report["bytes"] == [entry]
    assert (entry["section"], entry["path"]) == (NET, "device.mac")
    at = entry["offset"]
    changed = bytes.fromhex(entry["new"])
    assert data[at : at + len(changed)].hex() == entry["old"]
    assert done.stdout == data[:at] + changed + data[at + len(changed) :]
    assert [row["path"] for row in report["changes"]] == ["device.mac"]
    assert filtered(done.stdout, "--patch", undo).stdout == data


def test_offsets_in_the_log_are_those_in_the_streams(tmp_path: Path) -> None:
    """Behind a section that became shorter, the old and the new offset differ."""
    log = tmp_path / "log.json"
    asked = ("--drop-subsection", "0000:00:01.0/virtio-blk:virtio/started", "--unsafe", *MAC)
    data = X86.read_bytes()
    done = filtered(data, *asked, "--log", log)
    for entry in json.loads(log.read_text())["bytes"]:
        old, new = bytes.fromhex(entry["old"]), bytes.fromhex(entry["new"])
        assert data[entry["offset"] :][: len(old)] == old
        assert done.stdout[entry["new_offset"] :][: len(new)] == new


@pytest.mark.parametrize(
    ("arguments", "says", "code"),
    [
        (("--set", "device.macc=1"), "nearest: device.mac", 2),
        (("--set", "virtio-nett:device.mac=1"), "nearest: virtio-net", 4),
        (("--set", "virtio-net:device.mac=x"), "'x'", 2),
        (("--log", "no/such/folder", *MAC), "no/such/folder: No such file or directory", 3),
        (("--patch", "nothing.json"), "nothing.json: No such file or directory", 3),
        (("--log", "/dev/full", *MAC), "/dev/full: not a regular file", 3),
        (("--undo", "/dev/null", *MAC), "/dev/null: not a regular file", 3),
        (("--sett", "device.mac=1"), "No such option", 2),
        ((), "ask for a change", 2),
    ],
)
def test_wrong_requests_are_refused_before_anything_is_read(
    arguments: tuple[str, ...], says: str, code: int
) -> None:
    """Nobody writes into the pipe, and nobody has to; who waits for a stream gets what is none."""
    with running(*arguments) as child:
        assert child.wait(PATIENCE) == code
        assert child.stderr is not None
        assert child.stdout is not None
        assert child.stdout.read() == NO_STREAM
        said = child.stderr.read().decode()
        assert says in said
        assert "Traceback" not in said


@pytest.mark.parametrize("wrong", [("--set", "device.macc=1"), ("--sett",), ("--check", *MAC)])
def test_nothing_is_written_to_a_file_if_nothing_is_passed_on(
    wrong: tuple[str, ...], tmp_path: Path
) -> None:
    path = tmp_path / "out.mig"
    with path.open("wb") as out:
        done = subprocess.run(
            command(*wrong),
            input=X86.read_bytes(),
            stdout=out,
            stderr=subprocess.DEVNULL,
            check=False,
        )
    assert done.returncode != 0
    assert path.read_bytes() == b""


def test_a_reader_learns_of_it_even_if_nobody_else_does() -> None:
    """Standard error is a full disk."""
    with Path("/dev/full").open("wb") as full:
        done = subprocess.run(
            command("--check"), input=b"", stdout=subprocess.PIPE, stderr=full, check=False
        )
    assert (done.returncode, done.stdout) == (3, NO_STREAM)


def test_help_is_no_failure() -> None:
    done = filtered(b"", "--help")
    assert done.returncode == 0
    assert NO_STREAM not in done.stdout


@pytest.mark.parametrize("arguments", [(), ("--check", *MAC)])
def test_it_has_to_be_said_what_is_to_be_done(virtmig: Command, arguments: tuple[str, ...]) -> None:
    assert "--check" in virtmig("filter", *arguments).usage()


def test_an_unsafe_change_needs_to_be_allowed() -> None:
    data = X86.read_bytes()
    done = filtered(data, *UNSAFE)
    assert done.returncode == 5
    assert done.stdout == data[: tail_at(X86)]
    said = complaint(done)
    assert "the device state was held back" in said
    assert "the guest driver wrote this status" in said
    assert filtered(data, *UNSAFE, "--unsafe").returncode == 0


def limited(size: int | None) -> Callable[[], None] | None:
    """What lets a process write no file that is longer: as a disk that becomes full does."""
    if size is None:
        return None
    return lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))


@pytest.mark.parametrize(
    ("arguments", "largest", "code"),
    [
        (UNSAFE, None, 5),
        ((*MAC, "--undo", "undo.json"), 100, 3),
        ((*MAC, "--log", "log.json"), 100, 3),
    ],
    ids=["unsafe", "undo", "log"],
)
def test_the_source_is_told_while_it_still_writes(
    arguments: tuple[str, ...],
    largest: int | None,
    code: int,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """What it wrote last does not fit into the pipe, so its write fails, and its guest goes on."""
    data = X86.read_bytes()
    failed: list[bool] = []
    monkeypatch.chdir(tmp_path)
    with running(*arguments, before=limited(largest)) as child:
        assert child.stdin is not None
        assert child.stdout is not None
        pipe = os.dup(child.stdin.fileno())
        child.stdin.close()
        fcntl.fcntl(pipe, fcntl.F_SETPIPE_SZ, 4096)  # as it is when a guest's RAM has passed

        def feed() -> None:
            try:
                for at in range(0, len(data), 32768):
                    os.write(pipe, data[at : at + 32768])
                failed.append(False)
            except BrokenPipeError:
                failed.append(True)
            os.close(pipe)

        thread = threading.Thread(target=feed, daemon=True)
        thread.start()
        assert child.stdout.read() == data[: tail_at(X86)]
        assert child.wait(PATIENCE) == code
        thread.join(PATIENCE)
    assert failed == [True]
    assert list(tmp_path.iterdir()) == []


def test_a_damaged_device_is_not_passed_on(edited: Edit) -> None:
    path = edited(X86, "virtio-blk", lambda payload: payload[:-1] + b"\x07")
    done = filtered(path.read_bytes(), "--check")
    assert done.returncode == 3
    assert done.stdout == path.read_bytes()[: tail_at(path)]
    assert "NotCanonical: 0000:00:01.0/virtio-blk:" in complaint(done)


def test_what_a_live_device_refuses_is_not_passed_on_unless_allowed(
    virtmig: Command, tmp_path: Path
) -> None:
    """A ring that is nowhere, in which the device is far on: QEMU refuses that too."""
    path = tmp_path / "lost.mig"
    lost = ("--set", "0000:00:01.0/virtio-blk:queues[0].desc=0", "--unsafe")
    assert virtmig("edit", X86, "-o", path, *lost).code == 0
    done = filtered(path.read_bytes(), "--check")
    assert done.returncode == 5
    assert done.stdout == path.read_bytes()[: tail_at(path)]
    assert "IndexMismatch: 0000:00:01.0/virtio-blk" in complaint(done)
    allowed = filtered(path.read_bytes(), *MAC, "--unsafe")
    assert allowed.returncode == 0
    assert b"warning: a live device refuses this: 0000:00:01.0/virtio-blk" in allowed.stderr


@pytest.mark.parametrize("size", [0, 50, 1000, 120_000, 200_000, 250_000])
def test_a_stream_that_is_cut_is_not_completed(size: int) -> None:
    data = X86.read_bytes()
    done = filtered(data[:size], "--check")
    assert done.returncode == 3
    passed = data[: min(len(done.stdout), tail_at(X86), size)]
    assert done.stdout == (passed if size >= 1000 else NO_STREAM)
    complaint(done)


def test_a_compressed_stream_is_named() -> None:
    done = filtered(gzip.compress(X86.read_bytes()), "--check")
    assert (done.returncode, done.stdout) == (3, NO_STREAM)
    assert "gzip" in complaint(done)


def test_a_reader_that_leaves_is_told_of() -> None:
    with running("--check") as child:
        assert child.stdin is not None
        assert child.stdout is not None
        assert child.stderr is not None
        child.stdout.close()
        with pytest.raises(BrokenPipeError):
            child.stdin.write(X86.read_bytes() * 10)
        assert child.wait(PATIENCE) == 3
        assert b"virtmig: the reader left" in child.stderr.read()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_filter_that_is_ended_completes_nothing(number: int) -> None:
    data = X86.read_bytes()
    at = tail_at(X86)
    with running("--check") as child:
        assert child.stdin is not None
        assert child.stdout is not None
        child.stdin.write(data[: at + 1000])
        child.stdin.flush()
        out = b""
        while len(out) < at:
            out += os.read(child.stdout.fileno(), 1 << 16)
        child.send_signal(number)
        assert child.wait(PATIENCE) != 0
        assert out + child.stdout.read() == data[:at]


def test_what_a_plugin_prints_is_no_part_of_the_stream(capfd: Any) -> None:
    with output_alone() as sink:
        os.write(1, b"a plugin's word\n")
        os.write(sink, b"stream")
    assert capfd.readouterr() == ("stream", "a plugin's word\n")


def test_a_slow_stream_in_small_pieces_passes() -> None:
    data = X86.read_bytes()
    with running(*MAC) as child:
        assert child.stdin is not None
        assert child.stdout is not None
        reading: list[bytes] = []
        thread = threading.Thread(target=lambda: reading.append(child.stdout.read()), daemon=True)
        thread.start()
        for at in range(0, len(data), 7919):
            child.stdin.write(data[at : at + 7919])
            child.stdin.flush()
            time.sleep(0.005)
        child.stdin.close()
        assert child.wait(PATIENCE) == 0
        thread.join(PATIENCE)
    assert len(reading[0]) == len(data)


@pytest.mark.parametrize("closed", ["<&-", ">&-", "2>&-"])
def test_an_end_that_is_closed_is_wrong_use(closed: str) -> None:
    line = f'exec "$@" < {X86} > /dev/null {closed}'
    done = subprocess.run(
        ["sh", "-c", line, "sh", *command("--check")], stderr=subprocess.PIPE, check=False
    )
    assert done.returncode == 2
    assert b"Traceback" not in done.stderr
    assert closed == "2>&-" or b"have to be open" in done.stderr


@pytest.mark.parametrize(("asked", "code"), [(("--check",), 3), (UNSAFE, 5)])
def test_a_report_that_cannot_be_written_keeps_the_stream_incomplete(
    asked: tuple[str, ...], code: int
) -> None:
    """A full disk, say, behind standard error: the exit code alone says why."""
    data = X86.read_bytes()
    with Path("/dev/full").open("wb") as full:
        done = subprocess.run(
            command(*asked), input=data, stdout=subprocess.PIPE, stderr=full, check=False
        )
    assert (done.returncode, done.stdout) == (code, data[: tail_at(X86)])
