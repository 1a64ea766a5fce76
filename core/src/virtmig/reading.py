"""A stream's virtio devices, decoded one by one: a bad one never hides its neighbours."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import attrs

from virtmig.errors import DriverFailed, MissingFact, VirtmigError, told
from virtmig.hooks.registry import Drivers, Registry
from virtmig.stream.opening import Stream
from virtmig.stream.sections import Section
from virtmig.virtio.rings import Endian
from virtmig.virtio.state import VirtioState

VIRTIO_NAME = re.compile(r"(?:.*/)?(?:virtio|vhost)-[\w-]+")


@attrs.frozen(eq=False)
class Decoded:
    """A device whose section was understood to the last byte."""

    section: Section
    drivers: Drivers
    state: VirtioState
    endian: Endian


@attrs.frozen(eq=False)
class Undecoded:
    """A device whose section stays bytes, and why."""

    section: Section
    error: VirtmigError
    drivers: Drivers | None = None


@attrs.frozen
class Options:
    """What a caller knows beside the stream.

    facts: answers to open facts, as text, by name. transports: transport driver names by idstr,
    for devices whose path does not tell.
    """

    facts: Mapping[str, str] = attrs.field(factory=dict[str, str])
    transports: Mapping[str, str] = attrs.field(factory=dict[str, str])


def virtio_sections(stream: Stream) -> Iterator[Section]:
    """Sections of virtio devices, by their vmsd name, in stream order."""
    return (one for one in stream.sections if VIRTIO_NAME.fullmatch(one.idstr))


def read_devices(
    stream: Stream, registry: Registry, options: Options | None = None
) -> list[Decoded | Undecoded]:
    """Every virtio device of a stream, decoded or with the reason why not."""
    return [
        read_device(stream, section, registry, options or Options())
        for section in virtio_sections(stream)
    ]


def read_device(
    stream: Stream, section: Section, registry: Registry, options: Options
) -> Decoded | Undecoded:
    """One virtio device."""
    drivers: Drivers | None = None
    try:
        transport = options.transports.get(section.idstr, "")
        drivers = registry.drivers(section.idstr, stream.machine, transport)
        state = parse(section, stream.payload(section), drivers, options)
    except VirtmigError as error:
        return Undecoded(section, error.in_section(section.idstr), drivers)
    return Decoded(section, drivers, state, target_endian(stream.machine, section.idstr))


def parse(section: Section, payload: bytes, drivers: Drivers, options: Options) -> VirtioState:
    """The state in a payload; an exception out of a driver's own code names the driver."""
    envelope = drivers.envelope
    known = envelope.open_facts
    facts: dict[str, Any] = {
        name: known[name].parse(text) for name, text in options.facts.items() if name in known
    }
    try:
        return envelope.parse(payload, section.version_id, facts)
    except VirtmigError:
        raise
    except Exception as error:
        owners = f"{drivers.transport.owner} or {drivers.device.owner}"
        text = f"{owners}: a layout failed: {told(error)}"
        raise DriverFailed(text) from error


def target_endian(machine: str, idstr: str) -> Endian:
    """Byte order of the guest's CPU: by machine type, else by the form of the device path."""
    big = machine.startswith("s390") if machine else idstr.startswith("/")
    return "big" if big else "little"


def check_facts(options: Options, devices: Sequence[Decoded | Undecoded]) -> None:
    """Refuse a fact or a device that this stream does not have: most likely a misspelling."""
    known = {
        name
        for device in devices
        if device.drivers is not None
        for name in device.drivers.envelope.open_facts
    }
    for name in options.facts:
        if known and name not in known:
            hint = f"known: {', '.join(sorted(known))}"
            raise MissingFact(f"no device here has a fact {name!r}", hint=hint)
    idstrs = [device.section.idstr for device in devices]
    for idstr in options.transports:
        if idstr not in idstrs:
            hint = f"there are: {', '.join(idstrs)}"
            raise MissingFact(f"no virtio device {idstr!r} to give a transport to", hint=hint)
