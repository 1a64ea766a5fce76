"""What to do about a field that is saved as another value than it was loaded with."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import attrs

from virtmig.errors import LoadRefused
from virtmig.testing.bench import Bench
from virtmig.testing.diff import Difference, fields_of, kind_of
from virtmig.testing.draw import RandomDraw
from virtmig.testing.drawn import record_classes
from virtmig.testing.looking import frozen, own
from virtmig.testing.report import LawBroken
from virtmig.virtio.state import VirtioState
from virtmig.wire.layout import layout_of

TRIES = 40
ENOUGH = 2
"""Values that have to be kept before it is thinkable that others are brought into range."""
EXTRA = "extra_state"
"""The part of a transport that need not be there."""
DEPENDS = "let has_extra_state say what the transport is, by a property, and not what it holds now"
REFUSE = "or raise DeviceMismatch for a value that does not fit"


def how_to_keep(bench: Bench, found: Difference, state: VirtioState) -> str:
    """What to do about a difference to the `state` that was loaded, by what became of it."""
    plain = found.field.rpartition(".")[2]
    if found.path == EXTRA:
        return DEPENDS
    if other := _mixed_up(bench, found, state):
        return f"keep what is a queue's by its whole index: what {other} is given decides here"
    classes = record_classes(bench.subject.driver)
    if plain and plain in {layout_of(cls).version_field for cls in classes}:
        return "save the version that was loaded, or raise DeviceMismatch for it"
    return _by_value(bench, found, plain)


def _by_value(bench: Bench, found: Difference, plain: str) -> str:
    """What to do about a field by the values that it had; `plain` is its name alone."""
    tried = list(_tried(bench, found.field))
    if saved_from := _not_asked(tried):
        return f"the save hook does not take it from the device: save {saved_from}, which holds it"
    if part := kept_part(found.one, found.other):
        return f"keep all of it, not only its {part}: it may be cut on its way; {REFUSE}"
    single = all(isinstance(one, int | bytes | frozenset) for one in (found.one, found.other))
    if not plain or found.field in bench.counts or not single:
        return f"put every field back as it is; {REFUSE}"
    kept = {repr(one.loaded) for one in tried if one.loaded == one.saved}
    if len(kept - {"None"}) < ENOUGH:
        do = "let the load hook put it into the device, and the save hook take it from there: "
        return f"{do}hardly any value is kept"
    do = f"put every field back as it is; {REFUSE}; or, if QEMU itself brings it into range: "
    return f"{do}normalised = ({plain!r},)"


def _mixed_up(bench: Bench, found: Difference, state: VirtioState) -> str:
    """The other queue whose part of the state decides what is saved for this one: `queues[8]`."""
    mine, _, plain = found.path.partition(".")
    parts = bench.parts(state)
    for path, part in parts.items():
        if path != mine and mine.startswith("queues[") and type(part) is type(parts.get(mine)):
            again = _saved_after(bench, bench.put(state, {path: parts[mine]}))
            record = bench.parts(again).get(mine) if again is not None else None
            if hasattr(record, plain) and getattr(record, plain) != found.other:
                return path
    return ""


def _saved_after(bench: Bench, state: VirtioState) -> VirtioState | None:
    """What a fresh device saves that was given a state; None if it takes it not."""
    device = bench.fresh(state)
    try:
        bench.load(device, state)
        return bench.save(device)
    except (LoadRefused, LawBroken):
        return None


def kept_part(one: Any, other: Any) -> str:
    """What is left of a value, if the other one looks like a part of it."""
    if type(one) is int and type(other) is int:
        cut = any(one >> bits and other == one & (1 << bits) - 1 for bits in (8, 16, 32))
        return "low bits" if cut else ""
    if type(one) is bytes and type(other) is bytes:
        kept = other.rstrip(b"\0")
        return f"first {len(kept)} bytes" if one.startswith(kept) and kept != one else ""
    return ""


@attrs.frozen
class Tried:
    """One value of a field that was loaded, what was saved after that, and the device by then."""

    loaded: Any
    saved: Any
    kind: str
    held: dict[str, Any]


def _tried(bench: Bench, field: str) -> Iterator[Tried]:
    """What becomes of the values that a field has in drawn states."""
    for number in range(TRIES):
        state = bench.draw_state(RandomDraw(number))
        device = bench.fresh(state)
        try:
            bench.load(device, state)
            live = bench.live(device)
            held, again = own(live), bench.save(device)
        except (LoadRefused, LawBroken):
            continue
        pairs = zip(_values(bench, state, field), _values(bench, again, field), strict=False)
        yield from (Tried(one, other, type(live).__name__, held) for one, other in pairs)


def _not_asked(tried: Sequence[Tried]) -> str:
    """The attribute that held each value that was loaded, of which the save hook takes none."""
    given = [one for one in tried if one.loaded is not None]
    if len({repr(one.loaded) for one in given}) < ENOUGH or len({repr(t.saved) for t in given}) > 1:
        return ""
    for name in given[0].held:
        if all(_plain(one.held.get(name)) == _plain(frozen(one.loaded)) for one in given):
            return f"{given[0].kind}.{name}"
    return ""


def _plain(value: Any) -> Any:
    """A value as `frozen` gives it; a list is a tuple."""
    return value[1:] if kind_of(value) in ("list", "tuple") else value


def _values(bench: Bench, state: VirtioState, field: str) -> list[Any]:
    """All values of one field in a state."""
    found = [one for path, part in bench.parts(state).items() for one in fields_of(part, path)]
    return [value for name, _, value in found if name == field]
