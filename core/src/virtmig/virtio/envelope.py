"""One section: payload bytes ⇄ `VirtioState`, in the documented order; or ⇄ `SectionState`."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Generic, TypeVar

import attrs

from virtmig.errors import (
    AmbiguousLayout,
    DecodeError,
    OutOfRange,
    VersionMismatch,
    VirtmigError,
    shown,
)
from virtmig.virtio.common import CommonState, QueueState
from virtmig.virtio.drivers import DeviceDriver, SectionDriver, TransportDriver
from virtmig.virtio.element import ELEMENT_NDESCS
from virtmig.virtio.facts import HOST_BYTEORDER, OpenFact, Source, Trial
from virtmig.virtio.order import PARTS
from virtmig.virtio.state import SectionState, VirtioState
from virtmig.virtio.subsections import Subsections
from virtmig.wire.codec import end, outside
from virtmig.wire.items import Array
from virtmig.wire.nested import Struct
from virtmig.wire.reader import Reader
from virtmig.wire.scope import Facts, Scope
from virtmig.wire.types import WireType


def _queue_count(scope: Scope, _: object) -> int:
    """nq"""
    common: CommonState = scope.parts["common"]
    return common.nq


S = TypeVar("S", bound="VirtioState | SectionState")


class SectionLayout(Generic[S]):
    """How the payloads of one kind of section are laid out: its parts, one behind the other.

    parts: each part with its wire type, in wire order. open_facts: the facts that these layouts can
    ask for, by name.
    """

    records: Mapping[str, type[Any]] = {}
    """Records that a plugin supplies for slots of core records, as in `Scope`."""

    def __init__(
        self,
        parts: Mapping[str, WireType[Any]],
        versions: tuple[int, int],
        facts: Iterable[OpenFact],
        make: Callable[..., S],
    ) -> None:
        self.parts = tuple(parts.items())
        self.versions = versions
        self.open_facts: Mapping[str, OpenFact] = {
            fact.name: fact for fact in (*facts, ELEMENT_NDESCS, HOST_BYTEORDER)
        }
        self.make = make

    def scope(self, facts: Any, version: int) -> Scope:
        return Scope(facts=facts, version=version, records=self.records)

    def given(self, facts: Mapping[str, Any]) -> Facts:
        """The facts that are known before anything is read."""
        return Facts(facts)

    def parse(self, payload: bytes, version: int, facts: Mapping[str, Any] | None = None) -> S:
        """The state that a section's payload holds; every byte is accounted for.

        version: version_id of the section. facts: answers to open facts by name, where known.
        """
        if problem := self._unsupported(version):
            raise VersionMismatch(problem)
        trial = Trial(self.open_facts, self.given(facts or {}))
        fitting: list[S] = []
        failed: list[tuple[DecodeError, Scope]] = []
        more = True
        while more:
            scope = self.scope(trial, version)
            try:
                fitting.append(self._read(payload, scope, trial))
                fits = True
            except DecodeError as error:
                failed.append((error, scope))
                fits = False
            more = trial.advance(fitted=fits)
        if not fitting:
            raise max(failed, key=_depth)[0]
        return self._settle(fitting)

    def _settle(self, fitting: list[S]) -> S:
        """The one state that fits, or the first where the difference may be assumed away."""
        first = fitting[0]
        rivals = [other for other in fitting[1:] if not _same(first, other)]
        if not rivals:
            return first
        known = {(fact.name, fact.value) for fact in first.facts}
        doubt = {f.name for other in rivals for f in other.facts if (f.name, f.value) not in known}
        if not all(self.open_facts[name].prefer_first for name in doubt):
            hint = " ".join(f"--fact {name}=..." for name in sorted(doubt))
            raise AmbiguousLayout("two layouts fit these bytes", hint=f"say which with {hint}")
        facts = tuple(
            attrs.evolve(f, source=Source.ASSUMED) if f.name in doubt else f for f in first.facts
        )
        return attrs.evolve(first, facts=facts)

    def _read(self, payload: bytes, scope: Scope, trial: Trial) -> S:
        reader = Reader(payload)
        self.read_parts(reader, scope)
        end(reader)
        return self.make(**scope.parts, facts=trial.facts(Source.DERIVED))

    def read_parts(self, reader: Reader, scope: Scope) -> None:
        """Read all parts into `scope.parts`."""
        for name, kind in self.parts:
            try:
                scope.parts[name] = kind.decode(reader, scope, {})
            except VirtmigError as error:
                raise error.inside(name) from error.__cause__
            if name == "common":
                scope.features_lo = scope.parts[name].guest_features_lo

    def unparse(self, state: S, version: int) -> bytes:
        """The payload of a section that holds `state`."""
        if problem := self._unsupported(version):
            raise OutOfRange(problem)
        scope = self.scope(self.given({f.name: f.value for f in state.facts}), version)
        out = bytearray()
        for name, kind in self.parts:
            value = scope.parts[name] = getattr(state, name)
            try:
                kind.encode(value, out, scope, {})
            except VirtmigError as error:
                raise error.inside(name) from error.__cause__
            except TypeError as error:
                raise OutOfRange(f"{shown(value)} is no such part", path=name) from error
            if name == "common":
                scope.features_lo = value.guest_features_lo
        return bytes(out)

    def _unsupported(self, version: int) -> str:
        problem = outside(version, *self.versions)
        return problem and f"section {problem}"


class Envelope(SectionLayout[VirtioState]):
    """The sections of one device type on one transport, in the order of the procedure."""

    def __init__(self, transport: TransportDriver, device: DeviceDriver) -> None:
        self.transport = transport
        self.device = device
        self.records = transport.records
        types: dict[str, WireType[Any]] = {
            "config": Struct(transport.config),
            "common": Struct(CommonState),
            "queues": Array(Struct(QueueState), _queue_count),
            "device": Struct(device.state),
            "subsections": Struct(Subsections),
        }
        parts = {name: types[name] for name in PARTS}
        if device.outer is not None:
            parts["outer"] = Struct(device.outer)
        versions = (device.minimum_version, device.version)
        super().__init__(parts, versions, (*transport.facts, *device.facts), VirtioState)

    def given(self, facts: Mapping[str, Any]) -> Facts:
        return Facts({"vring_align": self.transport.vring_align, **facts})


class BareLayout(SectionLayout[SectionState]):
    """The sections of one kind that have no virtio core in them."""

    def __init__(self, driver: SectionDriver) -> None:
        versions = (driver.minimum_version, driver.version)
        super().__init__({"fields": Struct(driver.state)}, versions, driver.facts, SectionState)


def _same(one: VirtioState | SectionState, other: VirtioState | SectionState) -> bool:
    return attrs.evolve(one, facts=()) == attrs.evolve(other, facts=())


def _depth(failed: tuple[DecodeError, Scope]) -> tuple[bool, int]:
    """How much of the payload the layout explains that ended in an error.

    A wrong layout can run far through long tables of zeros; then it has found no queue.
    """
    error, scope = failed
    return bool(scope.parts.get("queues")), error.where.offset or 0
