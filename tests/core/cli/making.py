"""Plugins made by `virtmig plugins new`, for the tests of what is done with them."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.core.cli.conftest import Command
from virtmig.hooks.discovery import Scan
from virtmig.scaffold.names import names_of

needs_copier = pytest.mark.skipif(
    importlib.util.find_spec("copier") is None,
    reason="copier, of the extra `new`, is not installed",
)


def workplace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """An empty folder to work in, with no drivers; what is imported out of it is forgotten."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("virtmig.cli.plugins.new.scan", lambda: Scan([], []))
    known = set(sys.modules)
    yield tmp_path
    for name in set(sys.modules) - known:
        if str(getattr(sys.modules[name], "__file__", "")).startswith(str(tmp_path)):
            del sys.modules[name]


def made(virtmig: Command, name: str, *options: object) -> Path:
    """The folder of a new plugin, made without questions."""
    done = virtmig("plugins", "new", name, "--defaults", *options)
    assert done.code == 0, done.err
    return Path.cwd() / names_of(name).distribution
