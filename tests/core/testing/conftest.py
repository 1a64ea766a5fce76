"""A place for plugins that are made for one test."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.core.testing.trial import Workshop
from virtmig.live.device import VirtioDevice
from virtmig.testing import strategies
from virtmig.testing.laws import room


@pytest.fixture
def workshop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Workshop]:
    """A folder in front of `sys.path`."""
    folder = tmp_path / "site"
    folder.mkdir()
    monkeypatch.syspath_prepend(folder)
    monkeypatch.setenv("PYTHONPATH", str(folder))  # for the processes that the kit starts
    monkeypatch.setenv("ECHO", "0")  # one of the wrong plugins sets it
    monkeypatch.setattr(strategies, "SHRINKING", 0.2)  # how small they get is not looked at
    monkeypatch.setattr(room, "SECONDS", 1)  # more than enough here
    made = Workshop(folder)
    yield made
    if "echo" in vars(VirtioDevice):  # another one sets it, and does not take it back
        delattr(VirtioDevice, "echo")
    made.close()
