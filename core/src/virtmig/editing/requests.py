"""What can be asked for: one value, a subsection dropped, a section renamed, a patch applied."""

from __future__ import annotations

import re
from typing import Literal

import attrs

from virtmig.errors import BadValue

Operator = Literal["=", "+=", "-="]
LONGEST_NAME = 1024
"""Characters of a path, a section's or a subsection's name that is asked for."""
_SET = re.compile(r"(?P<left>[^=]*?)(?P<operator>[+-]?=)(?P<value>.*)", re.DOTALL)
_OPERATORS: dict[str, Operator] = {"=": "=", "+=": "+=", "-=": "-="}


@attrs.frozen
class Set:
    """Another value of a field.

    path: as `inspect --json` has it below `state`, or `common.guest_features` for all words of
    accepted features. value: as people write it. device: idstr or its end; empty: the only device
    that has the path (and, for names of bits, the names).
    """

    path: str
    operator: Operator
    value: str
    device: str = ""

    def __str__(self) -> str:
        return f"{_front(self.device)}{self.path}{self.operator}{self.value}"


@attrs.frozen
class Drop:
    """A subsection that is to go, by its vmsd name."""

    name: str
    device: str = ""

    def __str__(self) -> str:
        return f"drop {_front(self.device)}{self.name}"


@attrs.frozen
class Rename:
    """Another idstr of a section."""

    old: str
    new: str

    def __str__(self) -> str:
        return f"rename {self.old} to {self.new}"


@attrs.frozen
class Machine:
    """Another machine type in the configuration record."""

    name: str

    def __str__(self) -> str:
        return f"machine type {self.name}"


@attrs.frozen
class Hunk:
    """Bytes at an offset of a payload, and what stands in their place."""

    offset: int
    old: bytes
    new: bytes


@attrs.frozen(kw_only=True)
class Bytes:
    """A section that is to become, byte for byte, what another one was.

    before, after: SHA-256 of its payload. new_idstr: what it is called then. undo: it takes an
    earlier change back.
    """

    idstr: str
    instance_id: int
    before: bytes
    after: bytes
    hunks: tuple[Hunk, ...]
    new_idstr: str
    undo: bool = False

    def __str__(self) -> str:
        return f"{'undo' if self.undo else 'patch'} of {self.idstr}"


@attrs.frozen
class MachineBack:
    """A machine type that a patch changes: what it has to be before, and what it becomes."""

    before: str
    after: str
    undo: bool = False

    def __str__(self) -> str:
        return f"machine type {self.before} to {self.after}"


Request = Set | Drop | Rename | Machine | Bytes | MachineBack


def _front(device: str) -> str:
    return f"{device}:" if device else ""


def parse_set(text: str, device: str = "") -> Set:
    """The request in `[IDSTR:]PATH=VALUE`; device: the one that is meant if the text has none."""
    found = _SET.fullmatch(text)
    if found is None or not found["left"]:
        hint = "operators are =, += and -="
        raise BadValue(f"{text[:80]!r} is not of the form PATH=VALUE", hint=hint)
    named, path = split_device(_short(found["left"].strip()))
    return Set(path, _OPERATORS[found["operator"]], found["value"].strip(), named or device)


def parse_drop(text: str, device: str = "") -> Drop:
    """The request in `[IDSTR:]NAME`."""
    named, name = split_device(_short(text))
    return Drop(name, named or device)


def parse_rename(old: str, new: str) -> Rename:
    """The request for another idstr."""
    return Rename(_short(old), _short(new))


def _short(name: str) -> str:
    if len(name) > LONGEST_NAME:
        raise BadValue(f"a name of {len(name)} characters; {LONGEST_NAME} are the limit")
    return name


def split_device(text: str) -> tuple[str, str]:
    """The device in front of the last colon, which no path has; and the rest."""
    device, _, rest = text.rpartition(":")
    return device, rest
