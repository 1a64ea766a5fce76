"""What a driver's description has to hold beyond its types: checked when it is bound, and by tools.

`contract_findings` says all that is wrong with a description; those findings that are errors are
why a `Registry` refuses it.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any, Literal

import attrs

from virtmig.errors import ContractBroken, shown
from virtmig.virtio.common import QueueState
from virtmig.virtio.drivers import DeviceDriver, Driver, SectionDriver, TransportDriver
from virtmig.virtio.facts import OpenFact
from virtmig.virtio.features import COMMON
from virtmig.wire.layout import FieldSpec, Layout, layout_of
from virtmig.wire.nested import Struct

Severity = Literal["error", "warning", "note"]
VMSD_NAME = re.compile(r"(?:virtio|vhost)-[\w-]+")
"""Names by which a virtio device is known in a stream."""
KINDS_OF = {
    "name": str,
    "parent": str,
    "device_id": int,
    "version": int,
    "minimum_version": int,
    "first_queues": tuple,
    "queue_names": tuple,
    "control_queue": str,
    "ring_sizes": Mapping,
    "defaults": tuple,
    "features": Mapping,
    "config_space": Mapping,
    "facts": tuple,
    "defects": tuple,
    "path_pattern": str,
    "pathless_machines": str,
    "vring_align": bool,
}
"""The type of each attribute of a description."""


@attrs.frozen(kw_only=True)
class Finding:
    """One thing that is wrong with a plugin.

    code: a short name of it, which stays. where: file and line, or the offending thing by its
    full name. what: the problem. do: the cure. distribution: whose it is.
    """

    code: str
    severity: Severity = "error"
    where: str = ""
    what: str
    do: str = ""
    distribution: str = ""


def refuse(driver: Driver, owner: str) -> None:
    """Raise the first error that `contract_findings` has."""
    for one in contract_findings(driver):
        if one.severity == "error":
            place = f"{one.where}: " if one.where else ""
            raise ContractBroken(f"{owner}: describe_driver: {place}{one.what}", hint=one.do)


def contract_findings(driver: Driver) -> list[Finding]:
    """All that is wrong with a description, whatever its attributes hold."""
    wrong = list(_types(driver))
    if wrong:
        return wrong  # whatever else could be found would be a consequence
    return [*_facts(driver), *_named(driver), *_records(driver)]


def _types(driver: Driver) -> Iterator[Finding]:
    """Attributes of another type; nothing else makes sure of them."""
    found: Any = driver  # of the types that are declared nothing is sure yet
    for name, kind in KINDS_OF.items():
        if hasattr(found, name) and not _fits(getattr(found, name), kind):
            yield _wrong_type(driver, name, getattr(found, name), f"no {kind.__name__.lower()}")
    for name in ("view", "reads_isr"):
        function = getattr(found, name, None)
        if not callable(function) and function is not None:
            yield _wrong_type(driver, name, function, "no function")
    for one in found.facts if _fits(found.facts, tuple) else ():
        if not isinstance(one, OpenFact) or not _fits(one.candidates, tuple):
            yield _wrong_type(driver, "facts", one, "no OpenFact with a tuple of candidates")


def _fits(value: object, kind: type) -> bool:
    """Whether a value is of this type; a bool is no number here."""
    return isinstance(value, kind) and (kind is bool or not isinstance(value, bool))


def _wrong_type(driver: Driver, name: str, value: object, problem: str) -> Finding:
    where, what = f"{type(driver).__name__}.{name}", f"{name}={shown(value)} is {problem}"
    return Finding(code="wrong-type", where=where, what=what, do="see virtmig.api for the type")


def _facts(driver: Driver) -> Iterator[Finding]:
    for name, count in Counter(one.name for one in driver.facts).items():
        if count > 1:
            text = f"the fact {name!r} is declared {count} times"
            yield Finding(code="doubled-fact", where="facts", what=text, do="declare it once")
    for one in driver.facts:
        if not one.candidates:
            text = f"the fact {one.name!r} has no candidates"
            yield Finding(
                code="empty-fact", where="facts", what=text, do="name all possible values"
            )


def _named(driver: Driver) -> Iterator[Finding]:
    """What the attributes say, by the kind of driver."""
    if isinstance(driver, TransportDriver):
        yield from _patterns(driver)
    else:
        yield from _versions(driver)
    if isinstance(driver, DeviceDriver):
        yield from _features(driver)
        yield from _config_space(driver)
        if not VMSD_NAME.fullmatch(driver.name):
            text = f"no virtio device of a stream is named {driver.name!r}"
            cure = "use the name of its VMStateDescription, virtio-... or vhost-..."
            yield Finding(code="name-never-found", where="name", what=text, do=cure)
        if not 0 < driver.device_id < 0x10000:
            text = f"device_id={driver.device_id} is no virtio device id"
            cure = "see section 5 of the virtio specification"
            yield Finding(
                code="device-id", severity="warning", where="device_id", what=text, do=cure
            )
    elif isinstance(driver, SectionDriver) and "/" in driver.name:
        text = f"{driver.name!r} has a slash, so no section is ever found by it"
        yield Finding(code="name-never-found", where="name", what=text, do="leave the path out")


def _patterns(driver: TransportDriver) -> Iterator[Finding]:
    for name in ("path_pattern", "pathless_machines"):
        try:
            empty = re.compile(getattr(driver, name)).fullmatch("") is not None
        except (re.error, RecursionError, OverflowError) as error:
            text = f"{name}={shown(getattr(driver, name))} is no regular expression: {error}"
            yield Finding(code="bad-pattern", where=name, what=text, do="see the module re")
        else:
            if empty and name == "path_pattern":
                text = "path_pattern matches an empty path, which says nothing of a bus"
                cure = "machines without paths belong into pathless_machines"
                yield Finding(
                    code="wide-pattern", severity="warning", where=name, what=text, do=cure
                )


def _versions(driver: DeviceDriver | SectionDriver) -> Iterator[Finding]:
    if not 0 <= driver.minimum_version <= driver.version < 1 << 32:
        text = f"versions {driver.minimum_version} to {driver.version} are none that a section has"
        cure = "version is what QEMU writes, minimum_version the oldest that is read"
        yield Finding(code="versions", where="version", what=text, do=cure)


def _features(driver: DeviceDriver) -> Iterator[Finding]:
    features: Any = driver.features
    for bit, name in features.items():
        if not isinstance(bit, int) or not isinstance(name, str) or bit < 0:
            yield _wrong_type(driver, "features", {bit: name}, "no bit number with its name")
        elif bit in COMMON:
            text = f"feature bit {bit} ({name}) is {COMMON[bit]} in every device"
            cure = "leave it out; the core names it"
            yield Finding(
                code="common-feature", severity="warning", where="features", what=text, do=cure
            )


def _config_space(driver: DeviceDriver) -> Iterator[Finding]:
    space: Any = driver.config_space
    for name, size in space.items():
        if not isinstance(name, str) or not _fits(size, int) or size < 1:
            problem = "no field name with its bytes"
            yield _wrong_type(driver, "config_space", {name: size}, problem)


def _records(driver: Driver) -> Iterator[Finding]:
    roots = [value for name in ("config", "queue", "extra", "state", "outer")
             if (value := getattr(driver, name, None)) is not None]  # fmt: skip
    for layout in _layouts(roots):
        yield from _doubled(layout, Counter(field.key for field in layout.all_fields))
        for field in layout.all_fields:
            if not field.doc.strip():
                yield _at(layout, field.name, "no-doc", "has no meaning", "say what it means")
    if isinstance(driver, TransportDriver):
        beside = Counter(field.key for field in layout_of(QueueState).all_fields)
        for field in layout_of(driver.queue).all_fields:
            if beside[field.key]:
                text = f"{field.key!r} is a field of every queue already"
                yield _at(layout_of(driver.queue), field.name, "doubled-field", text, _RENAME)


_RENAME = "give it another name: both stand in one tree"


def _doubled(layout: Layout, keys: Counter[str]) -> Iterator[Finding]:
    for key, count in keys.items():
        if count > 1:
            yield _at(layout, key, "doubled-field", f"is declared {count} times", _RENAME)


def _at(layout: Layout, name: str, code: str, what: str, do: str) -> Finding:
    where = f"{layout.cls.__module__}.{layout.cls.__qualname__}.{name}"
    return Finding(code=code, where=where, what=what, do=do)


def _layouts(roots: list[type[Any]]) -> list[Layout]:
    """The layouts of these records and of all that they consist of, each once."""
    found: dict[type[Any], Layout] = {}
    waiting = list(roots)
    while waiting:
        cls = waiting.pop()
        if cls not in found:
            found[cls] = layout_of(cls)
            waiting += [one for field in found[cls].all_fields if (one := _record(field))]
    return list(found.values())


def _record(field: FieldSpec) -> type[Any] | None:
    """The record inside a field; None for plain values and for slots that a plugin fills."""
    inner = field.type.inner
    if inner.tail is not None:
        return inner.tail.cls
    cls = inner.cls if isinstance(inner, Struct) else None
    return cls if isinstance(cls, type) else None
