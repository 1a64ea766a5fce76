"""Every error of virtmig, by whose fault it is.

The families say who can help: the file (`StreamError`), its bytes (`DecodeError`), the state
that was to be written (`EncodeError`), the caller (`MissingFact`), who asked for a change
(`EditError`), a plugin (`PluginError`), or the live device that the state does not fit
(`LoadRefused`). Each error says *where* in the same words: the section's idstr, the dotted path of
the field, and a byte offset.

Wrong use of the Python API is `TypeError` or `ValueError` and not part of this tree.
"""

from __future__ import annotations

from typing import ClassVar, Self

import attrs


@attrs.frozen(kw_only=True)
class Where:
    """A place in a stream, as precise as it is known.

    `offset` counts bytes from the start of the section's payload, or from the start of the file
    when `section` is empty.
    """

    section: str = ""
    path: str = ""
    offset: int | None = None

    def at(self, offset: int) -> Where:
        """The same place with its offset."""
        return attrs.evolve(self, offset=offset)

    def __str__(self) -> str:
        place = printable(":".join(part for part in (self.section, self.path) if part))
        return place if self.offset is None else f"{place}@{self.offset:#x}"


def printable(text: str) -> str:
    """Text on one line: names out of a stream may hold line ends and terminal codes."""
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


def shown(value: object) -> str:
    """A short form of any value for a message; numbers of a million digits have none."""
    try:
        text = repr(value)
    except Exception:  # noqa: BLE001  a foreign object's repr may fail in any way
        return f"a {type(value).__name__} that cannot be shown"
    return text if len(text) <= 60 else f"{text[:57]}..."


def told(error: BaseException) -> str:
    """An exception's class and text; a foreign one may have no text that can be made."""
    try:
        return f"{type(error).__name__}: {error}"
    except Exception:  # noqa: BLE001  a foreign exception's __str__ may fail in any way
        return type(error).__name__


class VirtmigError(Exception):
    """Base of all; catch this to catch whatever a stream, a plugin or a device can cause."""

    exit_code: ClassVar[int] = 3
    """What the `virtmig` command ends with when this error ends it."""

    def __init__(
        self,
        reason: str,
        *,
        section: str = "",
        path: str = "",
        offset: int | None = None,
        hint: str = "",
    ) -> None:
        super().__init__(reason)
        self.reason = reason
        self.where = Where(section=section, path=path, offset=offset)
        self.hint = hint

    def inside(self, name: str) -> Self:
        """Say that the place lies inside the field `name`; called while the error travels up."""
        path = self.where.path
        joint = "" if not path or path.startswith("[") else "."
        self.where = attrs.evolve(self.where, path=f"{name}{joint}{path}")
        return self

    def in_section(self, section: str) -> Self:
        """Say which section the place lies in, unless that is known already."""
        if not self.where.section:
            self.where = attrs.evolve(self.where, section=section)
        return self

    def __str__(self) -> str:
        place = str(self.where)
        text = f"{place}: {self.reason}" if place else self.reason
        return printable(f"{text} ({self.hint})" if self.hint else text)


class StreamError(VirtmigError):
    """The file as a whole is at fault."""


class NotAStream(StreamError):
    """The file does not begin as a QEMU migration stream, or is cut before any device state."""


class BadFooter(StreamError):
    """A section does not end where its footer, the description and its header say."""


class UnsupportedContainer(StreamError):
    """A kind of file or a stream feature that virtmig knows of and does not read."""


class BadContainer(StreamError):
    """What the stream is in is damaged: a compressed file, an image, a CBOR file of virtmig's."""


class DecodeError(VirtmigError):
    """The bytes of one section do not say what its layout allows."""


class Truncated(DecodeError):
    """A field needs more bytes than the section has left."""


class LimitExceeded(DecodeError):
    """A count, length or value is above what the field can ever hold."""


class UnknownSubsection(DecodeError):
    """A subsection of the right parent whose layout no installed driver declares."""


class VersionMismatch(DecodeError):
    """A section or subsection of a version that its driver does not declare."""


class TrailingBytes(DecodeError):
    """The section's layout ends before its payload does."""


class NotCanonical(DecodeError):
    """Bytes that QEMU may read but never writes, so that they could not be written back."""


class AmbiguousLayout(DecodeError):
    """Two layouts fit the bytes and say different things; a fact has to decide."""


class EncodeError(VirtmigError):
    """The state to be written contradicts its own layout."""


class ConditionMismatch(EncodeError):
    """A conditional field is set while its condition is not met, or the reverse."""


class CountMismatch(EncodeError):
    """A redundant count on the wire does not equal what it counts."""


class OutOfRange(EncodeError):
    """A value that its wire type cannot hold."""


class MissingFact(VirtmigError):
    """Something that the stream does not say and the caller has to supply."""

    exit_code = 4


class EditError(VirtmigError):
    """A change that was asked for cannot be made; nothing was written."""

    exit_code = 2


class NoSuchPath(EditError):
    """The stream has no such section, subsection or field."""


class BadValue(EditError):
    """A value that the field cannot hold, or an operator that it does not have."""


class Contradiction(EditError):
    """Changes that contradict each other, or that the layout cannot follow."""


class UnsafeEdit(EditError):
    """A change that a running guest would be hurt by, made without being allowed."""

    exit_code = 5


class Unloadable(EditError):
    """State that the target cannot load, and that cannot be made such without losing it."""

    exit_code = 5


class PatchMismatch(EditError):
    """A patch that is damaged, or was made for another stream than this one."""

    exit_code = 3


class PluginError(VirtmigError):
    """A plugin is absent, doubled, broken or in breach of its contract."""

    exit_code = 4


class NoDriver(PluginError):
    """No installed distribution has a driver for this device or transport."""


class AmbiguousDriver(PluginError):
    """Two distributions claim the same device or transport."""


class ContractBroken(PluginError):
    """A plugin's hooks, names, versions or types are not what it declares."""


class IncompatiblePlugin(PluginError):
    """A plugin is made for another range of core versions than the one that is installed."""


class DriverFailed(PluginError):
    """A plugin raised an exception of its own; the cause is chained."""


class NotYetLoaded(PluginError):
    """A hook asked for state that the documented order has not restored yet."""


class LoadRefused(VirtmigError):
    """The live device cannot take this state; it is as it was before."""

    exit_code = 5


class DeviceMismatch(LoadRefused):
    """The state belongs to a device with other properties."""


class FeatureRefused(LoadRefused):
    """The guest driver accepted features that this device does not offer."""


class IndexMismatch(LoadRefused):
    """Virtqueue indices contradict each other or guest memory."""


class GuestMemoryError(VirtmigError):
    """A guest physical address that the stream's RAM does not hold."""
