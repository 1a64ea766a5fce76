"""Records inside records: inline, or behind a subsection header."""

from __future__ import annotations

from typing import Any, TypeVar

from virtmig.errors import UnknownSubsection
from virtmig.wire import codec, plain
from virtmig.wire.layout import Layout, Nested, layout_of
from virtmig.wire.reader import Reader
from virtmig.wire.scope import Scope, Seen
from virtmig.wire.types import Form, WireType, expect

T = TypeVar("T")


class Struct(WireType[T], Nested):
    """One record inline: either a class, or the name of a slot that a plugin's record fills."""

    def __init__(self, cls: type[T] | str) -> None:
        self.cls = cls
        self.merged = isinstance(cls, str)
        self._layout = None if isinstance(cls, str) else layout_of(cls)
        self.label = cls if isinstance(cls, str) else cls.__name__

    def layout(self, scope: Scope) -> Layout:
        if self._layout is not None:
            return self._layout
        if self.label not in scope.records:
            raise UnknownSubsection(f"this transport has no {self.label} record")
        return layout_of(scope.records[self.label])

    def decode(self, reader: Reader, scope: Scope, seen: Seen) -> T:
        value: T = codec.decode_layout(self.layout(scope), reader, scope)
        return value

    def encode(self, value: T, out: bytearray, scope: Scope, seen: Seen) -> None:
        codec.encode_layout(self.layout(scope), value, out, scope)

    def plain(self, value: T, form: Form) -> Any:
        return plain.from_record(value, form)

    def unplain(self, data: Any, form: Form) -> T:
        if isinstance(self.cls, str):
            value: T = plain.to_record(form.records[self.cls], data, form)
            return value
        return plain.to_record(self.cls, data, form)


class Subsection(WireType[Any]):
    """A record behind a subsection header; None where the header is not there."""

    def __init__(self, cls: type[Any], *, misnamed: bool = False) -> None:
        self.tail = layout_of(cls)
        self.misnamed = misnamed
        self.reads = tuple(n for field in self.tail.all_fields for n in field.type.reads_above)
        if not self.tail.vmsd:
            raise TypeError(f"{cls.__name__}: a subsection's record needs its vmsd name")
        self.cls = cls
        self.label = f"subsection {self.tail.vmsd}"

    def plain(self, value: Any, form: Form) -> Any:
        return plain.from_record(value, form)

    def unplain(self, data: Any, form: Form) -> Any:
        return plain.to_record(self.cls, data, form)


class HeaderVersion(WireType[int]):
    """The version in the subsection's header, for records that are read in several versions."""

    label = "version of the subsection header"
    carries_version = True

    def decode(self, reader: Reader, scope: Scope, seen: Seen) -> int:
        return scope.version

    def encode(self, value: int, out: bytearray, scope: Scope, seen: Seen) -> None:
        """Nothing: the header carries it."""

    def unplain(self, data: Any, form: Form) -> int:
        return expect(int, data)
