"""What a half-typed request can become: paths of the stream, operators, names of bits."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from virtmig.editing import trees
from virtmig.editing.devices import FEATURES, Device, sections_named
from virtmig.editing.paths import Paths, Place
from virtmig.editing.requests import split_device

OPERATORS = ("+=", "-=", "=")


def complete_set(devices: Sequence[Device], text: str, device: str = "") -> list[str]:
    """Ends of `[IDSTR:]PATH=VALUE`: the next part of the path, or names of bits behind an `=`."""
    left, operator, value = _split(text)
    named, path = split_device(left)
    front = f"{named}:" if named else ""
    wanted = named or device
    fits = [one for one in devices if not wanted or sections_named([one.section], wanted)]
    found: list[str] = []
    for one in fits:
        if operator:
            found += [f"{left}{operator}{end}" for end in _values(one, path, value)]
        else:
            found += [front + end for end in _paths(one, path)]
    if not operator:
        names = (one.section.idstr for one in devices)
        found += [f"{name}:" for name in names if name.startswith(text)]
    return list(dict.fromkeys(found))


def _split(text: str) -> tuple[str, str, str]:
    left, equals, value = text.partition("=")
    if not equals:
        return text, "", ""
    sign = left[-1:] if left[-1:] in ("+", "-") else ""
    return left.removesuffix(sign) if sign else left, f"{sign}=", value


def _paths(device: Device, text: str) -> Iterator[str]:
    """Paths that begin like `text`, up to their next part."""
    above, _, _ = text.rpartition(".")
    places = device.paths.roots() if not above else _below(device, above)
    for place in places:
        if place.path.startswith(text):
            yield from _ends(device, place)
    if device.has_features and above == "common" and FEATURES.startswith(text):
        yield from (f"{FEATURES}{operator}" for operator in OPERATORS)


def _below(device: Device, above: str) -> list[Place]:
    paths: Paths = device.paths
    place = paths.resolve(above)
    return list(paths.below(place))


def _ends(device: Device, place: Place) -> Iterator[str]:
    """A record goes on with a point, a list with an index, a field with an operator."""
    now = trees.get(device.tree, place.steps)
    if trees.is_list(now) and device.paths.is_record(place):
        yield from (f"{place.path}[{index}]." for index in range(len(now)))
    elif device.paths.is_record(place):
        yield from [f"{place.path}."] if list(device.paths.below(place)) else []
    elif device.names(place) is not None:
        yield from (f"{place.path}{operator}" for operator in OPERATORS)
    else:
        yield f"{place.path}="


def _values(device: Device, path: str, text: str) -> Iterator[str]:
    """Names of bits, the last of several."""
    known = device.features if path == FEATURES else device.names(device.paths.resolve(path))
    front, bar, last = text.rpartition("|")
    for name in (known or {}).values():
        if name.lower().startswith(last.lower()):
            yield f"{front}{bar}{name}"


def complete_drop(devices: Sequence[Device], text: str, device: str = "") -> list[str]:
    """Ends of `[IDSTR:]NAME`: the subsections that are there."""
    named, name = split_device(text)
    front = f"{named}:" if named else ""
    wanted = named or device
    found: list[str] = []
    for one in devices:
        if wanted and not sections_named([one.section], wanted):
            continue
        keys = [str(steps[-1]) for steps in trees.keys(one.tree)]
        tails = [key for key in keys if "/" in key and key.startswith(name)]
        found += [front + key for key in tails]
    return list(dict.fromkeys(found))
