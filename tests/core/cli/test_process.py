"""The command as a process: what only a real one shows."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from tests.core.cli.conftest import SAMPLES

X86 = SAMPLES / "x86-q35.mig"
PATIENCE = 20
"""Seconds after which a process that hangs is ended; none of these takes one."""


def process(*arguments: object, **environment: str) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(
        [sys.executable, "-m", "virtmig", *map(os.fsencode, map(_text, arguments))],
        env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1", **environment},
        capture_output=True,
        check=False,
        timeout=PATIENCE,
    )


def _text(argument: object) -> str:
    return argument if isinstance(argument, str) else os.fspath(argument)  # type: ignore[call-overload]


def test_a_process_ends_with_the_code_of_its_command(tmp_path: Path) -> None:
    assert process("inspect", X86).returncode == 0
    assert process("inspect").returncode == 2
    missing = process("inspect", tmp_path / "nothing")
    assert missing.returncode == 3
    assert missing.stderr.count(b"\n") == 1
    assert process("inspect", X86, "--fact", "nothing=1").returncode == 4


def test_json_goes_to_the_output_and_errors_beside_it(tmp_path: Path) -> None:
    done = process("inspect", X86, "--json")
    assert json.loads(done.stdout)["schema"] == 1
    assert done.stderr == b""
    failed = process("inspect", tmp_path, "--json")
    assert failed.stdout == b""


PROBE = """
import sys
from virtmig.cli.main import run
try:
    run({arguments!r})
except SystemExit:
    pass
print(*sorted(sys.modules), file=sys.stderr)
"""


def modules(*arguments: str) -> set[str]:
    """The modules that a process has imported when its command is done."""
    done = subprocess.run(
        [sys.executable, "-c", PROBE.format(arguments=list(arguments))],
        capture_output=True,
        check=True,
        timeout=PATIENCE,
    )
    return set(done.stderr.decode().split())


@pytest.mark.parametrize("arguments", [["--help"], ["--version"], ["nonsense"]])
def test_help_imports_neither_cbor2_nor_the_drivers(arguments: list[str]) -> None:
    """It has to be there at once."""
    found = modules(*arguments)
    heavy = {"cbor2", "pluggy", "json", "hashlib", "mmap", "virtmig.wire.codec"}
    assert not (heavy | {"hypothesis", "pytest"}) & found
    assert not [name for name in found if name.startswith("virtmig_")]
    assert "virtmig.cli.main" in found


def test_inspect_imports_no_cbor2_and_only_the_drivers_it_needs() -> None:
    found = modules("inspect", str(X86))
    assert {"virtmig_pci.live", "virtmig_net.live", "virtmig_blk.live"} <= found
    assert not {"cbor2", "hypothesis", "pytest"} & found


def test_a_reader_that_leaves_is_no_error() -> None:
    """`virtmig inspect FILE | head -1`."""
    reader, writer = os.pipe()
    os.close(reader)
    done = subprocess.run(
        [sys.executable, "-m", "virtmig", "inspect", str(X86), "--json"],
        stdout=writer,
        stderr=subprocess.PIPE,
        check=False,
        timeout=PATIENCE,
    )
    os.close(writer)
    assert done.stderr == b""
    assert done.returncode == 1


def test_a_reader_that_leaves_half_way_is_no_error(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "virtmig", "load", "--trace", str(X86), "--json"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as child:
        assert child.stdout is not None
        assert child.stderr is not None
        child.stdout.read(10)
        child.stdout.close()
        assert child.stderr.read() == b""
        assert child.wait(PATIENCE) in (0, 1)


def test_a_pipe_is_no_cbor_file_and_nobody_waits_for_it(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    done = process("unpack", pipe, "-o", tmp_path / "out")
    assert done.returncode == 3
    assert done.stderr.count(b"\n") == 1
    assert b"pipe" in done.stderr


@pytest.mark.parametrize("command", ["inspect", "sections", "load"])
def test_a_pipe_is_read_to_its_end(command: str, tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    writer = threading.Thread(target=pipe.write_bytes, args=(X86.read_bytes(),))
    writer.start()
    done = process(command, pipe)
    writer.join()
    assert (done.returncode, done.stdout) == (0, process(command, X86).stdout)


def test_a_device_without_an_end_is_no_file(tmp_path: Path) -> None:
    """Reading it would fill memory."""
    for arguments in (["inspect", "/dev/zero"], ["unpack", "/dev/zero", "-o", str(tmp_path / "o")]):
        done = subprocess.run(
            [
                "bash",
                "-c",
                'ulimit -v 2000000; exec "$@"',
                "-",
                sys.executable,
                "-m",
                "virtmig",
                *arguments,
            ],
            capture_output=True,
            check=False,
            timeout=PATIENCE,
        )
        assert done.returncode == 3, done
        assert done.stderr.count(b"\n") == 1
        assert b"/dev/zero" in done.stderr


@pytest.fixture
def strange(tmp_path: Path) -> str:
    """A stream whose name is no text."""
    path = os.fsdecode(os.fsencode(tmp_path) + b"/\xff\xfe.mig")
    Path(path).write_bytes(X86.read_bytes())
    return path


def test_a_name_that_is_no_text_is_no_problem(strange: str, tmp_path: Path) -> None:
    for arguments in (
        ["inspect", strange],
        ["inspect", strange, "--json"],
        ["sections", strange, "--json"],
        ["load", strange, "--save", strange],
        ["load", strange, "--save", strange, "--json"],
        ["pack", strange, "-o", str(tmp_path / "box.cbor")],
        ["unpack", str(tmp_path / "box.cbor"), "-o", str(tmp_path / "out"), "--json"],
    ):
        done = process(*arguments)
        assert (done.returncode, done.stderr) == (0, b""), arguments
    gone = process("inspect", strange + "2")
    assert gone.returncode == 3
    assert gone.stderr.count(b"\n") == 1


@pytest.mark.parametrize("encoding", ["ascii", "latin-1", "utf-8"])
def test_a_terminal_that_knows_few_letters_is_no_problem(encoding: str) -> None:
    """Limits are written with a sign that not every terminal has."""
    arguments = ["explain", str(X86), "virtio-blk", "--at", "0x13a"]
    for more in ([], ["--json"]):
        done = process(*arguments, *more, PYTHONIOENCODING=encoding)
        assert (done.returncode, done.stderr) == (0, b"")
        assert b"common.queue_sel" in done.stdout


def test_the_script_and_the_module_are_the_same() -> None:
    script = Path(sys.executable).parent / "virtmig"
    by_script = subprocess.run([script, "inspect", X86], capture_output=True, check=True)
    assert by_script.stdout == process("inspect", X86).stdout
