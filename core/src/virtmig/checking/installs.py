"""Distributions that are installed as a link to their sources, and whether they still fit them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from urllib.request import url2pathname

from virtmig.hooks.contract import Finding
from virtmig.hooks.discovery import Installed
from virtmig.hooks.stale import AGAIN, stale_entry_points


def linked_folder(one: Installed) -> Path | None:
    """The sources that an editable distribution is a link to (PEP 660); None if it is none."""
    try:
        link: Any = json.loads((Path(one.folder) / "direct_url.json").read_text("utf-8"))
        if not link.get("dir_info", {}).get("editable", False):
            return None
        return Path(url2pathname(urlsplit(str(link["url"])).path))
    except (OSError, ValueError, AttributeError, KeyError):
        return None


def stale_findings(folder: Path, name: str) -> Iterator[Finding]:
    """Entry points that were changed in pyproject.toml since a project was installed.

    A project that is not installed can be checked all the same: that is nothing to tell.
    """
    try:
        metadata.distribution(name)
    except (metadata.PackageNotFoundError, ValueError):
        return
    for what in stale_entry_points(folder):
        yield Finding(
            code="stale-install",
            severity="warning",
            where="pyproject.toml",
            what=what.removeprefix("pyproject.toml "),
            do=f"in its folder: {AGAIN}",
            distribution=name,
        )
