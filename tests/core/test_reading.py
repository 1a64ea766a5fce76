"""A stream's virtio devices, one by one: which sections they are, and what is asked of each."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.core.formats.boxes import section
from tests.core.hooks import fakes
from tests.core.hooks.fakes import Site
from tests.core.material import OURS, drivers_of, pick
from virtmig.errors import DriverFailed, MissingFact, NoDriver
from virtmig.hooks.registry import Registry
from virtmig.reading import (
    VIRTIO_NAME,
    Decoded,
    Options,
    Undecoded,
    check_facts,
    parse,
    read_devices,
    target_endian,
)
from virtmig.stream.opening import open_stream

X86 = Path(__file__).parents[2] / "samples" / "x86-q35.mig"


@pytest.mark.parametrize(
    "idstr",
    [
        "0000:00:02.0/virtio-net",
        "0000:00:02.0:00.0/virtio-blk",
        "/fe.0.0001/virtio-blk",
        "virtio-blk",
        "0000:00:02.0/vhost-user-fs",
        "0000:00:02.0/virtio-9p",
        "\x1b/virtio-net",
    ],
)
def test_virtio_devices_are_known_by_their_name(idstr: str) -> None:
    assert VIRTIO_NAME.fullmatch(idstr)


@pytest.mark.parametrize(
    "idstr",
    ["", "timer", "0000:00:02.0/e1000", "virtio", "0000:00:02.0/virtio-", "virtio-net/queue"],
)
def test_other_sections_are_not_virtio_devices(idstr: str) -> None:
    assert not VIRTIO_NAME.fullmatch(idstr)


@pytest.mark.parametrize(
    ("machine", "idstr", "endian"),
    [
        ("pc-q35-7.2", "0000:00:02.0/virtio-net", "little"),
        ("s390-ccw-virtio-7.2", "/fe.0.0001/virtio-net", "big"),
        ("s390-ccw-virtio-7.2", "0000:00:02.0/virtio-net", "big"),
        ("", "/fe.0.0001/virtio-net", "big"),
        ("", "0000:00:02.0/virtio-net", "little"),
    ],
)
def test_the_machine_says_how_its_guest_counts(machine: str, idstr: str, endian: str) -> None:
    assert target_endian(machine, idstr) == endian


def test_a_device_without_a_driver_does_not_keep_others_from_being_read(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("VIRTMIG_LOAD_PLUGINS", "virtmig-pci,virtmig-blk,virtmig-net")
    with open_stream(X86) as stream:
        found = read_devices(stream, Registry())
    kinds = {device.section.idstr.split("/")[-1]: device for device in found}
    assert isinstance(kinds["virtio-blk"], Decoded)
    assert isinstance(kinds["virtio-net"], Decoded)
    rng = kinds["virtio-rng"]
    assert isinstance(rng, Undecoded)
    assert isinstance(rng.error, NoDriver)
    assert rng.error.where.section == "0000:00:03.0/virtio-rng"


def test_a_transport_can_be_given_for_one_device() -> None:
    options = Options(transports={"0000:00:01.0/virtio-blk": "virtio-ccw"})
    with open_stream(X86) as stream:
        blk, net, *_ = read_devices(stream, Registry(), options)
    assert isinstance(blk, Undecoded)
    assert isinstance(net, Decoded)


def test_a_fact_holds_for_the_devices_that_ask_for_it() -> None:
    with open_stream(X86) as stream:
        found = read_devices(stream, Registry(), Options(facts={"multiqueue": "true"}))
    assert [type(device) for device in found[:2]] == [Decoded, Undecoded]


def test_a_fact_that_no_device_asks_for_is_refused() -> None:
    with open_stream(X86) as stream:
        devices = read_devices(stream, Registry())
    check_facts(Options(facts={"multiqueue": "false", "pci_config_size": "256"}), devices)
    with pytest.raises(MissingFact) as caught:
        check_facts(Options(facts={"multi_queue": "false"}), devices)
    assert "multiqueue" in caught.value.hint


def test_a_transport_for_a_device_that_is_not_there_is_refused() -> None:
    with open_stream(X86) as stream:
        devices = read_devices(stream, Registry())
    with pytest.raises(MissingFact) as caught:
        check_facts(Options(transports={"0000:00:99.0/virtio-blk": "virtio-pci"}), devices)
    assert "0000:00:01.0/virtio-blk" in caught.value.hint


def test_a_layout_of_a_plugin_that_fails_is_the_plugins_fault(site: Site) -> None:
    count = "def _count(scope, seen):\n    '''many'''\n    return seen['nothing']\n\n\n"
    count += "@record()\nclass State:"
    source = fakes.device("virtio-toaster", **{"@record()\nclass State:": count})
    source = source.replace('wire(be16, "a value")', 'wire(array(be16, _count), "values")')
    source = source.replace("import DeviceDriver", "import array, DeviceDriver")
    site.add("virtio-toaster", source, dist="virtmig-toaster")
    golden = pick("virtio-blk")
    drivers = Registry().drivers("0000:00:02.0/virtio-toaster", "pc")
    with pytest.raises(DriverFailed) as caught:
        parse(
            section(golden.idstr, 1, 0),
            golden.payload,
            drivers.envelope,
            Options(),
            drivers.device.owner,
        )
    assert "virtmig-toaster" in caught.value.reason
    assert "KeyError" in caught.value.reason


def test_facts_given_as_text_are_those_of_the_drivers() -> None:
    golden = next(one for one in OURS if one.device == "virtio-net" and one.arch == "x86")
    place = section(golden.idstr, golden.version_id, len(golden.payload))
    layout = drivers_of(golden).envelope
    given = Options(facts={"multiqueue": "false", "colour": "red"})
    state = parse(place, golden.payload, layout, given, "ours")
    assert {fact.name: fact.value for fact in state.facts}["multiqueue"] is False
    with pytest.raises(MissingFact):
        parse(place, golden.payload, layout, Options(facts={"multiqueue": "perhaps"}), "ours")
