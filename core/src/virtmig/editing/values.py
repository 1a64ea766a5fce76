"""Values as people write them: numbers, names of bits, MAC addresses, hexadecimal bytes, JSON."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

from virtmig.editing.paths import nearest, width
from virtmig.errors import BadValue, VirtmigError
from virtmig.virtio.features import names
from virtmig.wire.counted import Bitmap, Buffer
from virtmig.wire.plain import from_ranges, ranges
from virtmig.wire.types import Boolean, Raw, WireType, from_hex

Names = Mapping[int, str]
FLAGS = {
    **dict.fromkeys(("true", "yes", "on", "1"), True),
    **dict.fromkeys(("false", "no", "off", "0"), False),
}
_SMALL = re.compile(r"[0-9]{1,9}")
_NUMBER = re.compile(r"-?(0x[0-9a-f]+|0b[01]+|0+|[1-9][0-9]*)", re.IGNORECASE)
_BIT = re.compile(r"BIT_([0-9]{1,3})", re.IGNORECASE)


def parse(kind: WireType[Any], known: Names | None, text: str, now: Any, operator: str) -> Any:
    """What a field is to hold, as JSON data.

    known: names of its bits, or None. now: what it holds, or None. operator: `=`, `+=` or `-=`.
    """
    if is_number(kind):
        given = number(text, known, kind)
        return combined(given, now, operator, kind, sets=known is not None)
    if isinstance(kind, Bitmap):
        return _set(kind, text, now, operator)
    if operator != "=":
        raise BadValue(f"{operator} is for numbers and sets; this is {kind.label}")
    if isinstance(kind, Boolean):
        if text.lower() not in FLAGS:
            raise BadValue(f"{text!r} is not true or false")
        return FLAGS[text.lower()]
    if isinstance(kind, Raw | Buffer):
        return _hex(kind, text)
    return _json(text)


def is_number(kind: WireType[Any]) -> bool:
    """Whether a field of this wire type holds a number."""
    return hasattr(kind, "low") and hasattr(kind, "high")


def number(text: str, known: Names | None, kind: WireType[Any] | None = None) -> int:
    """A number, or names of bits with `|` between them."""
    with suppress(ValueError):  # Python makes no number of thousands of digits
        if _NUMBER.fullmatch(text):
            return int(text, 0)
    if known is None:
        raise BadValue(f"{text[:60]!r} is no number", hint=_range(kind))
    return sum(1 << bit for bit in {_bit(part.strip(), known) for part in text.split("|")})


def _bit(text: str, known: Names) -> int:
    for bit, name in known.items():
        if name.lower() == text.lower():
            return bit
    unnamed = _BIT.fullmatch(text)
    if unnamed is None:
        raise BadValue(f"no bit {text[:60]!r}", hint=nearest(text[:60], known.values()))
    return int(unnamed[1])


def combined(given: int, now: Any, operator: str, kind: WireType[Any] | None, *, sets: bool) -> int:
    """The outcome of an operator: on bits where they have names (`sets`), else on the number."""
    old = now if isinstance(now, int) else 0
    outcomes = {
        "=": given,
        "+=": old | given if sets else old + given,
        "-=": old & ~given if sets else old - given,
    }
    outcome = outcomes[operator]
    low, high = _limits(kind)
    if not low <= outcome <= high:
        raise BadValue(f"{_number(outcome)} does not fit", hint=_range(kind))
    return outcome


def _number(value: int) -> str:
    return f"{value:#x}" if value.bit_length() <= 128 else f"a number of {value.bit_length()} bits"


def _limits(kind: Any) -> tuple[int, int]:
    """The lowest and highest number of a wire type; of features, as far as they are numbered."""
    return (0, (1 << 128) - 1) if kind is None else (kind.low, kind.high)


def _range(kind: WireType[Any] | None) -> str:
    low, high = _limits(kind)
    return f"it is a number from {low} to {high:#x}"


def _set(kind: Bitmap, text: str, now: Any, operator: str) -> list[str]:
    parts: Any = _json(text) if text.startswith("[") else text.split(",")
    none: frozenset[int] = frozenset()
    asked = none.union(*(_span(str(part).strip(), kind.bits) for part in parts if part))
    old = from_ranges(now or [], kind.bits)
    return ranges({"=": asked, "+=": old | asked, "-=": old - asked}[operator])


def _span(text: str, limit: int) -> frozenset[int]:
    low, dash, high = text.partition("-")
    last = high if dash else low
    if not (_SMALL.fullmatch(low) and _SMALL.fullmatch(last) and int(low) <= int(last) < limit):
        hint = f"numbers below {limit}, such as 1,5-7"
        raise BadValue(f"{text[:60]!r} is no range of numbers", hint=hint)
    return frozenset(range(int(low), int(last) + 1))


def _hex(kind: Raw | Buffer, text: str) -> Any:
    try:
        raw = from_hex(text.replace("-", ":"))
    except VirtmigError as error:
        raise BadValue(f"{text[:60]!r}: {error.reason}") from None
    if isinstance(kind, Raw) and len(raw) != kind.size:
        raise BadValue(f"{len(raw)} bytes given, {kind.size} expected")
    return raw.hex(kind.separator) if isinstance(kind, Raw) and kind.separator else raw.hex()


def _json(text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        raise BadValue(f"{text[:60]!r} is not JSON: {error}") from None


def shown(value: Any, known: Names | None, kind: WireType[Any] | None = None) -> str:
    """A value of a tree as people read it; None if it is not there."""
    if value is None:
        return "absent"
    if known is not None and isinstance(value, int):
        return f"{value:#x} {' '.join(names(value, known))}".rstrip()
    text = json.dumps(value) if isinstance(value, dict | list | bool) else str(value)
    if kind is not None and is_number(kind) and isinstance(value, int) and width(kind) > 32:
        text = f"{value:#x}"
    return text if len(text) <= 96 else f"{text[:93]}..."


def turned(old: Any, new: Any, known: Names) -> str:
    """Which bits come and go: `-GUEST_USO4 +MQ`."""
    before, after = old or 0, new or 0
    gone = [f"-{name}" for name in names(before & ~after, known)]
    return " ".join([*gone, *(f"+{name}" for name in names(after & ~before, known))])
