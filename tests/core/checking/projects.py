"""Projects of plugins as a stranger could have written them: a folder, and a wheel of it."""

from __future__ import annotations

import zipfile
from pathlib import Path

from tests.core.hooks import fakes

NAME = "virtio-toaster"
PROJECT = """
[project]
name = "virtmig-toaster"
version = "1.0"
readme = "README.md"
requires-python = ">=3.11"
license = "MIT"
dependencies = ["virtmig>=0.1,<0.2"]

[project.entry-points."virtmig.devices"]
virtio-toaster = "toasting.live:plugin"
"""
METADATA = """Metadata-Version: 2.4
Name: virtmig-toaster
Version: 1.0
Requires-Python: >=3.11
License-Expression: MIT
Requires-Dist: virtmig<0.2,>=0.1

A toaster.
"""


def project(
    folder: Path,
    source: str | None = None,
    *,
    layout: str = "src",
    changes: dict[str, str] | None = None,
) -> Path:
    """A project's folder. changes: pieces of pyproject.toml and what stands there instead."""
    text = PROJECT
    for old, new in (changes or {}).items():
        assert old in text
        text = text.replace(old, new)
    package = folder / layout / "toasting"
    package.mkdir(parents=True)
    (folder / "pyproject.toml").write_text(text)
    (package / "__init__.py").write_text('"""Toast."""\n')
    (package / "py.typed").write_text("")
    (package / "live.py").write_text(fakes.device(NAME) if source is None else source)
    return folder


def wheel(
    folder: Path,
    *,
    metadata: str = METADATA,
    points: str = f"[virtmig.devices]\n{NAME} = toasting.live:plugin\n",
) -> Path:
    """A wheel of the same."""
    path = folder / "virtmig_toaster-1.0-py3-none-any.whl"
    info = "virtmig_toaster-1.0.dist-info"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("toasting/__init__.py", "")
        archive.writestr("toasting/py.typed", "")
        archive.writestr("toasting/live.py", fakes.device(NAME))
        archive.writestr(f"{info}/METADATA", metadata)
        archive.writestr(f"{info}/entry_points.txt", points)
    return path
