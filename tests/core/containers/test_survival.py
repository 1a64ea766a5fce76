"""Killed at any moment, or with a full disk: the old file stays, and nothing half is left."""

from __future__ import annotations

import errno
import fcntl
import gzip
import os
import random
import resource
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.core.containers.making import PLAIN, XML, opened
from tests.core.stream.building import Recipe, noise, page_item
from virtmig.containers.converting import Domain, forms, write_as
from virtmig.stream import writing
from virtmig.stream.editing import Edits
from virtmig.stream.opening import Stream, open_stream

MIB = 1 << 20
PAGES = 2048
LARGE = Recipe(
    blocks={"pc.ram": PAGES * 4096},
    items=tuple(page_item("pc.ram", n, noise(n), named=not n) for n in range(PAGES)),
)
DOMAIN = Domain(xml=XML.rstrip(b"\0"))
FORMS = {form.name: form for form in forms() if form.name != "cbor"}
WRITE = """
import sys
from virtmig.containers.converting import Domain, form_of, write_as
from virtmig.stream.opening import open_stream
source, target, form = sys.argv[1:]
with open_stream(source) as stream:
    form = form_of(form, "")
    print("ready", flush=True)
    while True:
        write_as(target, stream, form, Domain(xml=b"<domain/>"))
"""


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A stream of eight MiB."""
    path = tmp_path_factory.mktemp("source") / "a.mig"
    path.write_bytes(LARGE.build())
    return path


@pytest.mark.parametrize("form", ["qemu", "mapped-ram", "zstd", "libvirt-gzip"])
@pytest.mark.parametrize("old", [None, b"the old file"], ids=["new", "replaced"])
def test_killed_at_any_moment_it_leaves_the_old_file_or_the_whole_new_one(
    tmp_path: Path, source: Path, form: str, old: bytes | None
) -> None:
    target = tmp_path / "target"
    chance = random.Random(form)  # noqa: S311 - no secret
    for _ in range(4):
        target.unlink(missing_ok=True)
        if old is not None:
            target.write_bytes(old)
        command = [sys.executable, "-c", WRITE, source, target, form]
        with subprocess.Popen(command, stdout=subprocess.PIPE) as writer:
            assert writer.stdout is not None
            assert writer.stdout.readline() == b"ready\n"
            time.sleep(chance.random() * 0.15)
            writer.send_signal(signal.SIGKILL)
        sweep(tmp_path)
        if target.exists() and target.read_bytes() != old:
            with open_stream(target) as stream:
                assert stream.ram().read("pc.ram", 0, 4096) == noise(0)
                assert not stream.remark
        else:
            assert target.exists() == (old is not None)


def sweep(folder: Path) -> None:
    """What a kill between two system calls left is a whole file, and goes with the next write."""
    for left in folder.glob(".virtmig-*"):
        with open_stream(left) as stream:
            assert stream.ram().read("pc.ram", 0, 4096) == noise(0)
        os.utime(left, (1, 1))
    writing.write_file(folder / "another", lambda out: out.write(b""))
    (folder / "another").unlink()
    assert {one.name for one in folder.iterdir()} <= {"target"}


def test_what_is_left_of_a_killed_writer_is_removed_and_nothing_else(tmp_path: Path) -> None:
    names = ("stale", "fresh", "locked", "folder")
    stale, fresh, locked, folder = (tmp_path / f".virtmig-{name}" for name in names)
    for path in (stale, fresh, locked):
        path.write_bytes(b"half")
    folder.mkdir()
    for path in (stale, locked, folder):
        os.utime(path, (1, 1))
    with locked.open() as holder:
        fcntl.flock(holder, fcntl.LOCK_EX)
        writing.write_file(tmp_path / "target", lambda out: out.write(b"new"))
    assert {one.name for one in tmp_path.iterdir()} == {
        "target",
        *(path.name for path in (fresh, locked, folder)),
    }


@contextmanager
def at_most(size: int) -> Iterator[None]:
    """No file of this process grows larger: as on a full disk."""
    old = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, old[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, old)


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("size", [0, 5000, MIB, 3 * MIB])
def test_a_full_disk_leaves_the_old_file_and_nothing_else(
    tmp_path: Path, source: Path, form: str, size: int
) -> None:
    target = tmp_path / "target"
    with open_stream(source) as stream:
        for old in (None, b"the old file"):
            if old is not None:
                target.write_bytes(old)
            with at_most(size), pytest.raises(OSError, match="File too large") as caught:
                write_as(target, stream, FORMS[form], DOMAIN)
            assert caught.value.filename == str(target)
            assert "make room, or write to another disk" in str(caught.value)
            assert [one.read_bytes() for one in tmp_path.iterdir()] == ([old] if old else [])


def test_a_folder_that_is_too_small_to_unpack_in_is_named(tmp_path: Path) -> None:
    path = tmp_path / "a.gz"
    path.write_bytes(gzip.compress(PLAIN + noise(1, MIB), 1))
    with at_most(5000), pytest.raises(OSError, match="set TMPDIR to a folder") as caught:
        open_stream(path)
    assert Path(str(caught.value.filename)).is_dir()


def test_memory_that_is_limited_is_told_with_the_file(tmp_path: Path) -> None:
    path = tmp_path / "large"
    with path.open("wb") as file:
        file.truncate(1 << 40)
    old = resource.getrlimit(resource.RLIMIT_AS)
    resource.setrlimit(resource.RLIMIT_AS, (1 << 39, old[1]))
    try:
        with pytest.raises(OSError, match="see ulimit -v") as caught:
            open_stream(path)
    finally:
        resource.setrlimit(resource.RLIMIT_AS, old)
    assert caught.value.filename == str(path)


def test_a_link_that_leads_to_itself_is_a_plain_os_error(tmp_path: Path) -> None:
    (tmp_path / "a").symlink_to("b")
    (tmp_path / "b").symlink_to("a")
    with pytest.raises(OSError, match="Too many levels") as caught:
        writing.write_file(tmp_path / "a", lambda out: out.write(b"new"))
    assert caught.value.errno == errno.ELOOP
    assert caught.value.filename == str(tmp_path / "a")
    assert (tmp_path / "a").is_symlink()


@pytest.mark.skipif(os.geteuid() != 0, reason="mounting takes root")
def test_a_file_system_that_is_full_leaves_the_old_file(tmp_path: Path, source: Path) -> None:
    disk = tmp_path / "disk"
    disk.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=4m", "none", disk], check=False)
    if mounted.returncode:
        pytest.skip("nothing can be mounted here")
    try:
        (disk / "target").write_bytes(b"the old file")
        with open_stream(source) as stream:
            for form in ("qemu", "mapped-ram", "libvirt"):
                with pytest.raises(OSError, match="No space left") as caught:
                    write_as(disk / "target", stream, FORMS[form], DOMAIN)
                assert caught.value.errno == errno.ENOSPC
            with pytest.raises(OSError, match="No space left"):
                stream.write(disk / "target", Edits(payloads={stream.sections[0]: b"\x55" * 40}))
        assert [one.name for one in disk.iterdir()] == ["target"]
        assert (disk / "target").read_bytes() == b"the old file"
    finally:
        subprocess.run(["umount", disk], check=True)


@pytest.fixture(params=["without a name", "with a name"])
def way(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Both ways to write: some file systems have no files without a name."""
    if request.param == "with a name":
        real = os.open

        def refusing(path: str, flags: int, *rest: int, **more: int) -> int:
            if flags & os.O_TMPFILE == os.O_TMPFILE:
                raise OSError(errno.EOPNOTSUPP, "no such thing here")
            return real(path, flags, *rest, **more)

        monkeypatch.setattr(writing.os, "open", refusing)
    return str(request.param)


def fail(_: writing.Output) -> None:
    raise KeyboardInterrupt


@pytest.mark.parametrize("old", [None, b"the old file"])
def test_an_interrupt_leaves_nothing(tmp_path: Path, way: str, old: bytes | None) -> None:
    target = tmp_path / "target"
    if old is not None:
        target.write_bytes(old)
    with pytest.raises(KeyboardInterrupt):
        writing.write_file(target, fail)
    assert [one.read_bytes() for one in tmp_path.iterdir()] == ([old] if old else []), way


@pytest.mark.parametrize("old", [None, b"the old file"])
def test_a_file_is_put_in_place_whole_with_its_permissions(
    tmp_path: Path, way: str, old: bytes | None
) -> None:
    target = tmp_path / "target"
    if old is not None:
        target.write_bytes(old)
        target.chmod(0o640)
    writing.write_file(target, lambda out: out.write(b"new"))
    assert [one.name for one in tmp_path.iterdir()] == ["target"], way
    assert target.read_bytes() == b"new"
    assert target.stat().st_mode & 0o777 == (0o640 if old else 0o600)


def test_a_file_that_appears_meanwhile_is_replaced_as_one_that_was_there(tmp_path: Path) -> None:
    target = tmp_path / "target"

    def fill(out: writing.Output) -> None:
        target.write_bytes(b"of someone else")
        out.write(b"new")

    writing.write_file(target, fill)
    assert target.read_bytes() == b"new"
    assert [one.name for one in tmp_path.iterdir()] == ["target"]


@pytest.mark.parametrize("change", [{}, {"payloads": b"\x55" * 40}], ids=["same", "changed"])
def test_a_stream_is_written_over_itself(tmp_path: Path, change: dict[str, bytes]) -> None:
    with opened(tmp_path, PLAIN) as stream:
        first = stream.sections[0]
        edits = Edits(payloads={first: change["payloads"]} if change else {})
        stream.write(tmp_path / "file", edits)
        assert stream.payload(stream.sections[0]) == Stream.from_bytes(PLAIN).payload(
            stream.sections[0]
        )
    expected = change.get("payloads", PLAIN[stream.sections[0].start :][:40])
    assert (tmp_path / "file").read_bytes()[stream.sections[0].start :][:40] == expected


def test_a_hole_at_the_end_is_part_of_the_file(tmp_path: Path) -> None:
    fill: Callable[[writing.Output], None] = lambda out: (out.write(b"a"), out.zeros(9))[1]  # noqa: E731
    writing.write_file(tmp_path / "target", fill)
    assert (tmp_path / "target").read_bytes() == b"a" + bytes(9)
