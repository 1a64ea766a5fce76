"""One driver by its name, and only that one is imported."""

from __future__ import annotations

import sys

import pytest

from tests.core.hooks import fakes
from tests.core.hooks.fakes import Site
from virtmig.errors import AmbiguousDriver, DriverFailed, NoDriver, PluginError
from virtmig.hooks import discovery
from virtmig.hooks.discovery import DEVICES, TRANSPORTS, find, installed
from virtmig.hooks.registry import Registry

PCI, CCW = "0000:00:02.0", "/fe.0.0001"


def test_a_driver_is_found_by_the_name_of_its_entry_point(site: Site) -> None:
    site.add("virtio-toaster", fakes.device("virtio-toaster"), dist="virtmig-toaster")
    drivers = Registry().drivers(f"{PCI}/virtio-toaster", "pc-q35-7.2")
    assert drivers.device.driver.name == "virtio-toaster"
    assert drivers.device.owner == "virtio-toaster of virtmig-toaster 1.0"
    assert drivers.transport.driver.name == "virtio-pci"


def test_a_device_without_a_driver_says_what_to_install() -> None:
    with pytest.raises(NoDriver) as caught:
        Registry().device("virtio-toaster")
    assert "virtio-toaster" in caught.value.reason
    assert "virtmig plugins new virtio-toaster" in caught.value.hint
    assert "installed: " in caught.value.hint
    assert "virtio-blk" in caught.value.hint


def test_a_transport_without_a_driver_says_what_to_install() -> None:
    with pytest.raises(NoDriver) as caught:
        Registry().drivers("isa/virtio-blk", "pc")
    assert "'isa'" in caught.value.reason
    assert "virtio-ccw" in caught.value.hint
    assert "virtio-pci" in caught.value.hint


def test_two_distributions_with_one_driver_are_both_named_and_neither_is_used(site: Site) -> None:
    """Which of them came first on the path must not decide how a stream is read."""
    for dist, version in (("virtmig-toaster", "1.0"), ("bread", "2.5")):
        source = fakes.device("virtio-toaster")
        site.add("virtio-toaster", source, dist=dist, version=version)
    with pytest.raises(AmbiguousDriver) as caught:
        Registry().device("virtio-toaster")
    assert "virtmig-toaster 1.0" in caught.value.reason
    assert "bread 2.5" in caught.value.reason
    assert not set(site.modules) & set(sys.modules)


def test_two_distributions_with_one_transport_are_both_named(site: Site) -> None:
    for dist in ("bus-one", "bus-two"):
        site.add("virtio-bus", fakes.transport("virtio-bus", "bus"), group=TRANSPORTS, dist=dist)
    with pytest.raises(PluginError) as caught:
        Registry().transport("bus", "")
    assert "bus-one" in str(caught.value)
    assert "bus-two" in str(caught.value)
    assert Registry().transport(PCI, "").driver.name == "virtio-pci"


def test_two_transports_that_claim_one_path_are_both_named(site: Site) -> None:
    for number in (1, 2):
        name = f"virtio-bus{number}"
        source = fakes.transport(name, "bus[0-9]?")
        site.add(name, source, group=TRANSPORTS, dist=f"dist{number}")
    with pytest.raises(AmbiguousDriver) as caught:
        Registry().transport("bus", "")
    assert "dist1" in caught.value.reason
    assert "dist2" in caught.value.reason
    assert Registry().transport("bus", "", "virtio-bus2").driver.name == "virtio-bus2"


def test_only_the_driver_that_is_asked_for_is_imported(site: Site) -> None:
    wanted = site.add("virtio-toaster", fakes.device("virtio-toaster"), dist="one")
    other = site.add("virtio-oven", "raise RuntimeError('imported')", dist="two")
    Registry().device("virtio-toaster")
    assert wanted in sys.modules
    assert other not in sys.modules


BROKEN = {
    "an exception": "raise RuntimeError('no bread')",
    "an exit": "raise SystemExit(0)",
    "a syntax error": "def",
    "a missing module": "import a_module_that_nobody_has",
    "a missing object": "something_else = 1",
}


@pytest.mark.parametrize("source", BROKEN.values(), ids=BROKEN)
def test_a_driver_that_cannot_be_imported_is_named(site: Site, source: str) -> None:
    module = site.add("virtio-toaster", source, dist="virtmig-toaster")
    with pytest.raises(DriverFailed) as caught:
        Registry().device("virtio-toaster")
    assert "virtio-toaster of virtmig-toaster 1.0" in caught.value.reason
    assert f"{module}:plugin" in caught.value.reason
    assert caught.value.__cause__ is not None


@pytest.mark.parametrize("source", BROKEN.values(), ids=BROKEN)
def test_a_broken_transport_hurts_only_its_own_devices(site: Site, source: str) -> None:
    site.add("virtio-bus", source, group=TRANSPORTS, dist="virtmig-bus")
    registry = Registry()
    assert registry.transport(PCI, "").driver.name == "virtio-pci"
    assert registry.transport(CCW, "").driver.name == "virtio-ccw"
    assert len(registry.broken) == 1
    assert "virtmig-bus" in registry.broken[0].reason
    with pytest.raises(NoDriver) as caught:
        registry.transport("bus", "")
    assert "virtmig-bus" in caught.value.hint


def test_a_driver_is_bound_once(site: Site) -> None:
    site.add("virtio-toaster", fakes.device("virtio-toaster"), dist="virtmig-toaster")
    registry = Registry()
    assert registry.device("virtio-toaster") is registry.device("virtio-toaster")
    assert registry.transport(PCI, "") is registry.transports["virtio-pci"]


def test_a_driver_that_failed_once_is_asked_again(site: Site) -> None:
    """A registry keeps no failure of a device: the plugin may have been mended."""
    module = site.add("virtio-toaster", "raise RuntimeError", dist="virtmig-toaster")
    registry = Registry()
    with pytest.raises(DriverFailed):
        registry.device("virtio-toaster")
    (site.folder / f"{module}.py").write_text("# mended now\n" + fakes.device("virtio-toaster"))
    assert registry.device("virtio-toaster").driver.version == 1


def test_a_registered_plugin_wins_over_what_is_installed(site: Site) -> None:
    namespace: dict[str, object] = {"__name__": "local"}
    exec(fakes.device("virtio-blk"), namespace)  # noqa: S102  the source is ours
    registry = Registry()
    registry.add_device("virtio-blk", namespace["plugin"], "a test")
    assert registry.device("virtio-blk").owner == "a test"
    assert registry.device("virtio-blk").driver.device_id == 99


def test_drivers_are_listed_with_their_distributions(site: Site) -> None:
    site.add("virtio-toaster", fakes.device("virtio-toaster"), dist="toast-it", version="3.1")
    rows = {one.name: one for one in installed(DEVICES)}
    assert set(rows) >= {"virtio-blk", "virtio-net", "virtio-toaster"}
    toaster = rows["virtio-toaster"]
    assert (toaster.distribution, toaster.version) == ("toast-it", "3.1")
    assert str(toaster) == "virtio-toaster of toast-it 3.1"
    assert rows["virtio-net"].distribution == "virtmig-net"
    assert {one.name for one in installed(TRANSPORTS)} >= {"virtio-pci", "virtio-ccw"}


def test_listing_imports_nothing(site: Site) -> None:
    module = site.add("virtio-toaster", "raise RuntimeError", dist="virtmig-toaster")
    installed(DEVICES)
    assert find(DEVICES, "virtio-toaster").value == f"{module}:plugin"
    assert module not in sys.modules


def test_a_distribution_that_lost_its_metadata_hurts_nobody(site: Site) -> None:
    """As an interrupted `pip uninstall` leaves it."""
    for name in ("virtio-toaster", "virtio-blk"):
        site.add(name, fakes.device(name), dist=f"gone-{name}")
        (site.folder / f"gone_{name.replace('-', '_')}-1.0.dist-info" / "METADATA").unlink()
    assert {one.name for one in installed(DEVICES)} >= {"virtio-net", "virtio-toaster"}
    assert Registry().device("virtio-net").driver.name == "virtio-net"
    with pytest.raises(AmbiguousDriver):
        Registry().device("virtio-blk")


def test_entry_points_that_make_no_sense_hurt_nobody(site: Site) -> None:
    site.metadata("nonsense", "1.0", "[virtmig.devices]\nvirtio-toaster = !!!\n")
    assert Registry().device("virtio-net").driver.name == "virtio-net"
    with pytest.raises(DriverFailed, match="nonsense"):
        Registry().device("virtio-toaster")


@pytest.mark.parametrize(
    ("idstr", "machine", "transport"),
    [
        ("0000:00:02.0/virtio-blk", "pc-q35-7.2", "virtio-pci"),
        ("0000:00:02.0:00.0/virtio-blk", "", "virtio-pci"),
        ("/fe.0.0001/virtio-blk", "s390-ccw-virtio-7.2", "virtio-ccw"),
        ("virtio-blk", "s390-ccw-virtio-2.4", "virtio-ccw"),
    ],
)
def test_an_idstr_has_a_path_and_a_name(idstr: str, machine: str, transport: str) -> None:
    drivers = Registry().drivers(idstr, machine)
    assert drivers.transport.driver.name == transport
    assert drivers.device.driver.name == "virtio-blk"


@pytest.mark.parametrize("idstr", ["", "/", "//", "virtio-blk", "0000:00:02.0/", "\n/virtio-blk"])
def test_an_idstr_that_leads_nowhere_is_an_error_of_ours(idstr: str) -> None:
    with pytest.raises(NoDriver):
        Registry().drivers(idstr, "pc-q35-7.2")


def test_a_transport_can_be_named_where_no_path_tells() -> None:
    assert (
        Registry().drivers("virtio-blk", "pc", "virtio-pci").transport.driver.name == "virtio-pci"
    )
    with pytest.raises(NoDriver, match="virtio-cpi"):
        Registry().drivers("virtio-blk", "pc", "virtio-cpi")


@pytest.mark.parametrize(
    ("name", "distribution"),
    [("virtio-console", "virtmig-serial"), ("virtio-vhost_vsock", "virtmig-vhost-vsock")],
)
def test_it_says_which_distribution_brings_one_of_ours(
    name: str, distribution: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(discovery, "scan", lambda: discovery.Scan([], []))
    with pytest.raises(NoDriver) as caught:
        discovery.find(DEVICES, name)
    assert caught.value.hint == f"pip install {distribution}; installed: none"
