"""Keep what QEMU refuses to start or to save: once for each device and reason.

    python -m tests.qemu.refusals CORPUS

reads CORPUS/refusals.json, which `python -m tests.qemu.device_corpus CORPUS` writes, and writes
`refusals.toml` beside this file. The documentation's table of devices is made from that.
"""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
OPTION = re.compile(r": -(?:device|object|netdev) [^ ]+: (?!warning: )(?P<reason>.+)")
PLACE = re.compile(r"(?<=non-migratable device ')[^']*/")
ABSENT = re.compile(r"is not a valid device model name|expects a pluggable device type")
OURS = re.compile(r"backing store size|\.boot-bypass' not found")  # mistakes of a case, not QEMU's
HEADER = """\
# What QEMU refused to start or to save, in its own words. command is `start` or `migrate`.
# Written by `python -m tests.qemu.refusals`.
"""
ENTRY = """
[[refusal]]
device = {device}
command = {command}
reason = {reason}
qemu = {qemu}
arch = {arch}
"""


def reason_of(entry: dict[str, Any]) -> str:
    """Say why, in QEMU's words; empty if the test machine failed for another reason."""
    if entry["command"] == "migrate":
        reason = str(entry.get("error-desc") or entry["reason"])
        return "" if reason.startswith("QEMU ") else PLACE.sub("", reason)
    lines = [OPTION.search(f": {line}") for line in entry["stderr"].splitlines()]
    reasons = [line["reason"] for line in lines if line]
    if not reasons or OURS.search(reasons[-1]):
        return ""
    return "no such device" if ABSENT.search(reasons[-1]) else reasons[-1]


def collected(entries: list[dict[str, Any]]) -> dict[tuple[str, str, str], list[dict[str, Any]]]:
    """The entries by device, command and reason."""
    found: dict[tuple[str, str, str], list[dict[str, Any]]] = {}
    for entry in entries:
        if reason := reason_of(entry):
            found.setdefault((entry["device"], entry["command"], reason), []).append(entry)
    return dict(sorted(found.items()))


def main(argv: list[str]) -> int:
    """Write the file."""
    if len(argv) != 1:
        print(__doc__, file=sys.stderr)
        return 2
    text = HEADER
    entries = json.loads((Path(argv[0]) / "refusals.json").read_text())
    for (device, command, reason), same in collected(entries).items():
        values = {"device": device, "command": command, "reason": reason}
        values["qemu"] = sorted({entry["qemu"] for entry in same}, key=float)
        values["arch"] = sorted({entry["arch"] for entry in same})
        text += ENTRY.format(**{key: json.dumps(value) for key, value in values.items()})
    (HERE / "refusals.toml").write_text(text)
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
