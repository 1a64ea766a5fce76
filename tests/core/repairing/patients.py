"""Streams of a few kilobytes that hold sections as real QEMUs wrote them."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from tests.core.stream.building import Device, Recipe
from virtmig.hooks.registry import Registry
from virtmig.repairing.treating import Examination, examine
from virtmig.stream.opening import Stream
from virtmig.testing.goldens import Golden, read_goldens
from virtmig.virtio.defects import Target, release_of

PLUGINS = Path(__file__).parents[3] / "plugins"
REGISTRY = Registry()
SWITCHOVER = b"\x08\x00\x0b\x00\x00"
"""Command 11, as QEMU 10.0 and newer send it."""


@cache
def golden(plugin: str, name: str) -> Golden:
    """One section of a plugin's own goldens."""
    found = read_goldens(PLUGINS / plugin / "tests/goldens")
    return next(one for one in found if one.name == name)


def stream_of(*sections: Golden, machine: str = "", payload: bytes | None = None) -> bytes:
    """A stream with these sections; `payload` stands in the place of the first one's."""
    payloads = [one.payload() for one in sections]
    if payload is not None:
        payloads[0] = payload
    devices = [
        Device(one.idstr, content, one.instance_id, 40 + number, version=one.version_id)
        for number, (one, content) in enumerate(zip(sections, payloads, strict=True))
    ]
    middle = SWITCHOVER if "-11." in (machine or sections[0].machine) else b""
    recipe = Recipe(machine=machine or sections[0].machine, devices=tuple(devices), middle=middle)
    return recipe.build()


def look(data: bytes, target: str = "", machine: str = "") -> Examination:
    """What is found in a stream for a target."""
    release = release_of(target) if target else None
    stream = Stream.from_bytes(data)
    return examine(stream, REGISTRY, Target(release=release, machine=machine))


def names(seen: Examination, *, mended: bool) -> list[str]:
    """The defects that were mended, or those that concern the target and were not."""
    return [one.defect.name for one in seen.findings if one.concerns and one.mended is mended]
