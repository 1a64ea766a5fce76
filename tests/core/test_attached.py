"""Sections that belong to a virtio device without being one, and fields behind the virtio core."""

from __future__ import annotations

from pathlib import Path
from typing import Any, cast

import pytest

from tests.core.formats.boxes import SMALL_PAYLOAD, Payloads, pack, section, toasters
from tests.core.hooks import fakes
from tests.core.hooks.fakes import Site
from virtmig.errors import BadContainer, ContractBroken, DriverFailed, NoDriver, Truncated
from virtmig.explaining import explain
from virtmig.formats import cbor
from virtmig.formats.report import device_lines
from virtmig.formats.view import device_view
from virtmig.hooks.discovery import SECTIONS
from virtmig.hooks.registry import Registry
from virtmig.live.blueprint import create
from virtmig.live.procedure import virtio_load, virtio_save
from virtmig.reading import Attached, Decoded, Undecoded, read_devices
from virtmig.stream.opening import Stream
from virtmig.stream.sections import Section

CRUMBS = '''
"""A driver of crumbs, which lie below a toaster."""
from virtmig.api import SectionDriver, be16, hookimpl, record, wire


@record()
class Crumbs:
    count: int = wire(be16, "crumbs in the tray")


class Plugin:
    @hookimpl
    def describe_driver(self):
        return SectionDriver(
            name="crumbs", parent="virtio-toaster", version=2, state=Crumbs,
            view=lambda crumbs: {"grams": crumbs.count / 10},
        )


plugin = Plugin()
'''
TRAY = "bus/tray/crumbs"


class Kitchen(Payloads):
    """A stream of so many sections, each with its payload."""

    def __init__(self, *contents: tuple[str, int, bytes]) -> None:
        found = {section(idstr, version, len(data)): data for idstr, version, data in contents}
        super().__init__(found)
        self.sections = tuple(found)


def found_in(registry: Registry, *contents: tuple[str, int, bytes]) -> dict[str, Any]:
    """What is read of a stream, by idstr."""
    stream = cast("Stream", Kitchen(*contents))
    return {device.section.idstr: device for device in read_devices(stream, registry)}


@pytest.fixture
def registry(site: Site) -> Registry:
    """Knows toasters on a bus, and crumbs."""
    site.add("crumbs", CRUMBS, group=SECTIONS, dist="virtmig-crumbs")
    return toasters()


TOASTER = ("bus/virtio-toaster", 1, SMALL_PAYLOAD)


def test_a_section_below_its_device_is_read(registry: Registry) -> None:
    found = found_in(registry, TOASTER, (TRAY, 2, b"\0\7"))
    assert isinstance(found["bus/virtio-toaster"], Decoded)
    crumbs = found[TRAY]
    assert isinstance(crumbs, Attached)
    assert crumbs.state.fields.count == 7


@pytest.mark.parametrize("place", ["bus/crumbs", "bus/tray/deep/crumbs"])
def test_it_lies_at_the_device_s_path_or_below(registry: Registry, place: str) -> None:
    assert place in found_in(registry, TOASTER, (place, 2, b"\0\7"))


@pytest.mark.parametrize("place", ["crumbs", "busy/crumbs", "kitchen/bus/crumbs"])
def test_at_any_other_place_it_is_left_alone(registry: Registry, place: str) -> None:
    assert place not in found_in(registry, TOASTER, (place, 2, b"\0\7"))


@pytest.mark.parametrize("place", ["crumbs", "0:0:0/crumbs"])
def test_a_device_without_a_path_has_all_of_them(registry: Registry, place: str) -> None:
    device = ("virtio-toaster", 1, SMALL_PAYLOAD)
    assert place in found_in(registry, device, (place, 2, b"\0\7"))


def test_without_a_driver_it_is_a_section_like_others() -> None:
    assert TRAY not in found_in(toasters(), TOASTER, (TRAY, 2, b"\0\7"))


def test_a_bad_one_is_an_error_of_its_own(registry: Registry) -> None:
    found = found_in(registry, TOASTER, (TRAY, 2, b"\0"))
    assert isinstance(found[TRAY], Undecoded)
    assert isinstance(found[TRAY].error, Truncated)
    assert str(found[TRAY].error.where) == f"{TRAY}:fields.count@0x0"
    assert isinstance(found["bus/virtio-toaster"], Decoded)


def test_a_driver_that_does_not_work_is_named(site: Site) -> None:
    site.add("crumbs", "raise RuntimeError('burnt')", group=SECTIONS, dist="virtmig-crumbs")
    found = found_in(toasters(), TOASTER, (TRAY, 2, b"\0\7"))
    assert isinstance(found[TRAY].error, DriverFailed)
    assert "virtmig-crumbs" in found[TRAY].error.reason


def test_it_is_shown_with_its_summary(registry: Registry) -> None:
    view = device_view(found_in(registry, TOASTER, (TRAY, 2, b"\0\7"))[TRAY], None)
    assert view["attached_to"] == "virtio-toaster"
    assert view["summary"] == {"grams": 0.7}
    assert view["state"] == {"fields": {"count": 7}}
    assert list(device_lines(view)) == [
        f"{TRAY}  attached to virtio-toaster, version 2",
        "  summary",
        "    grams                   0.7",
        "  fields",
        "    count                   7",
    ]


def test_a_byte_of_it_is_explained(registry: Registry) -> None:
    owner = explain(found_in(registry, TOASTER, (TRAY, 2, b"\0\7"))[TRAY], b"\0\7", 1)
    assert (owner.path, owner.start, owner.doc) == ("fields.count", 0, "crumbs in the tray")


def packed(registry: Registry) -> bytes:
    """A container with crumbs in it."""
    found = found_in(registry, TOASTER, (TRAY, 2, b"\0\7"))
    payloads: dict[Section, bytes] = {
        found[TRAY].section: b"\0\7",
        found["bus/virtio-toaster"].section: SMALL_PAYLOAD,
    }
    return pack(list(found.values()), payloads)


def test_it_goes_into_a_container_and_back(registry: Registry) -> None:
    _, crumbs = cbor.unpack(packed(registry), registry).devices
    assert (crumbs.idstr, crumbs.version_id, crumbs.payload) == (TRAY, 2, b"\0\7")
    assert crumbs.decoded


def test_a_container_needs_its_driver(registry: Registry, site: Site) -> None:
    data = packed(registry)
    for info in site.folder.glob("*.dist-info"):
        (info / "entry_points.txt").write_text("")
    with pytest.raises((NoDriver, BadContainer), match="crumbs"):
        cbor.unpack(data, toasters())


OUTER = {
    "@record()\nclass State:": '@record("toaster")\nclass State:',
    "device_id=99": "device_id=99, outer=State",
    "@hookimpl\n    def load_device": """@hookimpl
    def save_outer(self, device):
        return State(value=device.slots)

    @hookimpl
    def load_outer(self, device, state):
        device.slots = state.value
        device.saw = device.has_feature(40)

    @hookimpl
    def load_device""",
}


def outer_toasters(**changes: str) -> Registry:
    """A registry of toasters whose vmsd has a field of its own."""
    registry = toasters()
    namespace: dict[str, Any] = {"__name__": "outer"}
    source = fakes.device("virtio-toaster", **OUTER)
    for old, new in changes.items():
        source = source.replace(old, new)
    exec(source, namespace)  # noqa: S102
    registry.add_device("virtio-toaster", namespace["plugin"], "a test")
    return registry


def test_fields_behind_the_core_are_a_sixth_part() -> None:
    drivers = outer_toasters().drivers("bus/virtio-toaster", "")
    payload = SMALL_PAYLOAD + b"\1\2"
    state = drivers.envelope.parse(payload, 1)
    assert state.outer.value == 0x102
    assert drivers.envelope.unparse(state, 1) == payload
    device = create(drivers, state, "little")
    virtio_load(device, drivers, state)
    assert vars(device)["slots"] == 0x102
    assert virtio_save(device, drivers).outer == state.outer


def test_they_are_loaded_when_all_features_are_there() -> None:
    drivers = outer_toasters().drivers("bus/virtio-toaster", "")
    state = drivers.envelope.parse(SMALL_PAYLOAD + b"\1\2", 1)
    device = create(drivers, state, "little")
    virtio_load(device, drivers, state)
    assert vars(device)["saw"] is False


@pytest.mark.parametrize("hook", ["save_outer", "load_outer"])
def test_a_driver_that_declares_them_has_their_hooks(hook: str) -> None:
    with pytest.raises(ContractBroken, match=f"declares outer fields but not the hook {hook}"):
        outer_toasters(**{f"@hookimpl\n    def {hook}": f"def {hook}"})


def test_a_container_holds_them(tmp_path: Path) -> None:
    registry = outer_toasters()
    payload = SMALL_PAYLOAD + b"\1\2"
    found = found_in(registry, ("bus/virtio-toaster", 1, payload))
    device = found["bus/virtio-toaster"]
    path = tmp_path / "toaster.cbor"
    cbor.write(path, pack([device], {device.section: payload}))
    (back,) = cbor.read(path, registry).devices
    assert back.payload == payload


def test_they_have_a_summary_of_their_own() -> None:
    shown = {"outer=State": "outer=State, outer_view=lambda outer: {'slices': outer.value}"}
    registry = outer_toasters(**shown)
    payload = SMALL_PAYLOAD + b"\1\2"
    view = device_view(found_in(registry, ("bus/virtio-toaster", 1, payload)).popitem()[1], None)
    assert view["outer_summary"] == {"slices": 0x102}
    assert "    slices                  258" in list(device_lines(view))
