"""Defects of plugins are asked by name, and can break nothing but their own answer."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any

import attrs
import pytest

from tests.core.repairing.patients import golden, stream_of
from virtmig.api import DeviceDriver, hookimpl
from virtmig.errors import ContractBroken, DriverFailed, NoDriver
from virtmig.hooks.registry import Registry
from virtmig.repairing.treating import Examination, examine
from virtmig.stream.opening import Stream
from virtmig.virtio.defects import Defect, Diagnosis, Patient, Target
from virtmig.wire.meaning import safe
from virtmig.wire.record import evolve

RNG = golden("virtio-rng", "x86-10.0-q35-four-packed")
Find = Callable[[Patient], Iterable[Diagnosis]]


class Rng:
    """The driver of virtio-rng with one more defect."""

    def __init__(self, find: Find) -> None:
        driver: DeviceDriver = Registry().device("virtio-rng").driver
        defect = Defect(
            name="tired",
            title="it is tired",
            written_by="nobody",
            verdict=safe("it sleeps"),
            find=find,
        )
        self.driver = attrs.evolve(driver, defects=(defect,))

    @hookimpl
    def describe_driver(self) -> DeviceDriver:
        return self.driver

    @hookimpl
    def save_device(self) -> Any: ...

    @hookimpl
    def load_device(self) -> None: ...


def examined(find: Find) -> Examination:
    registry = Registry()
    registry.add_device("virtio-rng", Rng(find), "the plugin of this test")
    return examine(Stream.from_bytes(stream_of(RNG)), registry, Target())


def awake(patient: Patient) -> Any:
    return attrs.evolve(patient.state, common=evolve(patient.state.common, isr=3))


def test_a_plugin_brings_a_defect_of_its_own() -> None:
    """It is found and mended like any other, and only the section in question changes."""

    def find(patient: Patient) -> Iterator[Diagnosis]:
        yield Diagnosis(path="common.isr", found="0", mended=awake(patient))

    seen = examined(find)
    assert [(one.defect.name, one.mended) for one in seen.findings if one.concerns] == [
        ("tired", True)
    ]
    ((section, payload),) = seen.payloads.items()
    assert len(payload) == section.size
    assert payload != RNG.payload()


def test_an_exception_out_of_it_names_the_plugin() -> None:
    def find(patient: Patient) -> Iterator[Diagnosis]:
        raise RuntimeError(patient.idstr)

    with pytest.raises(DriverFailed, match="plugin of this test: defect tired: RuntimeError"):
        examined(find)


def test_two_mended_states_contradict_each_other() -> None:
    def find(patient: Patient) -> Iterator[Diagnosis]:
        for path in ("common.isr", "common.status"):
            yield Diagnosis(path=path, found="0", mended=awake(patient))

    with pytest.raises(ContractBroken, match="more than one mended state"):
        examined(find)


def test_a_device_without_a_driver_is_told_and_left() -> None:
    data = stream_of(attrs.evolve(RNG, idstr="0000:00:09.0/virtio-unheard-of"))
    seen = examine(Stream.from_bytes(data), Registry(), Target())
    assert not seen.findings
    assert [type(one.error) for one in seen.unread] == [NoDriver]
