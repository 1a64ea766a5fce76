"""Containers to damage: of real streams, and one small enough to be looked at byte by byte."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any, cast

import cbor2

from tests.core.hooks import fakes
from virtmig.formats import cbor
from virtmig.hooks.registry import Registry
from virtmig.reading import Decoded, Found, read_devices
from virtmig.stream.opening import Stream, open_stream
from virtmig.stream.sections import Section, SectionKind

SAMPLES = sorted((Path(__file__).parents[3] / "samples").glob("*.mig"))
SMALL_IDSTR = "bus/virtio-toaster"
SMALL_PAYLOAD = bytes.fromhex("0102" + "0f01000700000003" + "00000002aabb" + "00000000" + "0304")


class Payloads:
    """As much of a stream as packing needs: payloads by section."""

    machine = "toaster-1.0"
    page_size = 4096

    def __init__(self, payloads: dict[Section, bytes]) -> None:
        self.payloads = payloads

    def payload(self, section: Section) -> bytes:
        return self.payloads[section]


def section(idstr: str, version: int, size: int) -> Section:
    """A section of which only the name and the version matter."""
    return Section(SectionKind.FULL, 1, idstr, 0, version, 0, 0, size, footer=True)


def pack(
    devices: Sequence[Found], payloads: dict[Section, bytes], name: str = "toaster.mig"
) -> bytes:
    """A container of devices that came from no file."""
    return cbor.pack(cast("Stream", Payloads(payloads)), name, devices)


def toasters() -> Registry:
    """A registry with a device and a transport that have hardly any state."""
    registry = Registry()
    for source, add in (
        (fakes.device("virtio-toaster"), registry.add_device),
        (fakes.transport("virtio-bus", "bus"), registry.add_transport),
    ):
        namespace: dict[str, Any] = {"__name__": "toasters"}
        exec(source, namespace)  # noqa: S102  the source is ours
        name = "virtio-toaster" if add == registry.add_device else "virtio-bus"
        add(name, namespace["plugin"], "a test")
    return registry


def small(registry: Registry) -> bytes:
    """The container of one toaster."""
    drivers = registry.drivers(SMALL_IDSTR, "")
    place = section(SMALL_IDSTR, 1, len(SMALL_PAYLOAD))
    state = drivers.envelope.parse(SMALL_PAYLOAD, 1)
    return pack([Decoded(place, drivers, state, "little")], {place: SMALL_PAYLOAD})


def sample(path: Path, registry: Registry) -> bytes:
    """The container of a sample's devices."""
    with open_stream(path) as stream:
        return cbor.pack(stream, path.name, read_devices(stream, registry))


def opened(data: bytes) -> dict[str, Any]:
    """The map in a container, without its checksum."""
    body: dict[str, Any] = cbor2.loads(data)
    del body["sha256"]
    return body


def sealed(body: Any) -> bytes:
    """A container with a right checksum, whatever is in it."""
    digest = hashlib.sha256(cbor2.dumps(body, canonical=True)).digest()
    return cbor2.dumps({**body, "sha256": digest}, canonical=True)
