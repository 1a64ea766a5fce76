"""`virtmig repair` as a user calls it."""

from __future__ import annotations

import json
from pathlib import Path

import click
import pytest
from click.testing import CliRunner, Result

from tests.core.repairing.patients import golden, stream_of
from virtmig.cli.main import virtmig
from virtmig.errors import Unloadable, VirtmigError
from virtmig.stream.opening import open_stream

BLK = golden("virtio-blk", "s390x-7.2-ccw-inflight-write-packed-blk-5bc8")
POISON = golden("virtio-balloon", "s390x-5.2-ccw-balloon-poison")
LIVE = golden("virtio-blk", "x86-10.0-q35-net2-blk-41bc")
SOUND = golden("virtio-net", "x86-7.2-q35-rootport-net-3b05")


def run(*words: object) -> Result:
    return CliRunner().invoke(virtmig, ["repair", *map(str, words)], standalone_mode=False)


def code(done: Result) -> int:
    """What the process would end with."""
    error = done.exception
    if isinstance(error, VirtmigError | click.ClickException):
        return error.exit_code
    assert error is None, error
    return int(done.return_value)


@pytest.fixture
def broken(tmp_path: Path) -> Path:
    """A stream with a defect that no QEMU loads."""
    path = tmp_path / "broken.mig"
    path.write_bytes(stream_of(POISON, BLK))
    return path


def test_what_is_mended_is_told_and_written(broken: Path, tmp_path: Path) -> None:
    out = tmp_path / "out.mig"
    done = run(broken, "-o", out)
    assert code(done) == 0, done.output
    for text in ("target any QEMU: 2 to mend", "balloon-poison-name", "packed-element", "safe"):
        assert text in done.output
    again = run(out, "--list")
    assert code(again) == 0
    assert "nothing to mend" in again.output


def test_the_description_follows(broken: Path, tmp_path: Path) -> None:
    """A section that got a byte longer is described so, and the stream opens without a remark."""
    run(broken, "-o", tmp_path / "out.mig")
    with open_stream(tmp_path / "out.mig") as stream:
        assert stream.description is not None
        assert [one.size for one in stream.description.devices] == [
            one.size for one in stream.sections
        ]
        assert stream.sections[0].size == len(POISON.payload()) + 1


def test_a_patch_takes_it_back(broken: Path, tmp_path: Path) -> None:
    out, undo, back = (tmp_path / name for name in ("out.mig", "undo.json", "back.mig"))
    run(broken, "-o", out, "--undo", undo)
    words = ["edit", str(out), "-o", str(back), "--patch", str(undo)]
    done = CliRunner().invoke(virtmig, words)
    assert done.exit_code == 0, done.output
    assert back.read_bytes() == broken.read_bytes()


def test_a_list_writes_nothing_and_tells_by_its_exit_code(broken: Path) -> None:
    done = run(broken, "--list")
    assert code(done) == 1
    assert [one.name for one in broken.parent.iterdir()] == [broken.name]


def test_a_sound_stream_comes_out_as_it_is(tmp_path: Path) -> None:
    path, out = tmp_path / "sound.mig", tmp_path / "out.mig"
    path.write_bytes(stream_of(SOUND))
    assert code(run(path, "-o", out, "--target", "7.2")) == 0
    assert out.read_bytes() == path.read_bytes()


def test_what_cannot_be_mended_stops_it(tmp_path: Path) -> None:
    """The reason names the place and what to do; nothing is written."""
    path, out = tmp_path / "live.mig", tmp_path / "out.mig"
    path.write_bytes(stream_of(LIVE))
    done = run(path, "-o", out, "--target", "11.1")
    assert isinstance(done.exception, Unloadable)
    assert code(done) == 5
    for text in ("virtio-blk:queues[0].num", "queue-size=1024", "nothing was written", "2 such"):
        assert text in str(done.exception)
    assert not out.exists()


def test_without_a_target_it_says_whom_the_rest_concerns(tmp_path: Path) -> None:
    path = tmp_path / "live.mig"
    path.write_bytes(stream_of(LIVE))
    done = run(path, "--list")
    assert code(done) == 0
    assert "concerns  11.1 and newer: name a --target" in done.output


def test_json_has_every_finding(broken: Path, tmp_path: Path) -> None:
    out = tmp_path / "out.mig"
    told = json.loads(run(broken, "-o", out, "--json").output)
    assert told["written"] == str(out)
    found = [
        (one["defect"], one["concerns"], one["mended"], one["risk"]) for one in told["findings"]
    ]
    assert found == [
        ("balloon-poison-name", True, True, "safe"),
        ("balloon-poison-unreadable", False, False, None),
        ("packed-element", True, True, "safe"),
    ]


@pytest.mark.parametrize(
    ("words", "problem"),
    [
        ((), "either -o OUT or --list"),
        (("--list", "-o", "x"), "either -o OUT or --list"),
        (("--list", "--target", "new"), "is no version of QEMU"),
    ],
)
def test_wrong_use_is_refused(broken: Path, words: tuple[str, ...], problem: str) -> None:
    done = run(broken, *words)
    assert code(done) == 2
    assert problem in str(done.exception)
