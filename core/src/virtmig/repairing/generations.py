"""A stream made loadable by another version of QEMU: what that version does not know left out."""

from __future__ import annotations

import re
from collections.abc import Iterator

import attrs

from virtmig.errors import Unloadable
from virtmig.hooks.registry import Registry
from virtmig.reading import Decoded, Options
from virtmig.repairing.treating import Examination, examine
from virtmig.stream.blocks import MAPPED_RAM
from virtmig.stream.editing import Edits
from virtmig.stream.opening import Stream
from virtmig.virtio.defects import OLDEST, Release, Target, release_in, release_of, release_text

SWITCHOVER_START = 11
"""Number of the command that says that the guest has stopped for good."""
COMMAND_SIZE = 5
"""Bytes of a command in front of its body."""
COMMAND_SINCE = "10.0"
MAPPED_RAM_SINCE = "9.0"

REMOVED: dict[str, dict[Release, str]] = {
    "x86": {(10, 0): "2.4", (11, 1): "5.2"},
    "s390x": {(5, 2): "2.4", (10, 0): "2.9", (11, 1): "5.2"},
}
"""The oldest machine type that a QEMU has, where it lacks some: as their own lists say."""

_FAMILY = re.compile(r"(.*?)-\d[\w.]*$")


@attrs.frozen(kw_only=True)
class Fitted:
    """What makes a stream loadable by a target.

    seen: what was found in the devices. edits: what is to be written. changes: what was changed
    outside the devices, for people. options: what the target's devices have to be started with, if
    the source had the defaults of its machine type.
    """

    seen: Examination
    edits: Edits
    changes: tuple[str, ...]
    options: tuple[str, ...]


def fit(
    stream: Stream,
    registry: Registry,
    target: Target,
    options: Options | None = None,
    *,
    mapped: bool | None = None,
) -> Fitted:
    """Work out what has to change for a QEMU; nothing is written.

    target: without a machine type it is started with that of the stream. mapped: whether the RAM
    that is written is mapped-ram; None: as it is. What stands in the way outside the devices is an
    `Unloadable`; what does in a device is in `Fitted.seen`.
    """
    target = attrs.evolve(target, machine=target.machine or stream.machine)
    was_mapped = MAPPED_RAM in _capabilities(stream)
    mapped = was_mapped if mapped is None else mapped
    _check_target(stream, target, mapped=mapped)
    seen = examine(stream, registry, target, options)
    spans = dict.fromkeys(_commands(stream, target), b"")
    if spans and mapped != was_mapped:
        hint = "convert to the other form of RAM first, then for the other QEMU"
        raise Unloadable("two conversions at once", hint=hint)
    changes = [f"command {SWITCHOVER_START} (switchover start) left out"] * len(spans)
    renamed = target.machine if target.machine != stream.machine else None
    if renamed is not None:
        changes.insert(0, f"machine type {renamed}, was {stream.machine or 'not named'}")
    edits = Edits(payloads=seen.payloads, machine=renamed, spans=spans)
    options_needed = tuple(_options(seen, release_in(stream.machine)))
    return Fitted(seen=seen, edits=edits, changes=tuple(changes), options=options_needed)


def _options(seen: Examination, old: Release | None) -> Iterator[str]:
    """What the target's devices have to be started with to be like those of the source."""
    for device in seen.devices:
        if not isinstance(device, Decoded):
            continue
        transport = device.drivers.transport.driver.name
        for change in device.drivers.device.driver.defaults:
            needed = change.needed(old, seen.target.machine_release)
            if needed and change.transport in ("", transport):
                yield f"{device.section.idstr}: {needed}"


def obstacles(stream: Stream, target: Target) -> list[str]:
    """What keeps a target from loading a stream and lies outside the devices, in words."""
    if target.release is None:
        return []
    target = attrs.evolve(target, machine=target.machine or stream.machine)
    found: list[str] = []
    try:
        _check_target(stream, target, mapped=MAPPED_RAM in _capabilities(stream))
    except Unloadable as error:
        found.append(error.reason)
    if any(_commands(stream, target)):
        found.append(f"{target} does not know command {SWITCHOVER_START} (switchover start)")
    return found


def _commands(stream: Stream, target: Target) -> Iterator[range]:
    """Where the commands lie that the target does not know."""
    if not target.older_than(COMMAND_SINCE):
        return
    for command in stream.ram().commands:
        if command.number == SWITCHOVER_START:
            yield range(command.start - COMMAND_SIZE, command.end)


def _capabilities(stream: Stream) -> tuple[str, ...]:
    return stream.configuration.capabilities if stream.configuration else ()


def _check_target(stream: Stream, target: Target, *, mapped: bool) -> None:
    """Refuse a target that is not known, or has no such machine or no such kind of RAM."""
    release = target.release or ()
    if release < OLDEST:
        raise Unloadable(f"QEMU {release_text(release)} is older than {release_text(OLDEST)}")
    _check_family(stream.machine, target.machine)
    if mapped and target.older_than(MAPPED_RAM_SINCE):
        hint = "convert it with --to qemu"
        raise Unloadable(f"mapped-ram came with QEMU {MAPPED_RAM_SINCE}", hint=hint)
    version = target.machine_release
    if version is None:
        return
    if version[:2] > release[:2]:
        reason = f"machine type {target.machine} came with QEMU {release_text(version)}"
        hint = "name one that the target has with --machine, of the same hardware"
        raise Unloadable(reason, hint=hint)
    oldest = _oldest_machine(target.machine, release)
    if version < release_of(oldest):
        reason = f"{target} has no machine type {target.machine} any more, {oldest} is the oldest"
        raise Unloadable(reason, hint="name one that it has with --machine, of the same hardware")


def _check_family(old: str, new: str) -> None:
    """Another version of a machine type may be of equal hardware; another machine type is not."""
    families = [found[1] if (found := _FAMILY.match(name)) else name for name in (old, new)]
    if old and families[0] != families[1]:
        raise Unloadable(f"{new} is another machine than {old}, with other hardware")


def _oldest_machine(machine: str, release: Release) -> str:
    """The version of the oldest machine type of this kind that a QEMU is known to have."""
    table = REMOVED["s390x" if machine.startswith("s390") else "x86"]
    if not machine.startswith(("s390", "pc-")):
        return "1.0"
    known = [since for since in table if since <= release]
    return table[max(known)] if known else "1.0"
