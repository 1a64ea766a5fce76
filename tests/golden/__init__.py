"""Goldens: sections of real virtio devices, as four versions of QEMU wrote them.

`goldens()` gives them all; `manifest.toml` says which machine each comes from, and `make.py` makes
them anew. Of a stream, only the devices' sections are kept: the rest is guest memory.
"""

from __future__ import annotations

import functools
import json
import re
import tarfile
import tomllib
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

HERE = Path(__file__).parent


@dataclass(frozen=True)
class Golden:
    """One section, and what is known of the device that wrote it."""

    name: str  # of the machine: architecture, QEMU version, case
    device: str  # virtio-net, virtio-blk, ...
    qemu: str
    arch: str
    machine: str
    command: str
    idstr: str
    instance_id: int
    version_id: int
    payload: bytes = field(repr=False)
    sha256: str
    # what the monitor said; empty if it said nothing (QEMU 5.2 knows only `rx_filter`)
    truth: dict[str, Any] = field(repr=False)
    # What no byte of the section tells, and a reader may have to be told:
    net_queue_pairs: int  # the pairs a virtio-net device was created with
    packed_offered: bool

    def __str__(self) -> str:
        """Give a short name for test reports."""
        return f"{self.name}/{self.idstr}"


@functools.cache
def goldens() -> list[Golden]:
    """Read all goldens, in the order of the manifest."""
    manifest = tomllib.loads((HERE / "manifest.toml").read_text())
    with tarfile.open(HERE / "sections.tar.xz") as archive:
        members = {info.name: _content(archive, info) for info in archive}
    return [
        golden
        for name, machine in manifest["machine"].items()
        for golden in _of_machine(name, machine, members)
    ]


def _content(archive: tarfile.TarFile, info: tarfile.TarInfo) -> bytes:
    member = archive.extractfile(info)
    return member.read() if member else b""


def _of_machine(name: str, machine: dict[str, Any], members: dict[str, bytes]) -> Iterator[Golden]:
    truth = json.loads(members[f"{name}/truth.json"])
    seen: dict[str, int] = {}
    for section in machine["section"]:
        device = section["idstr"].split("/")[-1]
        # Devices of a kind lie in the stream in the order of the command line, numbered from 0.
        number = seen[device] = seen.get(device, -1) + 1
        ident = f"{device.removeprefix('virtio-')}{number}"
        options = _options(machine["command"], ident)
        yield Golden(
            name=name,
            device=device,
            **{key: machine[key] for key in ("qemu", "arch", "machine", "command")},
            **{key: section[key] for key in ("idstr", "instance_id", "version_id", "sha256")},
            payload=members[section["file"]],
            truth=truth.get(ident, {}),
            net_queue_pairs=_pairs(machine["command"], options),
            packed_offered="packed=on" in options,
        )


def _options(command: str, ident: str) -> str:
    """Find the -device option with that id."""
    found = re.search(rf"-device (\S*\bid={ident}\b\S*)", command)
    return found[1] if found else ""


def _pairs(command: str, options: str) -> int:
    """Find how many queues the network behind a device has."""
    network = re.search(r"\bnetdev=(\w+)", options)
    found = network and re.search(rf"-netdev \S*\bid={network[1]}\b\S*?,queues=(\d+)", command)
    return int(found[1]) if found else 1
