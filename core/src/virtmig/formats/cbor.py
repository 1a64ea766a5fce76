"""The device set of a stream as one CBOR file: typed, with its provenance, checked on reading.

Profile (RFC 8949 section 4.2): definite lengths, shortest forms, sorted keys, no doubled keys,
nesting of at most 32. A reader checks it by writing what it read and comparing, so that a file
has one form only. `sha256` is of the file's own map without that key.
"""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import attrs
import cbor2

from virtmig import __version__
from virtmig.errors import BadContainer, VirtmigError, shown
from virtmig.formats import tree
from virtmig.formats.view import section_view
from virtmig.hooks.registry import Drivers, Registry
from virtmig.reading import Attached, Decoded, Found, Undecoded
from virtmig.stream import writing
from virtmig.stream.opening import Stream
from virtmig.stream.place import Place
from virtmig.virtio.envelope import SectionLayout
from virtmig.virtio.facts import Fact, Source
from virtmig.wire.types import expect, expect_list, expect_map

FORMAT = "virtmig-devices"
SCHEMA = 1
MAX_DEPTH = 32
MAX_SIZE = 1 << 30
"""Bytes of a file that is read at the most; a thousand devices take 10 MiB."""


@attrs.frozen(kw_only=True)
class PackedDevice:
    """One device of a container, back as the bytes of its section.

    decoded: whether it was stored as typed state, or as the bytes that they were.
    """

    idstr: str
    instance_id: int
    version_id: int
    payload: bytes
    decoded: bool


@attrs.frozen(kw_only=True)
class Container:
    """What a file holds: where it came from, and its devices."""

    provenance: Mapping[str, Any]
    devices: tuple[PackedDevice, ...]


def pack(stream: Stream, name: str, devices: Sequence[Found]) -> bytes:
    """The container of a stream's devices; those that stay bytes are in it as bytes."""
    body = {
        "format": FORMAT,
        "schema": SCHEMA,
        "provenance": {
            "file": os.fsencode(name).decode("utf-8", "backslashreplace"),
            "machine": stream.machine,
            "page_size": stream.page_size,
            "packed_by": f"virtmig {__version__}",
        },
        "devices": [_device(stream, device) for device in devices],
    }
    return _dump({**body, "sha256": hashlib.sha256(_dump(body)).digest()})


def _device(stream: Stream, device: Found) -> dict[str, Any]:
    payload = stream.payload(device.section)
    if isinstance(device, Undecoded):
        reason = str(device.error)
        return {**section_view(device.section), "payload": payload, "reason": reason}
    return {
        **section_view(device.section),
        **_layout_of(device),
        "facts": [[fact.name, fact.value, fact.source.value] for fact in device.state.facts],
        "payload_sha256": hashlib.sha256(payload).digest(),
    }


def _layout_of(device: Decoded | Attached) -> dict[str, Any]:
    """The state, and which drivers it takes to read it."""
    if isinstance(device, Attached):
        return {
            "section": device.bound.driver.name,
            "drivers": [device.bound.owner],
            "state": tree.from_state(device.state, device.layout, text=False),
        }
    transport, driver = device.drivers.transport, device.drivers.device
    return {
        "transport": transport.driver.name,
        "device": driver.driver.name,
        "drivers": [transport.owner, driver.owner],
        "state": tree.from_state(device.state, device.layout, text=False),
    }


def _dump(value: Any) -> bytes:
    return cbor2.dumps(value, canonical=True)


def write(path: str | os.PathLike[str], data: bytes) -> None:
    """Write a container; the file is whole or not there."""
    writing.write_pieces(path, Place(b""), [data])


def read(path: str | os.PathLike[str], registry: Registry) -> Container:
    """Read a container; every device is encoded again and compared with its checksum."""
    about = Path(path).stat()
    if not stat.S_ISREG(about.st_mode):
        raise BadContainer("it is a directory, a pipe or a device, not a file")
    if about.st_size > MAX_SIZE:
        raise BadContainer(f"{about.st_size} bytes; {MAX_SIZE} is the limit")
    return unpack(Path(path).read_bytes(), registry)


def unpack(data: bytes, registry: Registry) -> Container:
    """The same for bytes in memory."""
    body = _load(data)
    if body.get("format") != FORMAT:
        raise BadContainer(f"not a {FORMAT} file")
    if body.get("schema") != SCHEMA:
        found = body.get("schema")
        raise BadContainer(f"schema {shown(found)}; this virtmig reads schema {SCHEMA}")
    digest = body.pop("sha256", None)
    if digest != hashlib.sha256(_dump(body)).digest():
        raise BadContainer("the checksum does not match: the file is damaged")
    devices = expect_list(body.get("devices"))
    provenance = expect_map(body.get("provenance"))
    if not all(type(key) is str and type(one) in (str, int) for key, one in provenance.items()):
        raise BadContainer("provenance holds more than texts and numbers")
    return Container(
        provenance=provenance, devices=tuple(_restore(one, registry) for one in devices)
    )


def _load(data: bytes) -> dict[str, Any]:
    if data.startswith(b"QEVM"):
        raise BadContainer("this is a QEMU stream, not a container", hint="virtmig pack makes one")
    try:
        body = cbor2.loads(
            data, allow_duplicate_keys=False, allow_indefinite=False, max_depth=MAX_DEPTH
        )
        canonical = _dump(body)
    except Exception as error:
        raise BadContainer(f"not CBOR of virtmig's profile: {error}") from error
    if canonical != data:
        raise BadContainer("not canonical CBOR, or bytes follow it")
    return expect_map(body)


def _restore(entry: Any, registry: Registry) -> PackedDevice:
    body = expect_map(entry)
    idstr = expect(str, body.get("idstr"))
    try:
        version = _u32(body.get("version_id"))
        instance = _u32(body.get("instance_id"))
        decoded = "state" in body
        payload = _encode(body, version, registry) if decoded else expect(bytes, body["payload"])
    except VirtmigError as error:
        raise error.in_section(idstr) from error.__cause__
    except KeyError as error:
        raise BadContainer(f"no {error}", section=idstr) from None
    return PackedDevice(
        idstr=idstr, instance_id=instance, version_id=version, payload=payload, decoded=decoded
    )


def _u32(value: Any) -> int:
    number = expect(int, value)
    if not 0 <= number < 1 << 32:
        raise BadContainer(f"{shown(number)} does not fit 32 bits")
    return number


def _encode(body: dict[str, Any], version: int, registry: Registry) -> bytes:
    layout = _layout(body, registry)
    facts = tuple(_fact(one) for one in expect_list(body["facts"]))
    state = tree.to_state(body["state"], layout, facts, text=False)
    payload = layout.unparse(state, version)
    if hashlib.sha256(payload).digest() != body["payload_sha256"]:
        raise BadContainer("the installed drivers encode this device to other bytes")
    return payload


def _layout(body: dict[str, Any], registry: Registry) -> SectionLayout[Any]:
    if "section" in body:
        return registry.section(expect(str, body["section"])).layout
    transport = registry.transport("", "", expect(str, body["transport"]))
    return Drivers(transport, registry.device(expect(str, body["device"]))).envelope


def _fact(entry: Any) -> Fact:
    try:
        name, value, source = expect_list(entry)
        return Fact(expect(str, name), value, Source(source))
    except ValueError as error:
        raise BadContainer(f"fact {shown(entry)}: {error}") from None
