"""A stream's virtio devices, decoded one by one: a bad one never hides its neighbours."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, TypeVar

import attrs

from virtmig.errors import DriverFailed, MissingFact, VirtmigError, told
from virtmig.hooks.bound import BoundSection
from virtmig.hooks.registry import Drivers, Registry
from virtmig.stream.opening import Stream
from virtmig.stream.sections import Section
from virtmig.virtio.configspace import config_fields
from virtmig.virtio.drivers import SectionDriver
from virtmig.virtio.envelope import SectionLayout
from virtmig.virtio.rings import Endian, byte_order
from virtmig.virtio.state import SectionState, VirtioState

S = TypeVar("S", bound=VirtioState | SectionState)
VIRTIO_NAME = re.compile(r"(?:.*/)?(?:virtio|vhost)-[\w-]+")


@attrs.frozen(eq=False)
class Decoded:
    """A device whose section was understood to the last byte."""

    section: Section
    drivers: Drivers
    state: VirtioState
    endian: Endian

    @property
    def layout(self) -> SectionLayout[VirtioState]:
        """How the section is laid out."""
        return self.drivers.envelope

    @property
    def config_space(self) -> dict[str, int | str]:
        """The fields of its configuration space by name; bytes are hexadecimal."""
        sizes = self.drivers.device.driver.config_space
        return config_fields(sizes, self.state.common.config, byte_order(self.state, self.endian))


@attrs.frozen(eq=False)
class Attached:
    """A section that belongs to a virtio device and has no virtio core, understood to the end."""

    section: Section
    bound: BoundSection
    state: SectionState

    @property
    def layout(self) -> SectionLayout[SectionState]:
        """How the section is laid out."""
        return self.bound.layout


@attrs.frozen(eq=False)
class Undecoded:
    """A device whose section stays bytes, and why."""

    section: Section
    error: VirtmigError
    layout: SectionLayout[Any] | None = None


Found = Decoded | Attached | Undecoded


@attrs.frozen
class Options:
    """What a caller knows beside the stream.

    facts: answers to open facts, as text, by name. transports: transport driver names by idstr,
    for devices whose path does not tell.
    """

    facts: Mapping[str, str] = attrs.field(factory=dict[str, str])
    transports: Mapping[str, str] = attrs.field(factory=dict[str, str])


def virtio_sections(stream: Stream, registry: Registry) -> Iterator[Section]:
    """Sections of virtio devices, by vmsd name, and those attached to them, in stream order."""
    for one in stream.sections:
        if _name(one.idstr) in registry.section_names:
            if _parent_of(stream, one, registry) is not None:
                yield one
        elif VIRTIO_NAME.fullmatch(one.idstr):
            yield one


def _name(idstr: str) -> str:
    return idstr.rpartition("/")[2]


def _parent_of(stream: Stream, section: Section, registry: Registry) -> str | None:
    """The idstr of the virtio device that a section without virtio belongs to.

    A device whose idstr has no path (old machine types of s390x) has all such sections below it. A
    driver that does not work claims its sections by their name alone, so that the error shows.
    """
    try:
        driver: SectionDriver = registry.section(_name(section.idstr)).driver
    except VirtmigError:
        return section.idstr
    place = section.idstr.rpartition("/")[0]
    for other in stream.sections:
        path, _, name = other.idstr.rpartition("/")
        if name == driver.parent and f"{place}/".startswith(path and f"{path}/"):
            return other.idstr
    return None


def read_devices(stream: Stream, registry: Registry, options: Options | None = None) -> list[Found]:
    """Every virtio device of a stream and what is attached to it, or the reason why not."""
    return [
        read_device(stream, section, registry, options or Options())
        for section in virtio_sections(stream, registry)
    ]


def read_device(stream: Stream, section: Section, registry: Registry, options: Options) -> Found:
    """One virtio device, or one section attached to a device."""
    layout: SectionLayout[Any] | None = None
    try:
        if _name(section.idstr) in registry.section_names:
            bound = registry.section(_name(section.idstr))
            layout = bound.layout
            state = parse(section, stream.payload(section), bound.layout, options, bound.owner)
            return Attached(section, bound, state)
        transport = options.transports.get(section.idstr, "")
        drivers = registry.drivers(section.idstr, stream.machine, transport)
        layout = drivers.envelope
        owners = f"{drivers.transport.owner} or {drivers.device.owner}"
        virtio = parse(section, stream.payload(section), drivers.envelope, options, owners)
    except VirtmigError as error:
        return Undecoded(section, error.in_section(section.idstr), layout)
    return Decoded(section, drivers, virtio, target_endian(stream.machine, section.idstr))


def parse(
    section: Section, payload: bytes, layout: SectionLayout[S], options: Options, owners: str
) -> S:
    """The state in a payload; an exception out of a driver's own code names the driver."""
    known = layout.open_facts
    facts: dict[str, Any] = {
        name: known[name].parse(text) for name, text in options.facts.items() if name in known
    }
    try:
        return layout.parse(payload, section.version_id, facts)
    except VirtmigError:
        raise
    except Exception as error:
        raise DriverFailed(f"{owners}: a layout failed: {told(error)}") from error


def target_endian(machine: str, idstr: str) -> Endian:
    """Byte order of the guest's CPU: by machine type, else by the form of the device path."""
    big = machine.startswith("s390") if machine else idstr.startswith("/")
    return "big" if big else "little"


def check_facts(options: Options, devices: Sequence[Found]) -> None:
    """Refuse a fact or a device that this stream does not have: most likely a misspelling."""
    known = {
        name for device in devices if device.layout is not None for name in device.layout.open_facts
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
