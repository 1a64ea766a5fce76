"""Streams that are no files: pipes, standard input, URLs."""

from __future__ import annotations

import gzip
import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from tests.core.containers.making import EXPECTED, PLAIN, payloads, refused
from virtmig.containers import sources
from virtmig.errors import NotAStream, UnsupportedContainer
from virtmig.stream.opening import open_stream

SHOW = """
import sys
from virtmig.stream.opening import open_stream
with open_stream(sys.argv[1]) as stream:
    print(len(stream.sections), stream.place.at, stream.ram().read("pc.ram", 0, 1).decode())
"""


@pytest.mark.parametrize("data", [PLAIN, gzip.compress(PLAIN)], ids=["plain", "gzip"])
def test_a_named_pipe_is_read_to_its_end(tmp_path: Path, data: bytes) -> None:
    path = tmp_path / "pipe"
    os.mkfifo(path)
    writer = threading.Thread(target=path.write_bytes, args=(data,))
    writer.start()
    with open_stream(path) as stream:
        assert payloads(stream) == EXPECTED
    writer.join()


def show(path: str, **stdin: object) -> str:
    """What a process of its own sees."""
    command = [sys.executable, "-c", SHOW, path]
    return subprocess.run(command, capture_output=True, text=True, check=True, **stdin).stdout  # type: ignore[call-overload,no-any-return]


def test_standard_input_is_read_from_a_pipe_and_from_a_file(tmp_path: Path) -> None:
    path = tmp_path / "a.mig"
    path.write_bytes(PLAIN)
    expected = f"{len(EXPECTED)} 0 A\n"
    with path.open() as file:
        assert show("-", stdin=file) == expected
    with subprocess.Popen(["cat", path], stdout=subprocess.PIPE) as cat:
        assert show("-", stdin=cat.stdout) == expected
    assert show(path.as_uri()) == expected


def test_a_file_that_is_named_as_standard_input_is_a_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("-").write_bytes(PLAIN)
    with open_stream("-") as stream:
        assert payloads(stream) == EXPECTED


def test_a_url_is_fetched_and_what_is_in_it_unpacked(tmp_path: Path) -> None:
    (tmp_path / "a.gz").write_bytes(gzip.compress(PLAIN))
    with open_stream((tmp_path / "a.gz").as_uri()) as stream:
        assert payloads(stream) == EXPECTED
        assert stream.container == "gzip"


def test_a_chain_of_fsspec_is_a_url(tmp_path: Path) -> None:
    (tmp_path / "a.mig").write_bytes(PLAIN)
    with open_stream(f"simplecache::{(tmp_path / 'a.mig').as_uri()}") as stream:
        assert payloads(stream) == EXPECTED
    assert not sources.is_url("::file:///a")
    assert not sources.is_url("c:/a")


def test_a_url_that_cannot_be_fetched_says_why(tmp_path: Path) -> None:
    with pytest.raises(NotAStream, match=r"could not be fetched: .*Protocol not known: nothing"):
        open_stream("nothing://at/all")
    with pytest.raises(FileNotFoundError):
        open_stream((tmp_path / "missing").as_uri())


def test_without_fsspec_a_url_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "fsspec", None)
    with pytest.raises(UnsupportedContainer, match=r"virtmig\[url\].*curl URL \| virtmig"):
        open_stream("https://example.org/a.mig")


@pytest.mark.parametrize(
    ("modules", "data", "extra"),
    [
        (("compression.zstd", "backports.zstd"), b"\x28\xb5\x2f\xfd" + bytes(20), "zstd"),
        (("lzallright",), b"\x89LZO\x00\x0d\x0a\x1a\x0a" + bytes(20), "lzo"),
    ],
)
def test_without_its_module_a_compression_says_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, modules, data: bytes, extra: str
) -> None:
    for name in modules:
        monkeypatch.setitem(sys.modules, name, None)
    error = refused(tmp_path, data)
    assert isinstance(error, UnsupportedContainer)
    assert f'pip install "virtmig[{extra}]"; or pipe it: ' in error.hint


def test_what_looks_like_a_url_and_is_a_file_is_the_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("ab:").mkdir()
    Path("ab://c").write_bytes(PLAIN)
    assert sources.is_url("ab://c")
    with open_stream("ab://c") as stream:
        assert payloads(stream) == EXPECTED
