"""A CBOR file of `virtmig pack` as a stream: its devices, and no RAM.

The payloads are those that were packed. Section ids, which mean nothing, are numbers from 1 on.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import attrs

from virtmig.containers.contract import Container, Inside, Unpacked, Wanted
from virtmig.errors import BadContainer
from virtmig.formats import cbor
from virtmig.hooks.registry import Registry
from virtmig.reading import read_devices
from virtmig.stream.head import MAGIC, VERSION
from virtmig.stream.opening import Stream
from virtmig.stream.output import Packer
from virtmig.stream.place import Place
from virtmig.stream.records import CONFIGURATION, EOF, FOOTER, VMDESCRIPTION
from virtmig.stream.sections import SectionKind

START = 64
"""Bytes in which the name of the format stands: its key is the first in the order of CBOR keys."""


class Devices(Container):
    """A CBOR file of virtio devices."""

    name = "cbor"
    doc = "the devices of a stream, as virtmig pack writes them"
    suffixes = (".cbor",)

    def claims(self, start: bytes) -> bool:
        return cbor.FORMAT.encode() in start[:START]

    def open(self, outer: Place, wanted: Wanted) -> Inside:  # noqa: ARG002  of the interface
        if outer.size > cbor.MAX_SIZE:
            raise BadContainer(f"{outer.size} bytes; {cbor.MAX_SIZE} is the limit", offset=outer.at)
        packed = cbor.unpack(outer.data[outer.at :], Registry())
        return Unpacked(_records(packed), remark="the file holds virtio devices and no RAM")

    def packer(self) -> Packer | None:
        return _Packer()


def _records(packed: cbor.Container) -> Iterator[bytes]:
    """The records of a stream with these devices."""
    machine = str(packed.provenance.get("machine", "")).encode()
    named = bytes([CONFIGURATION]) + _u32(len(machine)) + machine if machine else b""
    yield MAGIC + _u32(VERSION) + named
    for number, device in enumerate(packed.devices, 1):
        name = device.idstr.encode()
        if not 0 < len(name) < 256:
            raise BadContainer(f"an idstr of {len(name)} bytes", section=device.idstr)
        start = bytes([SectionKind.FULL]) + _u32(number) + bytes([len(name)]) + name
        yield start + _u32(device.instance_id) + _u32(device.version_id) + device.payload
        yield bytes([FOOTER]) + _u32(number)
    text = json.dumps(_description(packed)).encode()
    yield bytes([EOF, VMDESCRIPTION]) + _u32(len(text)) + text


def _u32(value: int) -> bytes:
    return value.to_bytes(4, "big")


def _description(packed: cbor.Container) -> dict[str, Any]:
    return {
        "page_size": packed.provenance.get("page_size", 4096),
        "devices": [_described(device) for device in packed.devices],
    }


def _described(device: cbor.PackedDevice) -> dict[str, Any]:
    """A device as one field of its whole size."""
    field = {"name": "virtio", "type": "virtio", "size": len(device.payload)}
    about = {"name": device.idstr, "instance_id": device.instance_id}
    return {
        **about,
        "vmsd_name": device.idstr.rpartition("/")[2],
        "version": device.version_id,
        "fields": [field],
    }


@attrs.define
class _Packer:
    """Collects a stream, and packs its devices when it is whole."""

    _held: bytearray = attrs.field(factory=bytearray)

    def compress(self, data: bytes, /) -> bytes:
        self._held += data
        return b""

    def flush(self) -> bytes:
        stream = Stream.from_bytes(bytes(self._held))
        return cbor.pack(stream, "", read_devices(stream, Registry()))


DEVICES = Devices()
