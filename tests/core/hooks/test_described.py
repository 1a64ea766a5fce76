"""What a driver says of itself is checked when it is bound; the first fault is told."""

from __future__ import annotations

from typing import Any

import attrs
import pytest

from tests.core.hooks import fakes
from tests.core.hooks.fakes import Site
from virtmig.errors import ContractBroken, DriverFailed, PluginError
from virtmig.hooks.contract import contract_findings
from virtmig.hooks.discovery import DEVICES, SECTIONS, TRANSPORTS, installed
from virtmig.hooks.registry import Registry

NAME = "virtio-toaster"
OWNER = "virtio-toaster of virtmig-toaster 1.0"

DEVICE = {
    "a number for a name": (
        'name="virtio-toaster"',
        "name=7",
        "virtio-toaster of virtmig-toaster 1.0: the entry point is 'virtio-toaster', the driver 7",
    ),
    "a text for a version": (
        "version=1",
        "version='1'",
        (
            f"{OWNER}: describe_driver: DeviceDriver.version: version='1' is no int "
            "(see virtmig.api for the type)"
        ),
    ),
    "a bool for a number": (
        "device_id=99",
        "device_id=True",
        (
            f"{OWNER}: describe_driver: DeviceDriver.device_id: device_id=True is no int "
            "(see virtmig.api for the type)"
        ),
    ),
    "one text for names of queues": (
        "state=State",
        "state=State, queue_names='rx'",
        (
            f"{OWNER}: describe_driver: DeviceDriver.queue_names: queue_names='rx' is no tuple "
            "(see virtmig.api for the type)"
        ),
    ),
    "a list for features": (
        "state=State",
        "state=State, features=['A']",
        (
            f"{OWNER}: describe_driver: DeviceDriver.features: features=['A'] is no mapping "
            "(see virtmig.api for the type)"
        ),
    ),
    "a name for a feature bit": (
        "state=State",
        "state=State, features={'A': 1}",
        (
            f"{OWNER}: describe_driver: DeviceDriver.features: features={{'A': 1}} is no bit "
            "number with its name (see virtmig.api for the type)"
        ),
    ),
    "no facts": (
        "state=State",
        "state=State, facts=None",
        (
            f"{OWNER}: describe_driver: DeviceDriver.facts: facts=None is no tuple "
            "(see virtmig.api for the type)"
        ),
    ),
    "a fact that is none": (
        "state=State",
        "state=State, facts=('pages',)",
        (
            f"{OWNER}: describe_driver: DeviceDriver.facts: facts='pages' is no OpenFact with a "
            "tuple of candidates (see virtmig.api for the type)"
        ),
    ),
    "a view that cannot be called": (
        "state=State",
        "state=State, view={}",
        (
            f"{OWNER}: describe_driver: DeviceDriver.view: view={{}} is no function "
            "(see virtmig.api for the type)"
        ),
    ),
    "versions the wrong way round": (
        "version=1",
        "version=1, minimum_version=2",
        (
            f"{OWNER}: describe_driver: version: versions 2 to 1 are none that a section has "
            "(version is what QEMU writes, minimum_version the oldest that is read)"
        ),
    ),
    "a fact that is declared twice": (
        "state=State",
        "state=State, facts=2 * (__import__('virtmig.api').api.OpenFact('pages', (1,), 'x'),)",
        f"{OWNER}: describe_driver: facts: the fact 'pages' is declared 2 times (declare it once)",
    ),
    "a fact that nothing can answer": (
        "state=State",
        "state=State, facts=(__import__('virtmig.api').api.OpenFact('pages', (), 'x'),)",
        (
            f"{OWNER}: describe_driver: facts: the fact 'pages' has no candidates "
            "(name all possible values)"
        ),
    ),
}


@pytest.mark.parametrize(("old", "new", "message"), DEVICE.values(), ids=DEVICE)
def test_a_description_that_cannot_be_right_is_refused(
    site: Site, old: str, new: str, message: str
) -> None:
    site.add(NAME, fakes.device(NAME, **{old: new}), dist="virtmig-toaster")
    with pytest.raises(ContractBroken) as caught:
        Registry().device(NAME)
    assert str(caught.value) == message


def test_a_device_needs_a_name_that_a_stream_can_have(site: Site) -> None:
    site.add("toaster", fakes.device("toaster"), dist="virtmig-toaster")
    with pytest.raises(ContractBroken) as caught:
        Registry().device("toaster")
    assert caught.value.reason == (
        "toaster of virtmig-toaster 1.0: describe_driver: name: no virtio device of a stream is "
        "named 'toaster'"
    )


BUS = {
    "no regular expression": (
        'path_pattern="bus"',
        'path_pattern="("',
        (
            "path_pattern: path_pattern='(' is no regular expression: missing ), "
            "unterminated subpattern at position 0"
        ),
    ),
    "no regular expression of machines": (
        'path_pattern="bus"',
        'path_pattern="bus", pathless_machines="["',
        (
            "pathless_machines: pathless_machines='[' is no regular expression: "
            "unterminated character set at position 0"
        ),
    ),
    "a field that every queue has": (
        "vector: int = wire",
        "desc: int = wire",
        "Queue.desc: 'desc' is a field of every queue already",
    ),
}


@pytest.mark.parametrize(("old", "new", "words"), BUS.values(), ids=BUS)
def test_a_transport_that_cannot_be_right_hurts_only_its_own_devices(
    site: Site, old: str, new: str, words: str
) -> None:
    source = fakes.transport("virtio-bus", "bus").replace(old, new)
    module = site.add("virtio-bus", source, group=TRANSPORTS, dist="virtmig-bus")
    registry = Registry()
    assert registry.transport("0000:00:02.0", "").driver.name == "virtio-pci"
    (error,) = registry.broken
    place = f"{module}." if words.startswith("Queue") else ""
    assert error.reason == f"virtio-bus of virtmig-bus 1.0: describe_driver: {place}{words}"


TWICE = {
    "at once": 'value: int = wire(be16, "a value")\n    value: int = wire(be16, "another")',
    "later": (
        'value: int = wire(be16, "a value")\n    other: int = wire(be16, "x")\n'
        '    value: int = wire(be16, "another")'
    ),
}


@pytest.mark.parametrize("fields", TWICE.values(), ids=TWICE)
def test_a_field_that_is_declared_twice_is_named(site: Site, fields: str) -> None:
    """Python keeps the second only; all behind it would be read from the wrong bytes."""
    source = fakes.device(NAME, **{'value: int = wire(be16, "a value")': fields})
    module = site.add(NAME, source, dist="virtmig-toaster")
    with pytest.raises(DriverFailed) as caught:
        Registry().device(NAME)
    assert caught.value.reason == (
        f"{OWNER}: importing '{module}:plugin' failed: TypeError: State.value is declared twice"
    )


def test_a_function_may_make_fields(site: Site) -> None:
    helper = "def made():\n    return wire(be16, 'a value')\n\n\n@record()\nclass State:"
    changes = {"@record()\nclass State:": helper, 'wire(be16, "a value")': "made()"}
    source = fakes.device(NAME)
    for old, new in changes.items():
        source = source.replace(old, new, 1) if old in source else source
    site.add(NAME, source, dist="virtmig-toaster")
    assert Registry().device(NAME).driver.name == NAME


ODD = {
    "names that raise": "    def __dir__(self):\n        raise OSError('hot')\n",
    "names that exit": "    def __dir__(self):\n        raise SystemExit(1)\n",
    "no text and no hash": (
        "    __hash__ = None\n    def __repr__(self):\n        raise OSError('hot')\n"
    ),
}


@pytest.mark.parametrize("members", ODD.values(), ids=ODD)
def test_an_object_that_cannot_be_looked_at_is_named(site: Site, members: str) -> None:
    source = fakes.device(NAME, **{"class Plugin:\n": f"class Plugin:\n{members}\n"})
    site.add(NAME, source, dist="virtmig-toaster")
    with pytest.raises(PluginError) as caught:
        Registry().device(NAME)
    assert caught.value.reason.startswith(f"{OWNER}: ")
    assert str(caught.value).isprintable()


def test_the_drivers_of_this_repository_have_no_findings() -> None:
    registry = Registry()
    for group in (DEVICES, TRANSPORTS, SECTIONS):
        for one in installed(group):
            if one.distribution.startswith("virtmig-"):
                assert contract_findings(registry.bind(one).driver) == []


def found(driver: Any) -> list[tuple[str, str]]:
    return [(one.code, one.severity) for one in contract_findings(driver)]


def test_what_is_odd_and_works_is_a_warning() -> None:
    registry = Registry()
    device: Any = registry.device("virtio-blk").driver
    assert found(attrs.evolve(device, device_id=0)) == [("device-id", "warning")]
    assert found(attrs.evolve(device, features={32: "MINE"})) == [("common-feature", "warning")]
    bus: Any = registry.transport("", "", "virtio-pci").driver
    assert found(attrs.evolve(bus, path_pattern=".*")) == [("wide-pattern", "warning")]


@pytest.mark.parametrize("space", [{"mac": 0}, {"mac": True}, {"mac": "6"}, {0: 6}, ["mac"]])
def test_a_configuration_space_is_names_with_sizes(space: object) -> None:
    device: Any = Registry().device("virtio-blk").driver
    assert found(attrs.evolve(device, config_space=space)) == [("wrong-type", "error")]


def test_all_wrong_types_are_found_at_once() -> None:
    device: Any = Registry().device("virtio-blk").driver
    wrong = attrs.evolve(device, version=None, minimum_version=None, device_id="2", facts=[])
    assert found(wrong) == [("wrong-type", "error")] * 4
