"""Find the devices that QEMU leaves out of a stream without a word.

The monitor's tree says which virtio devices are on the first PCI bus of a machine; what has state
there has a section whose name begins with the same address.
"""

from __future__ import annotations

import json
import re
from collections import defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from virtmig.hooks.registry import Registry
from virtmig.stream.opening import open_stream

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

ON_FIRST_BUS = re.compile(r"^ {6}dev: ", re.MULTILINE)  # deeper ones are behind a bridge
NAME = re.compile(r"(?P<name>[\w-]+?)(?:-pci)?,")
ADDRESS = re.compile(r"^ {8}addr = (?P<slot>[0-9a-f]{2}\.[0-7])$", re.MULTILINE)
VIRTIO_BUS = re.compile(r"^ {10}type virtio-pci-bus$", re.MULTILINE)


@dataclass
class LeftOut:
    """A device without state in a stream, and what was seen of it.

    parts: sections there that are not the virtio device's own, as VGA registers beside it.
    """

    device: str
    qemu: set[str] = field(default_factory=set)
    arch: set[str] = field(default_factory=set)
    parts: set[str] = field(default_factory=set)
    streams: int = 0


def left_out(corpus: Path) -> list[LeftOut]:
    """All such devices, by name."""
    found: dict[str, LeftOut] = {}
    for truth in sorted(corpus.glob("*.truth.json")):
        stream = truth.with_name(truth.name.replace(".truth.json", ".mig"))
        arch, qemu, _ = stream.stem.split("-", 2)
        for device, parts in _of_stream(stream, json.loads(truth.read_text()).get("qtree", "")):
            one = found.setdefault(device, LeftOut(device))
            one.qemu.add(qemu)
            one.arch.add(arch)
            one.parts |= parts
            one.streams += 1
    return [one for _, one in sorted(found.items())]


def _of_stream(stream: Path, tree: str) -> Iterator[tuple[str, set[str]]]:
    """The devices of one machine that its stream has no state of."""
    devices = dict(_virtio_devices(tree))
    if not devices:
        return
    with open_stream(stream) as opened:
        there: dict[str, set[str]] = defaultdict(set)
        for section in opened.sections:
            place, _, name = section.idstr.rpartition("/")
            there[place].add(name)
    parts = Registry().section_names
    for slot, device in devices.items():
        names = there[f"0000:00:{slot}"]
        if names <= parts:
            yield device, names


def _virtio_devices(tree: str) -> Iterator[tuple[str, str]]:
    """Address and name of the virtio devices on the first PCI bus."""
    for text in ON_FIRST_BUS.split(tree.replace("\r", ""))[1:]:
        name, address = NAME.match(text), ADDRESS.search(text)
        if name and address and VIRTIO_BUS.search(text):
            yield address["slot"], name["name"]
