"""Settings of Hypothesis for all tests of the core, and a place for drivers that are not real."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings

from tests.core.hooks.fakes import Site

# No deadline: a test is never wrong for being slow on a busy machine. No database: a failure is
# printed with what repeats it, and nothing is left in the working tree.
settings.register_profile("virtmig", deadline=None, database=None)
settings.load_profile("virtmig")


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Site]:
    """A folder in front of `sys.path`, for distributions that exist for one test."""
    folder = tmp_path / "site"
    folder.mkdir()
    monkeypatch.syspath_prepend(folder)
    made = Site(folder)
    yield made
    for name in made.modules:
        sys.modules.pop(name, None)
