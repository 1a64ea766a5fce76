"""Keep what QEMU refuses to start or to save, and what it leaves out without a word.

    python -m tests.qemu.refusals CORPUS

reads CORPUS, which `python -m tests.qemu.device_corpus CORPUS` writes: its refusals.json, once for
each device and reason, and its streams for devices without a section. Writes `refusals.toml`
beside this file. The documentation's table of devices is made from that.
"""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tests.qemu.left_out import left_out

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

HERE = Path(__file__).parent
OPTION = re.compile(r": -(?:device|object|netdev) [^ ]+: (?!warning: )(?P<reason>.+)")
PLACE = re.compile(r"(?<=non-migratable device ')[^']*/")
MACHINE = re.compile(r"^pc-[\w.-]+ (?=machine )")
ABSENT = re.compile(
    r"is not a valid device model name|expects a pluggable device type"
    r"|missing object type"  # a module of QEMU that is not installed
)
OURS = re.compile(r"backing store size|\.boot-bypass' not found")  # mistakes of a case, not QEMU's
HOST_FILE = re.compile(r"(?P<path>/dev/[\w/-]+)'?: No such file or directory")
HEADER = """\
# What QEMU refused to start or to save, in its own words. command is `start` or `migrate`; needs is
# the file of the host that was not there. left-out: devices that QEMU saved a stream without, and
# did not say so; sections is what the stream has in their place, streams how many were seen.
# Written by `python -m tests.qemu.refusals`.
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
    return "no such device" if ABSENT.search(reasons[-1]) else MACHINE.sub("", reasons[-1])


def collected(entries: list[dict[str, Any]]) -> dict[tuple[str, str, str], list[dict[str, Any]]]:
    """The entries by device, command and reason."""
    found: dict[tuple[str, str, str], list[dict[str, Any]]] = {}
    for entry in entries:
        if reason := reason_of(entry):
            found.setdefault((entry["device"], entry["command"], reason), []).append(entry)
    return dict(sorted(found.items()))


def needed(entries: list[dict[str, Any]]) -> dict[str, str]:
    """The host's file that a device did not start without, by device. Not every QEMU names it."""
    return {
        entry["device"]: match["path"]
        for entry in entries
        if entry["command"] == "start" and (match := HOST_FILE.search(entry["stderr"]))
    }


def tables(corpus: Path) -> Iterator[str]:
    """All tables of the file."""
    entries = json.loads((corpus / "refusals.json").read_text())
    needs = needed(entries)
    for (device, command, reason), same in collected(entries).items():
        values: dict[str, Any] = {"device": device, "command": command, "reason": reason}
        if command == "start" and reason != "no such device" and device in needs:
            values["needs"] = needs[device]
        values["qemu"] = _versions({entry["qemu"] for entry in same})
        values["arch"] = sorted({entry["arch"] for entry in same})
        yield _table("refusal", values)
    for one in left_out(corpus):
        values = {"device": one.device, "sections": sorted(one.parts), "streams": one.streams}
        values |= {"qemu": _versions(one.qemu), "arch": sorted(one.arch)}
        yield _table("left-out", values)


def _versions(found: set[str]) -> list[str]:
    return sorted(found, key=float)


def _table(name: str, values: Mapping[str, Any]) -> str:
    lines = [f"{key} = {json.dumps(value)}" for key, value in values.items()]
    return "\n".join(("", f"[[{name}]]", *lines, ""))


def main(argv: list[str]) -> int:
    """Write the file."""
    if len(argv) != 1:
        print(__doc__, file=sys.stderr)
        return 2
    (HERE / "refusals.toml").write_text(HEADER + "".join(tables(Path(argv[0]))))
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
