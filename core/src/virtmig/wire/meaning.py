"""What a change of a field does to a guest that runs on, and what the bits of a field are called.

Both are said where the field is declared, for whoever changes a saved state by hand. A field that
says nothing counts as one that a running driver relies on.
"""

from __future__ import annotations

import enum
from collections.abc import Callable, Mapping
from typing import Any

import attrs


class Risk(enum.IntEnum):
    """How much a change can hurt, from nothing to a guest that loses data."""

    SAFE = 0
    """The guest goes on as if nothing had happened."""
    CONDITIONAL = 1
    """The guest goes on if something holds that the stream does not tell."""
    UNSAFE = 2
    """A running guest driver goes wrong, or the target refuses the stream."""


@attrs.frozen
class Verdict:
    """A class of change and the reason for it.

    always: it holds whether a guest driver runs or not; otherwise an unsafe change is a
    conditional one where no driver relies on the device yet.
    """

    risk: Risk
    why: str
    always: bool = False


EditRule = Verdict | Callable[[Any, Any], Verdict]
"""The verdict on any change of a field, or a function of its old and new value in a JSON tree.

Either value is None where the field is not in the stream.
"""


def safe(why: str) -> Verdict:
    """A change that no guest notices, or that it is prepared for."""
    return Verdict(Risk.SAFE, why)


def conditional(why: str) -> Verdict:
    """A change that is right if what `why` says holds."""
    return Verdict(Risk.CONDITIONAL, why)


def unsafe(why: str, *, always: bool = False) -> Verdict:
    """A change that breaks what a running guest driver relies on.

    always: it is unsafe without a driver too, as a property of the device itself.
    """
    return Verdict(Risk.UNSAFE, why, always)


@attrs.frozen
class FeatureBits:
    """A field whose bits are feature bits.

    lowest: the feature in bit 0. accepted: whether it is (a part of) what the driver accepted, so
    that it changes together with all other such fields of the device.
    """

    lowest: int = 0
    accepted: bool = True


Bits = Mapping[int, str] | FeatureBits
"""Names of a field's bits, or that they are features."""
