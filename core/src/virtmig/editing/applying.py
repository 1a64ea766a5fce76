"""Requests of one device turned into its new state and bytes, or refused."""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from typing import Any

import attrs

from virtmig.editing import trees, values
from virtmig.editing.devices import FEATURES, Device
from virtmig.editing.paths import Place, nearest, width
from virtmig.editing.requests import Drop, Operator, Set
from virtmig.errors import BadValue, Contradiction, EditError, NoSuchPath, VirtmigError, told
from virtmig.formats import tree
from virtmig.virtio.features import feature_names
from virtmig.virtio.refitting import refit
from virtmig.wire.types import Form

_TEXT = Form(text=True)


@attrs.frozen(kw_only=True, eq=False)
class Applied:
    """A device as it is to be.

    because: of each field that follows from others, why. tree: of `state`.
    """

    device: Device
    state: Any
    tree: Mapping[str, Any]
    payload: bytes
    because: Mapping[str, str] = attrs.field(factory=dict[str, str])


def apply(device: Device, requests: Sequence[Set | Drop]) -> Applied:
    """The device after all requests; refuses what contradicts itself or the layout."""
    new = copy.deepcopy(device.tree)
    for request in requests:
        if isinstance(request, Set):
            _assign(device, new, request)
    for request in requests:
        if isinstance(request, Drop):
            _drop(device, new, request)
    applied = _encoded(device, new)
    for request in requests:
        _check(request, applied)
    return applied


def check_request(device: Device, request: Set | Drop) -> None:
    """Refuse a request that this device cannot follow, whatever else is asked for."""
    if isinstance(request, Drop):
        dropped(device, request)
    elif request.path == FEATURES:
        _features(device, request)
    else:
        place = device.paths.resolve(request.path)
        trees.reach(device.tree, place)
        _parsed(device, place, request, trees.get(device.tree, place.steps))


def _assign(device: Device, new: dict[str, Any], request: Set) -> None:
    if request.path == FEATURES:
        _assign_features(device, new, request)
        return
    place = device.paths.resolve(request.path)
    trees.put(new, place, _parsed(device, place, request, trees.get(new, place.steps)))


def _parsed(device: Device, place: Place, request: Set, now: Any) -> Any:
    if now is None and request.operator != "=":
        reason = f"it is not in the stream, so {request.operator} has nothing to start from"
        raise Contradiction(reason, path=place.path)
    try:
        return values.parse(place.kind, device.names(place), request.value, now, request.operator)
    except VirtmigError as error:
        raise error.inside(place.path) from error.__cause__


def _features(device: Device, request: Set) -> int:
    """The features that a request names."""
    if not device.has_features:
        raise NoSuchPath("a section without virtio has no features", path=FEATURES)
    try:
        return values.number(request.value, device.features)
    except VirtmigError as error:
        raise error.inside(FEATURES) from None


def _assign_features(device: Device, new: dict[str, Any], request: Set) -> None:
    """Set and clear bits in every word that the stream has, the transport's own too."""
    given = _features(device, request)
    old: int = device.state.guest_features
    wanted = values.combined(given, old, request.operator, None, sets=True)
    clear, gain = old & ~wanted, wanted & ~old
    for place in device.paths.feature_words():
        now, word = trees.get(new, place.steps), place.feature_word
        if now is not None and word is not None:
            mask = (1 << width(place.kind)) - 1
            turned = now & ~(clear >> word.lowest) | (gain >> word.lowest & mask)
            trees.put(new, place, turned)


def dropped(device: Device, request: Drop) -> Place:
    """The subsection that a request means."""
    present = [device.paths.resolve(trees.path_of(steps)) for steps in trees.keys(device.tree)]
    tails = [place for place in present if place.fields and place.fields[-1].type.tail is not None]
    fits = [one for one in tails if request.name in (one.path, str(one.steps[-1]))]
    if len(fits) != 1:
        reason = "several subsections have this name" if fits else "no such subsection is there"
        hint = nearest(request.name, [str(one.steps[-1]) for one in tails])
        raise NoSuchPath(reason, path=request.name, hint=hint)
    return fits[0]


def _drop(device: Device, new: dict[str, Any], request: Drop) -> None:
    place = dropped(device, request)
    if trees.get(new, place.steps) is not None:
        trees.remove(new, place.steps)


def _encoded(device: Device, new: dict[str, Any]) -> Applied:
    """The state that a tree stands for, refitted, with its bytes; and these say the same."""
    layout, version = device.layout, device.section.version_id
    try:
        state = tree.to_state(new, layout, device.state.facts, text=True)
    except VirtmigError as error:
        raise _refused(BadValue, error, "the values are not complete or of another kind") from None
    try:
        state, pass_ = refit(state, layout, version)
        _refuse_missing(pass_.missing)
        payload = layout.unparse(state, version)
        again = read_again(device, payload)
    except EditError:
        raise
    except VirtmigError as error:
        raise _refused(Contradiction, error, "the layout cannot hold it") from None
    except Exception as error:  # a plugin's count or condition may fail in any way
        raise Contradiction(f"the layout cannot hold it: {told(error)}") from error
    made = tree.from_state(again, layout, text=True)
    return Applied(device=device, state=again, tree=made, payload=payload, because=pass_.because)


def _refuse_missing(missing: Mapping[str, str]) -> None:
    """Say which fields are on the wire now and have no value, and why."""
    for path, text in missing.items():
        hint = " ".join(f"--set {one}=VALUE" for one in missing)
        raise Contradiction(f"it needs a value now: {text}", path=path, hint=f"add {hint}")


def read_again(device: Device, payload: bytes) -> Any:
    """The state in the bytes of a changed section, with the facts that were known."""
    facts = {fact.name: fact.value for fact in device.state.facts}
    state = device.layout.parse(payload, device.section.version_id, facts)
    return attrs.evolve(state, facts=device.state.facts)


def _refused(kind: type[BadValue | Contradiction], error: VirtmigError, what: str) -> VirtmigError:
    return kind(f"{what}: {error.reason}", path=error.where.path, hint=error.hint)


def _check(request: Set | Drop, applied: Applied) -> None:
    """Refuse if a request does not hold in the end: something else contradicts it."""
    device = applied.device
    if isinstance(request, Drop):
        if trees.get(applied.tree, dropped(device, request).steps) is not None:
            raise Contradiction("another change puts it back", path=request.name)
        return
    if request.path == FEATURES:
        _check_features(device, applied, request)
        return
    place = device.paths.resolve(request.path)
    now = trees.get(applied.tree, place.steps)
    if not _holds(device, place, request, now):
        why = applied.because.get(place.path) or "another change contradicts it"
        found = values.shown(now, device.names(place), place.kind)
        reason = f"{request.operator}{request.value[:40]} was asked for, and it ends as {found}"
        raise Contradiction(reason, path=place.path, hint=why)


def _holds(device: Device, place: Place, request: Set, now: Any) -> bool:
    if now is None:
        return False
    known = device.names(place)
    if request.operator == "=":
        asked = values.parse(place.kind, known, request.value, now, "=")
        form = attrs.evolve(_TEXT, records=device.layout.records)
        return bool(place.kind.unplain(asked, form) == place.kind.unplain(now, form))
    if values.is_number(place.kind):
        given = values.number(request.value, known, place.kind)
        return known is None or _bits_hold(request.operator, given, now)
    return bool(values.parse(place.kind, known, request.value, now, request.operator) == now)


def _bits_hold(operator: Operator, given: int, now: int) -> bool:
    if operator == "+=":
        return not given & ~now
    return not given & now if operator == "-=" else now == given


def _check_features(device: Device, applied: Applied, request: Set) -> None:
    given, now = _features(device, request), applied.state.guest_features
    if _bits_hold(request.operator, given, now):
        return
    lost = values.combined(given, now, request.operator, None, sets=True) ^ now
    text = ", ".join(feature_names(lost, device.features))
    hint = "no word of this stream holds them, or another change contradicts it"
    raise Contradiction(f"{text} cannot be as asked for", path=FEATURES, hint=hint)
