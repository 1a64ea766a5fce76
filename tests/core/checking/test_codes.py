"""Every code of a finding is explained where users look for it."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).parents[3]
PAGE = ROOT / "docs/how-to/find-out-what-a-plugin-does-wrong.md"
SOURCES = [
    *(ROOT / "core/src/virtmig/checking").glob("*.py"),
    ROOT / "core/src/virtmig/hooks/contract.py",
]


def test_the_page_explains_every_code_and_no_other() -> None:
    text = "".join(path.read_text() for path in SOURCES)
    used = {match["code"] for match in re.finditer(r'"(?P<code>[a-z]+(?:-[a-z]+)*)"', text)}
    rows = [line for line in PAGE.read_text().splitlines() if line.startswith("| `")]
    explained = {code for row in rows for code in re.findall(r"`([a-z-]+)`", row.split("|")[1])}
    assert not explained - used
    declared = set(re.findall(r'code="([a-z-]+)"', text)) | set(re.findall(r'"(no-[a-z-]+)"', text))
    declared |= set(re.findall(r'_warning\(\s*"([a-z-]+)"', text))
    assert not declared - explained
    assert len(explained) > 35
