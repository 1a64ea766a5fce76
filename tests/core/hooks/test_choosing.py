"""`VIRTMIG_LOAD_PLUGINS`: some plugins, or none, as if no others were installed."""

from __future__ import annotations

import sys

import pytest

from tests.core.hooks import fakes
from tests.core.hooks.fakes import Site
from virtmig.errors import NoDriver
from virtmig.hooks.discovery import DEVICES, TRANSPORTS, installed
from virtmig.hooks.registry import Registry

PCI = "0000:00:02.0"
LOAD = "VIRTMIG_LOAD_PLUGINS"


@pytest.mark.parametrize("names", ["Virtmig_Net", "virtio-net", " virtmig.net ,", "no,virtio-net"])
def test_a_plugin_is_named_by_its_distribution_or_its_driver(
    monkeypatch: pytest.MonkeyPatch, names: str
) -> None:
    monkeypatch.setenv(LOAD, names)
    assert [one.name for one in installed(DEVICES)] == ["virtio-net"]
    assert installed(TRANSPORTS) == []


@pytest.mark.parametrize("names", ["", " ", ","])
def test_no_name_is_no_plugin(monkeypatch: pytest.MonkeyPatch, names: str) -> None:
    monkeypatch.setenv(LOAD, names)
    assert installed(DEVICES) == installed(TRANSPORTS) == []
    assert Registry().transports == {}


def test_what_is_left_out_is_not_imported(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    source = fakes.transport("virtio-bus", "bus")
    module = site.add("virtio-bus", source, group=TRANSPORTS, dist="virtmig-bus")
    monkeypatch.setenv(LOAD, "virtmig-pci,virtmig-net")
    registry = Registry()
    assert registry.drivers(f"{PCI}/virtio-net", "").device.driver.name == "virtio-net"
    assert list(registry.transports) == ["virtio-pci"]
    assert module not in sys.modules


def test_a_missing_driver_says_that_it_was_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(LOAD, "virtmig-pci")
    with pytest.raises(NoDriver) as caught:
        Registry().device("virtio-net")
    assert caught.value.hint == f"{LOAD} leaves out virtmig-net; installed: none"
    with pytest.raises(NoDriver) as caught:
        Registry().device("virtio-toaster")
    assert caught.value.hint == (
        "virtmig has none of its own; virtmig plugins new virtio-toaster makes one; installed: none"
    )


def test_a_missing_transport_says_that_it_was_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(LOAD, "virtmig-pci")
    with pytest.raises(NoDriver) as caught:
        Registry().transport("/fe.0.0001", "")
    assert f"{LOAD} leaves out " in caught.value.hint
    assert "virtmig-ccw" in caught.value.hint
    assert "pip install" not in caught.value.hint


def test_of_two_plugins_with_one_name_one_can_be_chosen(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    site.add("virtio-net", fakes.device("virtio-net"), dist="other-net")
    monkeypatch.setenv(LOAD, "other-net")
    assert Registry().device("virtio-net").driver.device_id == 99
