"""Two states of one device: each field that differs, and what the difference means."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from typing import Any

import attrs

from virtmig.comparing import meaning
from virtmig.editing import trees, values
from virtmig.editing.devices import FEATURES, Device
from virtmig.editing.paths import Step
from virtmig.errors import NoSuchPath
from virtmig.formats.view import rings_view
from virtmig.guest.vring import Memory
from virtmig.reading import Attached, Decoded
from virtmig.virtio.features import RING_PACKED
from virtmig.virtio.state import VirtioState

Memories = tuple[Memory | None, Memory | None]


@attrs.frozen(kw_only=True)
class Difference:
    """One place that is another. one, other: as in a JSON tree, None: not there. text: both."""

    path: str
    one: Any
    other: Any
    text: str


def plain(path: str, one: Any, other: Any) -> Difference:
    """A difference that means nothing more than its two values."""
    text = f"{meaning.shown(one)} -> {meaning.shown(other)}"
    return Difference(path=path, one=one, other=other, text=text)


def differences(
    one: Decoded | Attached, other: Decoded | Attached, memories: Memories
) -> Iterator[Difference]:
    """Every difference of two states of one device; what several fields say together comes once.

    memories: where the rings of either lie, if their own indices are to be compared.
    """
    if one.section.version_id != other.section.version_id:
        yield plain("version_id", one.section.version_id, other.section.version_id)
    pair = _Twice(Device(one), Device(other))
    hidden: list[str] = []
    if pair.features is not None:
        yield pair.features
        hidden = [place.path for place in pair.one.paths.feature_words()]
    for steps in trees.differences(pair.one.tree, pair.other.tree, is_leaf=pair.one.is_leaf):
        if trees.path_of(steps) not in hidden:
            yield from pair.at(steps)
    yield from _facts(one, other)
    if isinstance(one, Decoded) and isinstance(other, Decoded):
        yield from _rings(one, other, memories)


@attrs.frozen(eq=False)
class _Twice:
    """A device, and what it is in the other stream."""

    one: Device
    other: Device

    @property
    def features(self) -> Difference | None:
        """What was accepted more or less, in all words of features."""
        old, new = self.one.state, self.other.state
        if not isinstance(old, VirtioState) or not isinstance(new, VirtioState):
            return None
        before, after = old.guest_features, new.guest_features
        if before == after:
            return None
        text = values.turned(before, after, self.one.features)
        return Difference(path=FEATURES, one=before, other=after, text=text)

    def at(self, steps: Sequence[Step]) -> Iterator[Difference]:
        """What differs at a place, which may be several fields."""
        path = trees.path_of(steps)
        old, new = trees.get(self.one.tree, steps), trees.get(self.other.tree, steps)
        one, other = self.one.found, self.other.found
        if path == "common.config" and isinstance(one, Decoded) and isinstance(other, Decoded):
            yield from _config_space(one.config_space, other.config_space)
            return
        text = meaning.came_or_went(old, new) or self._text(path, old, new)
        yield Difference(path=path, one=old, other=new, text=text)

    def _text(self, path: str, old: Any, new: Any) -> str:
        if trees.is_list(old) and trees.is_list(new):
            if len(old) == len(new):  # one value, as the ranges of a set are
                return plain(path, ",".join(map(str, old)), ",".join(map(str, new))).text
            return meaning.compared_lists(old, new)
        if meaning.is_hexadecimal(old) and meaning.is_hexadecimal(new):
            return meaning.compared_bytes(old, new)
        known = self._names(path)
        if known is not None:
            text = " -> ".join(values.shown(each, known) for each in (old, new))
            return f"{text}  ({values.turned(old, new, known)})"
        text, more = plain(path, old, new).text, self._position(path, old, new)
        return f"{text}  ({more})" if more else text

    def _names(self, path: str) -> values.Names | None:
        """Names of the bits of a field."""
        for device in (self.one, self.other):
            with suppress(NoSuchPath):  # the other version of the layout has it
                return device.names(device.paths.resolve(path))
        return None

    def _position(self, path: str, old: Any, new: Any) -> str:
        """How far the device is in a ring, and whose ring it is."""
        found = _QUEUE.match(path)
        if found is None or not isinstance(self.one.found, Decoded):
            return ""
        state, index = self.one.found.state, int(found[1])
        driver = self.one.found.drivers.device.driver
        role = driver.queue_name(index, len(state.queues)) or f"queue {index}"
        if not path.endswith("].last_avail_idx"):
            return role
        packed = state.has_feature(RING_PACKED)
        num = state.queues[index].num if index < len(state.queues) else 0
        modulus = num if packed and num else meaning.INDICES
        what = "descriptors taken" if packed else "buffers taken"
        return f"{role}: {meaning.moved_on(old, new, modulus, what)}"


_QUEUE = re.compile(r"(?:queues|subsections\.virtio/packed_virtqueues\.vq)\[(\d+)\]\.")


def _config_space(
    old: Mapping[str, int | str], new: Mapping[str, int | str]
) -> Iterator[Difference]:
    """The fields that differ; None where the space ends in front of one."""
    for name in {**old, **new}:
        if old.get(name) != new.get(name):
            yield plain(f"common.config.{name}", old.get(name), new.get(name))


def _facts(one: Decoded | Attached, other: Decoded | Attached) -> Iterator[Difference]:
    """What the bytes do not say and their layout depends on."""
    ours, theirs = ({fact.name: fact.value for fact in each.state.facts} for each in (one, other))
    for name in dict.fromkeys([*ours, *theirs]):
        if ours.get(name) != theirs.get(name):
            yield plain(f"facts.{name}", ours.get(name), theirs.get(name))


_RING_INDICES = {"avail_idx": "buffers offered", "used_idx": "buffers returned", "inuse": ""}
"""What guest memory tells of a split ring, and what a higher number counts."""


def _rings(one: Decoded, other: Decoded, memories: Memories) -> Iterator[Difference]:
    """What guest memory says of the split rings that are set up in both streams."""
    if None in memories:
        return
    ours, theirs = (
        {ring["index"]: ring for ring in rings_view(each.state, each, memory)}
        for each, memory in zip((one, other), memories, strict=True)
    )
    for index in sorted(ours.keys() & theirs.keys()):
        for name, what in _RING_INDICES.items():
            old, new = ours[index].get(name), theirs[index].get(name)
            if old is None or new is None or old == new or ours[index].get("packed"):
                continue
            text = plain(name, old, new).text
            more = meaning.moved_on(old, new, meaning.INDICES, what) if what else ""
            text = f"{text}  ({more})" if more else text
            yield Difference(path=f"rings[{index}].{name}", one=old, other=new, text=text)
