"""Two streams compared: machine, RAM blocks, devices field by field, other sections as bytes."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Sequence
from typing import Any

import attrs

from virtmig.comparing.devices import Difference, Memories, differences, plain
from virtmig.comparing.matching import Matching, Pair, match
from virtmig.editing.devices import label
from virtmig.errors import VirtmigError
from virtmig.guest.memory import guest_memory
from virtmig.hooks.registry import Registry
from virtmig.reading import Options, Undecoded, read_device, virtio_sections
from virtmig.stream.opening import Stream
from virtmig.stream.sections import Configuration, Section

DEVICES_ONLY = "cbor"
"""The container that holds nothing but virtio devices."""


@attrs.frozen(kw_only=True)
class Asked:
    """How to compare. ignore: patterns of what does not count. rings: read guest memory too."""

    options: Options = attrs.field(factory=Options)
    ignore: Sequence[str] = ()
    rings: bool = False


@attrs.frozen(kw_only=True)
class Compared:
    """A section of the first stream that is another in the second.

    errors: why a virtio device was compared as bytes.
    """

    section: Section
    differences: tuple[Difference, ...]
    errors: tuple[VirtmigError, ...] = ()


@attrs.frozen(kw_only=True)
class Comparison:
    """All that differs. ignored: how many differences were left out, as was asked for."""

    stream: tuple[Difference, ...]
    sections: tuple[Compared, ...]
    only_one: tuple[Section, ...]
    only_other: tuple[Section, ...]
    ignored: int
    notes: tuple[str, ...]

    @property
    def same(self) -> bool:
        """Whether nothing differs that counts."""
        return not (self.stream or self.sections or self.only_one or self.only_other)


def compare(one: Stream, other: Stream, registry: Registry, asked: Asked) -> Comparison:
    """What the second stream says that the first does not, and the reverse; without RAM.

    A file of nothing but virtio devices is compared with those of the other.
    """
    counting = _Counting([_pattern(each) for each in asked.ignore])
    devices = tuple(tuple(virtio_sections(each, registry)) for each in (one, other))
    comparing = _Comparing(one, other, registry, asked, devices, _memories(one, other, asked))
    devices_only = any(DEVICES_ONLY in each.container for each in (one, other))
    found = comparing.matched(devices_only=devices_only)
    pairs = sorted((pair for each in found for pair in each.pairs), key=lambda p: p.one.header)
    stream = [*_machines(one, other), *_order(pairs)]
    if not devices_only:
        stream += [*_configurations(one, other), *_blocks(one, other)]
    compared = [comparing.pair(pair, counting) for pair in pairs]
    return Comparison(
        stream=tuple(each for each in stream if counting.counts(each.path)),
        sections=tuple(each for each in compared if each is not None),
        only_one=tuple(s for each in found for s in each.ours if counting.counts(label(s))),
        only_other=tuple(s for each in found for s in each.theirs if counting.counts(label(s))),
        ignored=counting.ignored,
        notes=_notes(one, other, comparing.memories, asked),
    )


@attrs.define(eq=False)
class _Counting:
    """Tells what counts from what is to be ignored."""

    patterns: Sequence[re.Pattern[str]]
    ignored: int = 0

    def counts(self, *names: str) -> bool:
        """Whether no pattern fits any name of a place."""
        fits = any(pattern.fullmatch(name) for pattern in self.patterns for name in names)
        self.ignored += fits
        return not fits


def _pattern(glob: str) -> re.Pattern[str]:
    """A pattern of places: `*` is any text, `?` any character, and indices are as they are."""
    text = re.escape(glob).replace(r"\*", ".*").replace(r"\?", ".")
    return re.compile(text, re.DOTALL)


@attrs.frozen(eq=False)
class _Comparing:
    """Two streams, and with what they are read."""

    one: Stream
    other: Stream
    registry: Registry
    asked: Asked
    devices: tuple[tuple[Section, ...], ...]
    """The sections of virtio devices in either stream."""
    memories: Memories

    def matched(self, *, devices_only: bool) -> list[Matching]:
        """Which virtio devices are which, and which of all other sections."""
        ours, theirs = self.devices
        payload, other = self.one.payload, self.other.payload
        found = match(ours, theirs, payload, other, nearest=True)
        if devices_only:
            return [found]
        left, right = (
            [one for one in stream.sections if one not in known]
            for stream, known in ((self.one, ours), (self.other, theirs))
        )
        return [found, match(left, right, payload, other, nearest=False)]

    def pair(self, pair: Pair, counting: _Counting) -> Compared | None:
        """What differs in a section, if anything does that counts."""
        found, errors = self._differences(pair)
        if pair.moved:
            names = label(pair.one), label(pair.other)
            moved = Difference(
                path="idstr", one=names[0], other=names[1], text=f"moved to {names[1]}"
            )
            found.insert(0, moved)
        names_of = label(pair.one)
        left = [
            each
            for each in found
            if counting.counts(each.path, names_of, f"{names_of}:{each.path}")
        ]
        if not left:
            return None
        return Compared(section=pair.one, differences=tuple(left), errors=tuple(errors))

    def _differences(self, pair: Pair) -> tuple[list[Difference], list[VirtmigError]]:
        """The fields of a device that both streams tell; else the section as bytes."""
        old, new = self.one.payload(pair.one), self.other.payload(pair.other)
        if old == new and pair.one.version_id == pair.other.version_id and not self.asked.rings:
            return [], []
        errors: list[VirtmigError] = []
        if pair.one in self.devices[0]:
            sides = ((self.one, pair.one), (self.other, pair.other))
            one, other = (
                read_device(stream, section, self.registry, self.asked.options)
                for stream, section in sides
            )
            if not isinstance(one, Undecoded) and not isinstance(other, Undecoded):
                return list(differences(one, other, self.memories)), []
            errors = [each.error for each in (one, other) if isinstance(each, Undecoded)]
        return list(_as_bytes(pair, old, new)), errors


def _as_bytes(pair: Pair, old: bytes, new: bytes) -> Iterator[Difference]:
    """A section that nobody understands."""
    if pair.one.version_id != pair.other.version_id:
        yield plain("version_id", pair.one.version_id, pair.other.version_id)
    if old != new:
        one, other = (hashlib.sha256(each).hexdigest() for each in (old, new))
        text = f"{len(old)} bytes, sha256 {one[:12]} -> {len(new)} bytes, sha256 {other[:12]}"
        yield Difference(path="payload", one=one, other=other, text=text)


def _machines(one: Stream, other: Stream) -> Iterator[Difference]:
    if one.machine != other.machine:
        yield plain("machine", one.machine, other.machine)
    if one.page_size != other.page_size:
        yield plain("page_size", one.page_size, other.page_size)


def _configurations(one: Stream, other: Stream) -> Iterator[Difference]:
    """What else the records in front of all sections say."""
    nothing = Configuration("")
    ours, theirs = (stream.configuration or nothing for stream in (one, other))
    for name in ("capabilities", "target_page_bits", "uuid"):
        before, after = (_told(getattr(each, name)) for each in (ours, theirs))
        if before != after:
            yield plain(name, before, after)


def _told(value: Any) -> Any:
    """A value of the configuration as JSON data."""
    if isinstance(value, bytes):
        return value.hex()
    return [*value] if value.__class__ is tuple else value


def _blocks(one: Stream, other: Stream) -> Iterator[Difference]:
    """The RAM blocks by name, with their lengths; and the live sections."""
    ours, theirs = ({block.name: block.length for block in s.blocks} for s in (one, other))
    for name in dict.fromkeys([*ours, *theirs]):
        if ours.get(name) != theirs.get(name):
            yield plain(f"ram.{name}", ours.get(name), theirs.get(name))
    before, after = ([section.idstr for section in stream.live] for stream in (one, other))
    if before != after:
        yield plain("live", before, after)


def _order(pairs: Sequence[Pair]) -> Iterator[Difference]:
    """Sections that both have, in another order."""
    there = [pair.other.header for pair in pairs]
    if there != sorted(there):
        text = "the sections that both have come in another order"
        yield Difference(path="order", one=None, other=None, text=text)


def _memories(one: Stream, other: Stream, asked: Asked) -> Memories:
    """The guest's memory of both, as far as it is to be read and can be."""
    if not asked.rings:
        return None, None
    found = [guest_memory(stream) for stream in (one, other)]
    return (found[0] if found[0].available else None, found[1] if found[1].available else None)


def _notes(one: Stream, other: Stream, memories: Memories, asked: Asked) -> tuple[str, ...]:
    notes = [stream.remark for stream in (one, other) if stream.remark]
    if asked.rings and None in memories:
        missing = one if memories[0] is None else other
        notes.append(f"the rings' own indices are not compared: {guest_memory(missing).why_not}")
    return tuple(notes)
