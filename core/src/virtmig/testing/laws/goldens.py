"""Laws of goldens: what real devices wrote is understood to the last byte."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from functools import cached_property
from typing import Any

from virtmig.errors import NoDriver, PluginError, VirtmigError, told
from virtmig.formats import tree
from virtmig.hooks.discovery import scan
from virtmig.hooks.registry import Drivers, Registry
from virtmig.live.blueprint import create
from virtmig.live.procedure import virtio_load, virtio_save
from virtmig.reading import target_endian
from virtmig.testing.crash import hook_of
from virtmig.testing.diff import differences, fields_of, named
from virtmig.testing.drawn import site
from virtmig.testing.goldens import Golden, read_goldens
from virtmig.testing.isolation import everything
from virtmig.testing.kit import dig, law, skip
from virtmig.testing.laws.live import same_parts
from virtmig.testing.laws.wire import Case, WireLaws
from virtmig.testing.lost import like, lost_goldens, unnamed
from virtmig.testing.older import section_fields, state_as_of, wrongly_taken
from virtmig.testing.report import LawBroken
from virtmig.testing.whole import LIVE
from virtmig.virtio.state import VirtioState
from virtmig.wire.layout import layout_of

HERE = "goldens"
"""The law that tells what is wrong with a golden; others that need it are skipped."""
HOW = (
    "Nothing shows that a real device is understood: save a machine with it, and take its section "
    "with `virtmig plugins golden vm.mig`, or with virtmig.testing.add_golden"
)


class GoldenLaws(WireLaws):
    """What holds for the goldens of every driver."""

    @cached_property
    def all_goldens(self) -> list[Golden]:
        """The goldens of this driver in the folder; one folder may serve several drivers."""
        try:
            found = read_goldens(self.golden_folder())
        except VirtmigError as error:
            raise LawBroken(error.reason, do=error.hint, field="goldens", first=HERE) from None
        if self.subject.kind == "transport":
            return found
        return [one for one in found if one.idstr.rpartition("/")[2] == self.driver]

    @cached_property
    def _registry(self) -> Registry:
        """The driver under test, and every transport that is installed."""
        registry = Registry()
        subject = self.subject
        with everything():
            _ = registry.transports
        if subject.kind == "device":
            registry.add_device(subject.name, subject.plugin, subject.owner)
        if subject.kind == "transport":
            registry.add_transport(subject.name, subject.plugin, subject.owner)
        return registry

    def layout_of(self, golden: Golden) -> Any:
        """How a golden is laid out."""
        if self.subject.kind == "section":
            return self.bench().layout
        return self.drivers_of(golden).envelope

    def drivers_of(self, golden: Golden) -> Drivers:
        """Both drivers of a golden; the other one has to be installed."""
        subject, path = self.subject, golden.idstr.rpartition("/")[0]
        if subject.kind == "transport" and not subject.driver.claims(path, golden.machine):
            do = "let path_pattern match the paths of real devices, or mend `idstr`"
            text = f"{golden}: {path!r} is not claimed"
            raise LawBroken(text, do=do, field="path_pattern", first=HERE)
        try:
            with everything():
                return self._registry.drivers(golden.idstr, golden.machine)
        except NoDriver as error:
            do = f"add it to the test dependencies: {error.hint.partition(';')[0]}"
            text = f"{golden}: {error.reason}"
            raise LawBroken(text, do=do, field=golden.idstr, first=HERE) from None

    def decoded(self, golden: Golden) -> Case:
        """A golden as a state with its bytes."""
        layout = self.layout_of(golden)
        if golden.version_id not in self.versions() and self.subject.kind != "transport":
            versions = self.versions()
            do = "declare version and minimum_version as QEMU's VMStateDescription has them"
            found = f"golden {golden} has version {golden.version_id}"
            found += f"; {versions.start} to {versions.stop - 1} are declared"
            raise LawBroken(found, do=do, field="version", first=HERE)
        payload = self._payload(golden)
        try:
            state = layout.parse(payload, golden.version_id, golden.facts)
        except VirtmigError as error:
            do = "compare the declaration with QEMU's source at that place; or, if another device "
            do += "or another QEMU wrote it, take the golden anew"
            text = f"golden {golden}: {error}"
            raise LawBroken(text, do=do, field=error.where.path, first=HERE) from error
        except Exception as error:
            do = "look only at earlier fields and parts in conditions and counts"
            text = f"golden {golden}: {told(error)}"
            raise LawBroken(text, do=do, field=site(error), first=HERE) from error
        return Case(f"golden {golden}", state, golden.version_id, payload)

    @staticmethod
    def _payload(golden: Golden) -> bytes:
        try:
            return golden.payload()
        except VirtmigError as error:
            text = f"golden {golden}: {error.reason}"
            raise LawBroken(text, do=error.hint, field=golden.file, first=HERE) from error

    def golden_cases(self) -> Iterator[tuple[Any, Case]]:
        for golden in self.all_goldens:
            yield self.layout_of(golden), self.decoded(golden)

    @law
    def test_goldens(self) -> None:
        """Each golden is read to its last byte, is what the manifest says, and is written again."""
        if not self.all_goldens:
            with everything():
                installed = {one.name for one in scan().drivers}
            for lost in lost_goldens(self.golden_folder(), self.driver, installed):
                raise lost
            others = {one.idstr.rpartition("/")[2] for one in read_goldens(self.golden_folder())}
            there = f" (only of {', '.join(sorted(others))})" if others else ""
            if self.published or os.environ.get("VIRTMIG_PUBLISHED"):
                found = f"there are no goldens of {self.driver}{there}"
                raise LawBroken(found, do=HOW, field=str(self.golden_folder()))
            skip(f"no goldens yet of {self.driver}{there}. {HOW}")
        for golden in self.all_goldens:
            layout, case = self.layout_of(golden), self.decoded(golden)
            again = layout.unparse(case.state, case.version)
            if again != case.payload:
                at = same_start(again, case.payload)
                do = "let the wire type that lies there write what it read"
                raise LawBroken(f"golden {golden}: byte {at:#x} is written otherwise", do=do)
            self._truth(golden, layout, case)
        for lost in unnamed(self.golden_folder()):
            raise lost
        for text in uncovered(self):
            self.note(text)

    def _truth(self, golden: Golden, layout: Any, case: Case) -> None:
        plain = tree.from_state(case.state, layout, text=True)
        for path, expected in golden.truth.items():
            try:
                found = dig(plain, path)
            except KeyError:
                do = "correct the path in the manifest: dotted, as `virtmig inspect --json` has it"
                near = " or ".join(like(path, plain))
                do = f"did you mean {near}? {do}" if near else do
                text = f"golden {golden}: no field {path}"
                raise LawBroken(text, do=do, field=path) from None
            if found != expected:
                do = "check order, width and byte order of the fields against QEMU's source"
                if str(found) == str(expected):
                    do = f"write it in the manifest as what it is: {json.dumps(found)}"
                text = f"golden {golden}: decoded {found!r}, the manifest says {expected!r}"
                raise LawBroken(text, do=do, field=named(layout.parts, path, layout.scope({}, 0)))


class LiveGoldenLaws(GoldenLaws):
    """What holds for the goldens of drivers with live objects."""

    @law
    def test_goldens_live(self) -> None:
        """Each golden loads into a device that the create hooks make, and is saved as it was."""
        for golden in self.all_goldens:
            drivers, case = self.drivers_of(golden), self.decoded(golden)
            try:
                again, payload = self._there_and_back(golden, drivers, case)
            except VirtmigError as error:
                raise self._not_live(golden, error) from error
            except LawBroken:
                raise
            except Exception as error:
                do = "let the hooks make live objects and records as their reference says"
                text = f"golden {golden}: {told(error)}"
                raise LawBroken(text, do=do, field=self.driver, first=LIVE) from error
            if payload != case.payload:
                raise self._saved_otherwise(golden, case, again, payload)

    def _there_and_back(
        self, golden: Golden, drivers: Drivers, case: Case
    ) -> tuple[VirtioState, bytes]:
        """What a device saves that has loaded a golden, as the golden's version has it."""
        device = create(drivers, case.state, target_endian(golden.machine, golden.idstr))
        virtio_load(device, drivers, case.state)
        saved = virtio_save(device, drivers)
        again = state_as_of(saved, case.version)
        if self.subject.kind == "device":
            self._look_at_later(golden, case, saved, again)
        return again, drivers.envelope.unparse(again, case.version)

    def _look_at_later(
        self, golden: Golden, case: Case, saved: VirtioState, again: VirtioState
    ) -> None:
        """What the device has for fields that later versions than the golden's brought."""
        bench = self.bench()
        found = [*same_parts(bench, again, saved)]
        if not found:
            return
        fields = section_fields(self.record_classes())
        fresh = bench.parts(bench.save(bench.negotiated(case.state)))
        for one in found:
            broken = wrongly_taken(one, fields, fresh, case.version)
            if broken is not None:
                broken.found = f"golden {golden}: {broken.found}"
                raise broken

    @staticmethod
    def _not_live(golden: Golden, error: VirtmigError) -> LawBroken:
        text = f"golden {golden}: {told(error)}"
        if isinstance(error, PluginError):  # whatever the state is, most likely
            do = "let the hook do for this state what its reference says"
            return LawBroken(text, do=do, field=hook_of(error), first=LIVE)
        do = "let the create hook make a device with the properties that the state implies,"
        do += " and the load hook take what a real device saved"
        return LawBroken(text, do=do, field=error.where.path)

    def _saved_otherwise(
        self, golden: Golden, case: Case, again: VirtioState, payload: bytes
    ) -> LawBroken:
        do = "put every field back as it is in the load hook, and save it from there"
        ours, theirs = self.bench().parts(case.state), self.bench().parts(again)
        for name in dict.fromkeys((*ours, *theirs)):
            for found in differences(ours.get(name), theirs.get(name), name):
                text = f"golden {golden}: {found.said('loaded', 'then saved')}"
                return LawBroken(text, do=do, field=found.name)
        at = same_start(payload, case.payload)
        return LawBroken(f"golden {golden}: byte {at:#x} is another one after a load", do=do)


def same_start(one: bytes, other: bytes) -> int:
    """How many bytes two payloads have in common from the start."""
    pairs = enumerate(zip(one, other, strict=False))
    return next((at for at, (a, b) in pairs if a != b), min(len(one), len(other)))


def uncovered(laws: GoldenLaws) -> Iterator[str]:
    """What no golden shows: versions, and fields that are not always there."""
    goldens = laws.all_goldens
    seen: set[str] = set()
    for golden in goldens:
        for path, part in laws.bench().parts(laws.decoded(golden).state).items():
            seen |= {name for name, _, value in fields_of(part, path) if value not in (None, ())}
    for version in laws.versions():
        if laws.subject.kind != "transport" and version not in {one.version_id for one in goldens}:
            yield f"no golden has version {version} of the section"
    for cls in laws.record_classes():
        for field in layout_of(cls).all_fields:
            name = f"{cls.__name__}.{field.name}"
            sometimes = field.when is not None or field.type.tail is not None or field.type.reads
            if sometimes and name not in seen:
                yield f"no golden has {name}"
    if not any(golden.truth for golden in goldens):
        yield "no golden says what the monitor said (`truth`), so byte order is not shown right"
