"""Laws of the contract: entry point, names, versions, what a driver says of itself."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

import attrs

from virtmig.errors import shown
from virtmig.hooks.known import DEVICE_IDS, same_id
from virtmig.testing.drawn import record_classes
from virtmig.testing.kit import Kit, law
from virtmig.testing.report import LawBroken
from virtmig.virtio.features import COMMON
from virtmig.wire.layout import layout_of
from virtmig.wire.scope import Condition, Scope

RESERVED = range(24, 50)
"""Feature bits that no device type has for itself (virtio 1.3 section 6)."""
FEATURE = re.compile(r"feature (\S+) accepted")
PREFIX = re.compile(r"VIRTIO_\w*?F_")
SINCE = re.compile(r"version ≥ (\d+)")


class ContractLaws(Kit):
    """What holds for the contract of every driver."""

    def record_classes(self) -> list[type[Any]]:
        """All record classes that the driver declares, an outer one before its parts."""
        return record_classes(self.subject.driver)

    @law
    def test_contract(self) -> None:
        """Entry point, driver and hooks agree: the plugin is found by its name and can be bound."""
        for found in self.subject.findings():
            raise found

    @law
    def test_driver_is_constant(self) -> None:
        """describe_driver says the same each time, without anything having been set up."""
        one, other = self.subject.describe(), self.subject.describe()
        fields: tuple[Any, ...] = attrs.fields(one.__class__)
        for field in fields:
            if field.name != "view" and getattr(one, field.name) != getattr(other, field.name):
                pair = (
                    f"{shown(getattr(one, field.name))}, then {shown(getattr(other, field.name))}"
                )
                do = "let describe_driver return constants; declare records at module level"
                raise LawBroken(f"first {pair}", do=do, field=f"describe_driver: {field.name}")

    @law
    def test_versions(self) -> None:
        """The declared versions fit each other, and each is of use."""
        driver = self.subject.driver
        low, high = getattr(driver, "minimum_version", 1), getattr(driver, "version", 1)
        if not isinstance(low, int) or not isinstance(high, int) or not 0 <= low <= high:
            do = "minimum_version is the oldest that is read, version what QEMU writes"
            raise LawBroken(f"versions {low} to {high}", do=do, field="minimum_version")
        for cls in self.record_classes():
            layout = layout_of(cls)
            low_here, high_here = low, high
            if (layout.vmsd and layout.version != layout.minimum) or _is_tail(self, cls):
                low_here, high_here = layout.minimum, layout.version
            self._since(cls, low_here, high_here)
            if _is_tail(self, cls):
                self._of_use(layout.minimum, layout.version, [cls], cls.__name__)
        others = [cls for cls in self.record_classes() if not _is_tail(self, cls)]
        self._of_use(low, high, others, "the driver")

    def _of_use(self, low: int, high: int, classes: list[type[Any]], what: str) -> None:
        """Versions that are all laid out the same are worth a note: QEMU has a reason for each."""
        fields = [field for cls in classes for field in layout_of(cls).all_fields]
        same = not any(field.when is not None and "version" in field.when.text for field in fields)
        laid_out = [field.type for field in fields if not field.type.carries_version]
        same = same and not any("version" in kind.label for kind in laid_out)
        if low < high and same:
            text = f"{what}: versions {low} to {high} are laid out the same"
            self.note(f"{text}; has a field since(...) been forgotten?")

    def _since(self, cls: type[Any], low: int, high: int) -> None:
        for field in layout_of(cls).all_fields:
            match = SINCE.fullmatch(field.when.text) if field.when else None
            if match and not low < int(match[1]) <= high:
                name = f"{cls.__name__}.{field.name}"
                found = f"it is there since version {match[1]}, but {low} to {high} are declared"
                do = "declare the oldest version that is read as the minimum, or drop the condition"
                raise LawBroken(found, do=do, field=name)

    @law
    def test_subsection_names(self) -> None:
        """Each subsection has a name of its own."""
        seen: dict[str, str] = {}
        for cls in self.record_classes():
            for name, field in layout_of(cls).tails.items():
                where = f"{cls.__name__}.{field.name}"
                if name in seen:
                    found = f"{name!r} is {seen[name]} too"
                    do = "give each subsection the name of its own VMStateDescription"
                    raise LawBroken(found, do=do, field=where)
                seen[name] = where


def _bits_of(condition: Condition | None) -> list[int]:
    """The feature bits that a condition of its own looks at, as far as it can be asked."""
    if condition is None:
        return []
    try:
        plain = condition.test(Scope(), {})
        return [b for b in range(32) if condition.test(Scope(features_lo=1 << b), {}) != plain]
    except Exception:  # noqa: BLE001  it looks at fields or facts, which are not there
        return []


def _is_tail(laws: ContractLaws, cls: type[Any]) -> bool:
    """Whether a record is a subsection, which has a version of its own."""
    for other in laws.record_classes():
        for field in layout_of(other).tails.values():
            if field.type.tail is not None and field.type.tail.cls is cls:
                return True
    return False


class DeviceContractLaws(ContractLaws):
    """What holds for what a device driver says of itself."""

    @law
    def test_device_id(self) -> None:
        """The device id is the virtio specification's for a device of this name."""
        driver = self.subject.driver
        expected = DEVICE_IDS.get(driver.name)
        do = "take the id of section 5 of the virtio specification"
        if expected is not None and driver.device_id != expected:
            found = f"device_id={driver.device_id}; {driver.name} has {expected}"
            raise LawBroken(found, do=do, field="device_id")
        for other in same_id(driver.name, driver.device_id):
            if driver.name.startswith("virtio-"):
                found = f"device_id={driver.device_id} is of {other}"
                raise LawBroken(found, do=do, field="device_id")

    @law
    def test_features(self) -> None:
        """Feature bits are the device type's own, each with a name of its own."""
        seen: dict[str, int] = {}
        features: Mapping[Any, Any] = self.subject.driver.features
        for bit, name in features.items():
            where = f"features[{bit!r}]"
            if not isinstance(bit, int) or isinstance(bit, bool) or not 0 <= bit < 128:
                raise LawBroken("it is no bit number", do="use 0 to 127", field=where)
            if bit in RESERVED:
                do = "leave out bits 24 to 49: they are of all device types or of none"
                raise LawBroken(f"{name!r} on a bit that is reserved", do=do, field=where)
            if not isinstance(name, str) or not name.strip() or not name.isprintable():
                do = "name it as the specification does, without VIRTIO_X_F_"
                raise LawBroken(f"its name is {name!r}", do=do, field=where)
            if prefix := PREFIX.match(name):
                do = f"write {name[prefix.end() :]!r}: the spelling that all messages have"
                raise LawBroken(f"its name is {name!r}", do=do, field=where)
            if name.upper() in seen:
                found = f"{name} is bit {seen[name.upper()]} too"
                raise LawBroken(found, do="give each bit its own name", field=where)
            seen[name.upper()] = bit

    @law
    def test_feature_conditions(self) -> None:
        """A condition looks at feature bits that the driver names, and calls them by that name."""
        driver = self.subject.driver
        names = {**COMMON, **driver.features}
        for cls in self.record_classes():
            for field in layout_of(cls).all_fields:
                where = f"{cls.__name__}.{field.name}"
                for bit in _bits_of(field.when):
                    do = f"add {bit}: its name to the driver's `features`, or mend the condition"
                    if bit not in names:
                        found = f"its condition looks at feature bit {bit}, which has no name"
                        raise LawBroken(found, do=do, field=where)
                    said = FEATURE.fullmatch(field.when.text) if field.when else None
                    if said and said[1] != names[bit]:
                        found = f"it calls bit {bit} {said[1]}; `features` has {names[bit]}"
                        raise LawBroken(found, do="give it one name", field=where)

    @law
    def test_queue_names(self) -> None:
        """Names of queues tell them apart, and a control queue has its own."""
        for found, do in _queue_problems(self.subject.driver):
            raise LawBroken(found, do=do, field="queue_names")
        names: tuple[str, ...] = tuple(self.subject.driver.queue_names)
        roles = {re.sub(r"[ _(]*\d+\)?$", "", one) for one in names}
        if len(roles) < len(names):
            self.note(f"queue_names {names!r}: if they are queues of one role, write it once")


def _queue_problems(driver: Any) -> Iterator[tuple[str, str]]:
    names: tuple[str, ...] = tuple(driver.queue_names)
    first: tuple[str, ...] = tuple(getattr(driver, "first_queues", ()))
    if len({*first, *names}) != len((*first, *names)):
        found = f"{(*first, *names)!r} names one twice"
        yield found, "give each role once: the roles repeat by themselves"
    if not all(one.strip() for one in {*first, *names}):
        yield f"{(*first, *names)!r} has an empty name", "name it as the specification does"
    if not driver.control_queue:
        return
    if not names:
        yield "there is a control_queue and no queue_names", "name the other queues"
    elif driver.control_queue in names:
        yield f"{driver.control_queue!r} is both", "leave it out of queue_names"
    elif len(names) == 1 and not first:
        do = "control_queue is what is left over when roles repeat: have two or more roles"
        yield f"control_queue={driver.control_queue!r} is never left over beside one role", do
