"""What a condition or a count may look at: earlier siblings, earlier parts, and facts."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Protocol

import attrs

from virtmig.errors import MissingFact

HOST_BYTEORDER = "host_byteorder"

Seen = Mapping[str, Any]
"""Values of the fields that stand earlier in the same record, by name."""


class FactSource(Protocol):
    """Answers what the bytes do not say; see `virtmig.virtio.facts`."""

    def __getitem__(self, name: str, /) -> Any: ...


class Facts(dict[str, Any]):
    """Facts by name; asking for one that is not there says which is missing."""

    def __missing__(self, name: str) -> Any:
        raise MissingFact(f"the fact {name!r} is not known", hint=f"give {name}")


@attrs.define(slots=True, eq=False)
class Scope:
    """Everything beside its own siblings that a field's layout may depend on."""

    facts: FactSource = attrs.field(factory=Facts)
    parts: dict[str, Any] = attrs.field(factory=dict[str, Any])
    """The parts read so far: `config`, `common`, `queues`, `device`."""
    features_lo: int = 0
    """Accepted features 0 to 31, all that is known before the subsections."""
    version: int = 1
    """version_id of the section or subsection being read."""
    records: Mapping[str, type[Any]] = attrs.field(factory=dict[str, type[Any]])
    """Records that a plugin supplies for a slot of a core record, by slot name."""
    above: Seen = attrs.field(factory=dict[str, Any])
    """Fields of the record whose subsection is being read: a length can stand there."""

    @property
    def host_order(self) -> str:
        """`<` or `>`: byte order of the few fields that are copied raw out of the source host."""
        return "<" if self.facts[HOST_BYTEORDER] == "little" else ">"


@attrs.frozen
class Condition:
    """When a field is on the wire: a sentence for people and a test for machines."""

    text: str
    test: Callable[[Scope, Seen], bool]
    reads: tuple[str, ...] = ()
    """Earlier siblings that the test looks at; empty if all rows of an array share the answer."""
    since: int = 0
    """The version of the section or subsection that brought the field; 0 if that is not why."""
    implied: Any = None
    """The value that a reader of an older version takes for granted, if it takes any."""


def if_set(sibling: str) -> Condition:
    """Present if the earlier field `sibling` is not zero."""
    return Condition(f"`{sibling}` is set", lambda _, seen: bool(seen.get(sibling)), (sibling,))


def if_feature(bit: int, name: str) -> Condition:
    """Present if the guest driver accepted feature `bit` (0 to 31), named `name`.

    Only the low word may be asked for: the others are in a subsection that comes later.
    """
    if not 0 <= bit < 32:
        raise ValueError(f"feature {bit} is not known before the subsections; only 0 to 31 are")
    return Condition(
        f"feature {name} accepted", lambda scope, _: bool(scope.features_lo >> bit & 1)
    )


def if_fact(name: str, *, equals: Any = True, text: str = "") -> Condition:
    """Present if the fact `name`, which the stream does not state, equals `equals`."""
    return Condition(
        text or f"{name} is {equals}", lambda scope, _: bool(scope.facts[name] == equals)
    )


def since(version: int, *, implied: Any = None) -> Condition:
    """Present from `version` of the section or subsection on.

    implied: the value that readers of older versions take for granted. A state that has it can be
    written for them without the field, and no other can.
    """
    text = f"version ≥ {version}"
    return Condition(
        text, lambda scope, _: scope.version >= version, since=version, implied=implied
    )
