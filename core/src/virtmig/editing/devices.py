"""The devices of a stream that can be changed, and which of them a request means."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from functools import cached_property
from typing import Any, TypeVar

from virtmig.editing.paths import Paths, Place, Step, nearest
from virtmig.editing.trees import path_of
from virtmig.editing.values import Names
from virtmig.errors import EditError, NoSuchPath, UnsafeEdit
from virtmig.formats import tree
from virtmig.reading import Attached, Decoded, Found, Undecoded
from virtmig.stream.sections import Section
from virtmig.virtio.features import COMMON
from virtmig.virtio.state import VirtioState
from virtmig.wire.meaning import FeatureBits

FEATURES = "common.guest_features"
"""The path that stands for all words of accepted features."""
T = TypeVar("T")


class Device:
    """A section that was decoded: its state as a tree, and its paths."""

    def __init__(self, found: Decoded | Attached) -> None:
        self.found = found
        self.layout: Any = found.layout
        self.state: Any = found.state
        self.section: Section = found.section

    @cached_property
    def tree(self) -> dict[str, Any]:
        """The state as `inspect --json` has it; not to be changed."""
        return tree.from_state(self.state, self.layout, text=True)

    @cached_property
    def paths(self) -> Paths:
        """What can be named."""
        return Paths(self.layout, self.section.version_id)

    @cached_property
    def features(self) -> Names:
        """Names of all features of this device type."""
        if not isinstance(self.found, Decoded):
            return COMMON
        return {**COMMON, **self.found.drivers.device.driver.features}

    def names(self, place: Place) -> Names | None:
        """Names of the bits at a place; None if it is no set of bits."""
        said = (
            place.fields[-1].bits if place.fields and place.kind is place.fields[-1].type else None
        )
        if not isinstance(said, FeatureBits):
            return said
        return {
            bit - said.lowest: name for bit, name in self.features.items() if bit >= said.lowest
        }

    def is_leaf(self, steps: tuple[Step, ...]) -> bool:
        """Whether the list at a place of the tree is one value, as the ranges of a set are."""
        kind = self.paths.resolve(path_of(steps)).kind
        return kind.inner is kind

    @property
    def has_features(self) -> bool:
        """Whether `common.guest_features` means anything here."""
        return isinstance(self.state, VirtioState)


def decoded(found: Iterable[Found]) -> list[Device]:
    """The devices that can be changed by path."""
    return [Device(one) for one in found if not isinstance(one, Undecoded)]


def idstr_fits(idstr: str, wanted: str) -> bool:
    """Whether an idstr is the one that is wanted, or this is its path or its name."""
    return idstr == wanted or idstr.endswith(f"/{wanted}") or idstr.startswith(f"{wanted}/")


def label(section: Section) -> str:
    """A section as people name it: instances of one idstr are told apart by their number."""
    return f"{section.idstr}#{section.instance_id}" if section.instance_id else section.idstr


def sections_named(sections: Iterable[Section], wanted: str) -> list[Section]:
    """Sections that a name can mean: exactly, or else by its end; `IDSTR#N` is instance N."""
    every = list(sections)
    exact = [one for one in every if wanted in (one.idstr, label(one))]
    return exact or [one for one in every if idstr_fits(one.idstr, wanted)]


def one_section(sections: Sequence[Section], wanted: str) -> Section:
    """The one section that a name means."""
    fits = sections_named(sections, wanted)
    if len(fits) == 1:
        return fits[0]
    labels = [label(one) for one in fits or sections]
    if fits:
        raise NoSuchPath(f"several sections are named {wanted!r}: {', '.join(labels)}")
    raise NoSuchPath(f"no section is named {wanted!r}", hint=nearest(wanted, labels))


def one_device(
    devices: Sequence[Device],
    found: Sequence[Found],
    wanted: str,
    what: str,
    take: Callable[[Device], T],
) -> tuple[Device, T]:
    """The device that a request means, with what `take` makes of it.

    wanted: its name; empty: the only one that `take` raises no `EditError` for.
    """
    if wanted:
        device = _named(devices, found, wanted)
        return device, _tried(device, take)
    fits: list[tuple[Device, T]] = []
    errors: list[EditError] = []
    for device in devices:
        try:
            fits.append((device, _tried(device, take)))
        except EditError as error:
            errors.append(error)
    if len(fits) == 1:
        return fits[0]
    if not fits:
        raise _likeliest(errors, what) if errors else _none_decoded(found)
    names = ", ".join(label(device.section) for device, _ in fits)
    hint = f"put the device in front: {label(fits[0][0].section)}:{what}"
    raise NoSuchPath(f"several devices have {what}: {names}", hint=hint)


def _tried(device: Device, take: Callable[[Device], T]) -> T:
    try:
        return take(device)
    except EditError as error:
        raise error.in_section(device.section.idstr) from error.__cause__


def _named(devices: Sequence[Device], found: Sequence[Found], wanted: str) -> Device:
    section = one_section([one.section for one in found], wanted)
    for device in devices:
        if device.section == section:
            return device
    error = next(
        one.error for one in found if isinstance(one, Undecoded) and one.section == section
    )
    reason = f"it stays bytes, so nothing in it can be changed by its path: {error.reason}"
    raise NoSuchPath(reason, section=section.idstr, hint=error.hint)


def _none_decoded(found: Sequence[Found]) -> NoSuchPath:
    reason = "no device of this stream is decoded"
    for one in found:
        if isinstance(one, Undecoded):
            return NoSuchPath(f"{reason}: {one.error.reason}", hint=one.error.hint)
    return NoSuchPath(reason)


def _likeliest(errors: Sequence[EditError], what: str) -> EditError:
    """Of the reasons why no device fits: a wrong value says more than a path that is not there."""
    values = [error for error in errors if not isinstance(error, NoSuchPath | UnsafeEdit)]
    hints = [error for error in errors if "nearest" in error.hint]
    first = (values or hints or list(errors))[0]
    if values or hints or len(errors) == 1:
        return first
    hint = f"of one device: put it in front, as in {first.where.section}:{what}"
    return NoSuchPath(f"{first.reason}, in none of {len(errors)} devices", path=what, hint=hint)
