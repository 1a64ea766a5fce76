"""Programs of the documentation have their imports in the order that a new plugin's lint wants."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

import pytest

from tests.docs.pages import PAGES, blocks_of, run

PROGRAMS = [one for page in PAGES for one in blocks_of(page) if one.kind == "python"]
FIRST = 'lint.isort.known-first-party = ["virtmig_*"]'
"""To whom copies a program, the plugin in it is his own, and virtmig somebody else's."""
RUFF = shutil.which("ruff", path=Path(sys.executable).parent)


@pytest.mark.skipif(RUFF is None, reason="ruff is not installed; tox -e docs has it")
def test_imports_are_sorted(tmp_path):
    names = {}
    for number, block in enumerate(PROGRAMS):
        names[f"{number}.py"] = block.place
        (tmp_path / f"{number}.py").write_text(block.text)
    settings = ("--isolated", "--select", "I", "--line-length", "100", "--config", FIRST)
    code, said = run([RUFF, "check", "-q", *settings, "--output-format=concise", "."], tmp_path)
    found = [names[line.partition(":")[0]] for line in said.splitlines() if ": I001" in line]
    assert (found, code) == ([], 0), said
