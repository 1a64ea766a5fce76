"""Where bytes come from that are no file: standard input, pipes, and URLs by fsspec."""

from __future__ import annotations

import importlib
import os
import re
import stat
from collections.abc import Iterator
from typing import Any

from virtmig.containers.spool import spool
from virtmig.errors import NotAStream, UnsupportedContainer, VirtmigError, told
from virtmig.stream.place import CHUNK, Place, mapped

STDIN = "-"
URL = re.compile(r"(?:[A-Za-z][A-Za-z0-9+.-]+::)*[A-Za-z][A-Za-z0-9+.-]+://")
"""With what fsspec calls a chain in front: `simplecache::https://`."""


def is_url(path: str) -> bool:
    """Whether it names something for fsspec to fetch."""
    return URL.match(path) is not None


def read_stdin() -> Place:
    """All of standard input; a file there is mapped as any other."""
    file = os.dup(0)
    status = os.fstat(file)
    if stat.S_ISREG(status.st_mode) and not os.lseek(file, 0, os.SEEK_CUR):
        return mapped(file)
    return read_pipe(file)


def read_pipe(file: int) -> Place:
    """All that comes out of an open file, which is closed then."""
    try:
        return spool(_read(file))[0]
    finally:
        os.close(file)


def _read(file: int) -> Iterator[bytes]:
    while chunk := os.read(file, CHUNK):
        yield chunk


def read_url(url: str) -> Place:
    """All that a URL stands for."""
    try:
        fsspec: Any = importlib.import_module("fsspec")
    except ImportError:
        hint = 'pip install "virtmig[url]"; or pipe it: curl URL | virtmig ... -'
        reason = "fsspec, which fetches URLs, is not installed"
        raise UnsupportedContainer(reason, hint=hint) from None
    try:
        with fsspec.open(url, "rb") as remote:
            return spool(_fetched(remote))[0]
    except (VirtmigError, OSError):
        raise
    except Exception as error:  # of any library that fsspec uses
        raise NotAStream(f"it could not be fetched: {told(error)}") from error


def _fetched(remote: Any) -> Iterator[bytes]:
    while chunk := remote.read(CHUNK):
        yield chunk
