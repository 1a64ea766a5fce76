"""What to do about a field that is saved as another value than it was loaded with."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from virtmig.errors import LoadRefused
from virtmig.testing.bench import Bench
from virtmig.testing.diff import Difference, fields_of
from virtmig.testing.draw import RandomDraw
from virtmig.testing.drawn import record_classes
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


def how_to_keep(bench: Bench, found: Difference) -> str:
    """What to do, by what became of the value and of other values of the same field."""
    plain = found.field.rpartition(".")[2]
    if found.path == EXTRA:
        return DEPENDS
    classes = record_classes(bench.subject.driver)
    if plain and plain in {layout_of(cls).version_field for cls in classes}:
        return "save the version that was loaded, or raise DeviceMismatch for it"
    if part := kept_part(found.one, found.other):
        return f"keep all of it, not only its {part}: it may be cut on its way; {REFUSE}"
    single = all(isinstance(one, int | bytes | frozenset) for one in (found.one, found.other))
    if not plain or found.field in bench.counts or not single:
        return f"put every field back as it is; {REFUSE}"
    if len(set(_kept_values(bench, found.field))) < ENOUGH:
        return "put it back in the load hook, and save it from there: hardly any value is kept"
    do = f"put every field back as it is; {REFUSE}; or, if QEMU itself brings it into range: "
    return f"{do}normalised = ({plain!r},)"


def kept_part(one: Any, other: Any) -> str:
    """What is left of a value, if the other one looks like a part of it."""
    if type(one) is int and type(other) is int:
        cut = any(one >> bits and other == one & (1 << bits) - 1 for bits in (8, 16, 32))
        return "low bits" if cut else ""
    if type(one) is bytes and type(other) is bytes:
        kept = other.rstrip(b"\0")
        return f"first {len(kept)} bytes" if one.startswith(kept) and kept != one else ""
    return ""


def _kept_values(bench: Bench, field: str) -> Iterator[str]:
    """Values of a field that drawn states have and that are saved as they were loaded."""
    for number in range(TRIES):
        state = bench.draw_state(RandomDraw(number))
        device = bench.fresh(state)
        try:
            bench.load(device, state)
            again = bench.save(device)
        except (LoadRefused, LawBroken):
            continue
        pairs = zip(_values(bench, state, field), _values(bench, again, field), strict=False)
        yield from (repr(one) for one, other in pairs if one == other and one is not None)


def _values(bench: Bench, state: VirtioState, field: str) -> list[Any]:
    """All values of one field in a state."""
    found = [one for path, part in bench.parts(state).items() for one in fields_of(part, path)]
    return [value for name, _, value in found if name == field]
