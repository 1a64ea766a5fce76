"""The surface that virtmig promises to plugins, as text that changes knowingly.

    python tools/api_surface.py            say what differs from core/api-surface.txt; exit 1 if any
    python tools/api_surface.py --write    write that file anew

It has a line for each name of `virtmig.api` and each public member of its classes, each hook, each
field of a core record, each group of entry points, exit code and schema number. In front of each
stands the version that brought it: a line that is new gets the version of the core, others keep
theirs. `docs/reference/api.md` is made of the same lines.
"""

from __future__ import annotations

import argparse
import difflib
import enum
import inspect
import re
import typing
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import attrs

from virtmig import __version__, api, errors, testing
from virtmig.formats import cbor, view
from virtmig.formats.tables import records, rows
from virtmig.hooks import discovery, hookspecs
from virtmig.hooks.bound import Bound, BoundDevice, BoundSection, BoundTransport
from virtmig.live.phase import Late
from virtmig.virtio.common import CommonState, QueueState
from virtmig.virtio.element import VirtQueueElement
from virtmig.virtio.facts import Fact
from virtmig.virtio.subsections import Subsections
from virtmig.wire.reader import Reader
from virtmig.wire.types import Form, WireType

FILE = Path(__file__).resolve().parent.parent / "core" / "api-surface.txt"
ROLES: dict[str, type[Bound]] = {
    "transport": BoundTransport,
    "device": BoundDevice,
    "section": BoundSection,
}
GIVEN: dict[type[Any], tuple[str, ...]] = {
    Fact: ("name", "value", "source"),
    Form: ("text", "records"),
    Reader: ("need", "take", "marker", "key"),
}
"""Classes of objects that a plugin is given and never makes, with what it may use of them."""
CORE_RECORDS = records(CommonState, QueueState, Subsections, VirtQueueElement)
HEAD = """\
# What virtmig promises to plugins, line by line: since, kind, name and signature.
# tests/core/test_api_surface.py compares this file with the code. After a change that is wanted:
#     python tools/api_surface.py --write
"""


@attrs.frozen
class Entry:
    """One line. kind: what it is. name: a full name in dots. text: what follows the name."""

    kind: str
    name: str
    text: str = ""

    @property
    def key(self) -> tuple[str, str]:
        """What it is known by from version to version; overloads of one function share it."""
        return (self.kind, self.name)


class _Verbatim(str):
    """An annotation as it is written in the source."""

    __slots__ = ()
    __repr__ = str.__str__


def _plain(annotation: Any) -> Any:
    return _Verbatim(annotation) if isinstance(annotation, str) else annotation


def signature(function: Callable[..., Any]) -> str:
    """Parameters and result as in the source: `(type: WireType[T], doc: str) -> T`."""
    found = inspect.signature(function)
    parameters = [
        one.replace(annotation=_plain(one.annotation), default=_named(one.default))
        for one in found.parameters.values()
    ]
    exact = found.replace(parameters=parameters, return_annotation=_plain(found.return_annotation))
    return str(exact)


def _named(default: Any) -> Any:
    """A wire type goes by its name."""
    return _Verbatim(default.label) if isinstance(default, WireType) else default


def signatures(function: Callable[..., Any]) -> list[str]:
    """One for each overload, or the only one."""
    return [signature(one) for one in typing.get_overloads(function)] or [signature(function)]


def construction(cls: type[Any]) -> str:
    """How a class is called: names and defaults only, the types stand with its fields."""
    if issubclass(cls, enum.Enum):  # the rest of its signature is Python's, and changes with it
        return "(value)"
    found = inspect.signature(cls)
    parameters = [
        one.replace(annotation=inspect.Parameter.empty, default=_default(one.default))
        for one in found.parameters.values()
    ]
    bare = found.replace(parameters=parameters, return_annotation=inspect.Signature.empty)
    return str(bare).replace("Ellipsis", "...")


def _default(value: Any) -> Any:
    """A default that is made anew for each object has no other spelling than three dots."""
    made = type(value) in (type(attrs.Factory(str)), type(attrs.NOTHING))
    return ... if made else value


def kind_of(value: Any) -> str:
    """What a name of `virtmig.api` stands for."""
    if isinstance(value, type):
        return "error" if issubclass(value, BaseException) else "class"
    if isinstance(value, WireType):
        return "wire type"
    if inspect.isfunction(value):
        return "function"
    if isinstance(value, int):
        return "constant"
    return "alias" if typing.get_args(value) else "decorator"


def described(name: str, value: Any) -> Iterator[Entry]:
    """The lines of one name of `virtmig.api`."""
    kind = kind_of(value)
    match kind:
        case "function":
            yield from (Entry(kind, name, text) for text in signatures(value))
        case "class" | "error":
            known_bases = [one.__name__ for one in value.__bases__ if _is_told(one)]
            bases = f" of {', '.join(known_bases)}" if known_bases else ""
            yield Entry(kind, name, construction(value) + bases)
            if kind == "class" or value is errors.VirtmigError:
                yield from members(value)
        case "wire type":
            yield Entry(kind, name, f": {type(value).__name__}, {value.label}")
        case "constant":
            yield Entry(kind, name, f" = {value}")
        case "alias":
            yield Entry(kind, name, f" = {_alias(value)}")
        case _:
            yield Entry(kind, name)


def _is_told(base: type[Any]) -> bool:
    """Whether a base class is one that users of the class have to know."""
    return issubclass(base, BaseException) or base.__name__ in api.__all__


def _alias(value: Any) -> str:
    parts = [one.__name__ for one in typing.get_args(value) if isinstance(one, type)]
    if typing.get_origin(value) in (typing.Union, type(int | str)) and parts:
        return " | ".join(parts)
    return re.sub(r"\b(?:typing|collections\.abc)\.", "", str(value))


def members(cls: type[Any]) -> Iterator[Entry]:
    """The public fields, methods and attributes of a class, those of our base classes too."""
    fields = attrs.fields_dict(cls) if attrs.has(cls) else {}
    for name, one in fields.items():
        if not name.startswith("_"):
            yield Entry("field", f"{cls.__name__}.{name}", f": {one.type}{_set_to(one)}")
    for name in sorted(dir(cls)):
        if not name.startswith("_") and name not in fields:
            yield from _member(cls, name)


def _set_to(one: attrs.Attribute[Any]) -> str:
    if one.default is attrs.NOTHING:
        return ""
    return f" = {_default(one.default)!r}".replace("Ellipsis", "...")


def _member(cls: type[Any], name: str) -> Iterator[Entry]:
    owner = next(base for base in cls.__mro__ if name in vars(base))
    if not owner.__module__.startswith("virtmig."):
        return
    full, value = f"{cls.__name__}.{name}", vars(owner)[name]
    if name == "exit_code" or inspect.ismemberdescriptor(value):
        return  # exit codes have lines of their own; a slot is said by who fills it
    if isinstance(value, Late):
        late: Late[Any] = value  # pyright: ignore[reportUnknownVariableType]
        yield Entry("late", full, f" = {late.default!r}, restored by {late.step}")
    elif isinstance(value, property) and value.fget is not None:
        result = inspect.signature(value.fget).return_annotation
        yield Entry("property", full, f": {_plain(result)!r}")
    elif inspect.isfunction(value):
        yield from (Entry("method", full, text) for text in signatures(value))
    else:
        yield Entry("attribute", full, f" = {value!r}")


def kinds_of_wire_types() -> Iterator[Entry]:
    """Methods of the types behind `be16` and its like that no other wire type has."""
    values = [getattr(api, name) for name in api.__all__]
    classes: set[type[Any]] = {type(one) for one in values if kind_of(one) == "wire type"}
    for cls in sorted(classes, key=_name):
        for name, value in vars(cls).items():
            if inspect.isfunction(value) and not name.startswith("_") and name not in dir(WireType):
                yield Entry("method", f"{cls.__name__}.{name}", signature(value))


def _name(cls: type[Any]) -> str:
    return cls.__name__


def hooks() -> dict[str, Callable[..., Any]]:
    """Every hook specification, in the order of the file."""
    found = vars(hookspecs).items()
    return {name: one for name, one in found if hasattr(one, f"{hookspecs.PROJECT}_spec")}


def implementers(name: str) -> str:
    """Who implements a hook, and whether it must."""
    of_all = [role for role, kind in ROLES.items() if name in kind.required]
    roles = of_all or [role for role, kind in ROLES.items() if hasattr(kind, name)]
    return f"{' and '.join(roles)} plugins, {'required' if of_all else 'optional'}"


def error_classes() -> list[type[errors.VirtmigError]]:
    """Every class of `virtmig.errors`, in the order of the file."""
    found = [one for one in vars(errors).values() if isinstance(one, type)]
    return [one for one in found if issubclass(one, errors.VirtmigError)]


def surface() -> Iterator[Entry]:
    """All that is promised."""
    for name in sorted(api.__all__):
        yield from described(name, getattr(api, name))
    yield from kinds_of_wire_types()
    for cls, names in GIVEN.items():
        yield from (one for one in members(cls) if one.name.partition(".")[2] in names)
    for name, hook in hooks().items():
        yield Entry("hook", name, f"{signature(hook)}  {implementers(name)}")
    for cls in CORE_RECORDS:
        for row in rows(cls):
            yield Entry("record", f"{cls.__name__}.{row.name}", f": {row.label}")
    yield from (Entry("testing", name) for name in sorted(testing.__all__))
    yield from (Entry("group", group) for group in sorted(discovery.KINDS))
    for error in error_classes():
        yield Entry("exit code", error.__name__, f" = {error.exit_code}")
    yield Entry("schema", "JSON", f" = {view.SCHEMA}")
    yield Entry("schema", cbor.FORMAT, f" = {cbor.SCHEMA}")


LINE = re.compile(r"(?P<since>\S+)  (?P<kind>\S+(?: \S+)?) +(?P<name>[\w.-]+)(?P<text>.*)")


def known() -> dict[tuple[str, str], str]:
    """The version that brought each line of the file."""
    lines = FILE.read_text().splitlines() if FILE.exists() else []
    found = [LINE.fullmatch(line) for line in lines if not line.startswith("#")]
    return {(one["kind"], one["name"]): one["since"] for one in found if one}


def text(since: Mapping[tuple[str, str], str]) -> str:
    """The whole file as it should be."""
    lines = [
        f"{since.get(one.key, __version__)}  {one.kind:<9}  {one.name}{one.text}\n"
        for one in surface()
    ]
    return HEAD + "".join(lines)


def difference() -> list[str]:
    """The lines of the file that are not what the code says, and what it says instead."""
    old = FILE.read_text().splitlines() if FILE.exists() else []
    new = text(known()).splitlines()
    diff = difflib.unified_diff(old, new, "core/api-surface.txt", "the code", lineterm="", n=0)
    return [line for line in diff if not line.startswith("@@")]


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line."""
    parser = argparse.ArgumentParser(description="Compare the promised surface with the code.")
    parser.add_argument("--write", action="store_true", help="take over what the code says")
    write: bool = parser.parse_args(argv).write
    found = difference()
    for line in found:
        print(line)
    if write and found:
        FILE.write_text(text(known()))
    return 1 if found and not write else 0


if __name__ == "__main__":
    raise SystemExit(main())
