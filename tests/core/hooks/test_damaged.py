"""Metadata that pip did not write, or did not remove: told where it matters, in nobody's way."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.core.hooks import fakes
from tests.core.hooks.fakes import Site
from virtmig.errors import AmbiguousDriver, ContractBroken, DriverFailed
from virtmig.hooks.discovery import DEVICES, installed, scan
from virtmig.hooks.registry import Registry

NAME = "virtio-toaster"
POINTS = f"[virtmig.devices]\n{NAME} = toaster:plugin\n"


def no_text(folder: Path) -> None:
    (folder / "entry_points.txt").write_bytes(POINTS.encode() + b"\xff\xfe")


def no_sections(folder: Path) -> None:
    (folder / "entry_points.txt").write_text(POINTS + "crumbs\n")


DAMAGE: dict[str, Callable[[Path], None]] = {"no text": no_text, "no sections": no_sections}


@pytest.mark.parametrize("damage", DAMAGE.values(), ids=DAMAGE)
def test_entry_points_that_cannot_be_read_are_told_and_hide_no_others(
    site: Site, damage: Callable[[Path], None]
) -> None:
    """`importlib.metadata.entry_points` raises for all distributions if one is damaged."""
    folder = site.metadata("virtmig-toaster", "1.0", POINTS)
    damage(folder)
    registry = Registry()
    assert registry.device("virtio-net").driver.name == "virtio-net"
    (error,) = registry.broken
    assert isinstance(error, ContractBroken)
    assert error.reason.startswith(f"{folder}: its entry points cannot be read: ")
    assert error.hint == "install it again"


def test_damage_in_a_distribution_that_is_none_of_ours_is_not_our_business(site: Site) -> None:
    folder = site.metadata("other", "1.0", "")
    (folder / "entry_points.txt").write_bytes(b"[console_scripts]\nx = \xff\n")
    registry = Registry()
    assert registry.device("virtio-net").driver.name == "virtio-net"
    assert registry.broken == []


GONE: dict[str, Callable[[Path], object]] = {
    "missing": lambda path: path.unlink(),
    "no text": lambda path: path.write_bytes(b"Name: \xff\n"),
    "empty": lambda path: path.write_text(""),
    "a folder": lambda path: (path.unlink(), path.mkdir()),
}


@pytest.mark.parametrize("damage", GONE.values(), ids=GONE)
def test_a_distribution_without_its_metadata_is_named_by_its_folder(
    site: Site, damage: Callable[[Path], object]
) -> None:
    site.add(NAME, fakes.device(NAME), dist="virtmig-toaster")
    damage(site.folder / "virtmig_toaster-1.0.dist-info" / "METADATA")
    (one,) = [one for one in installed(DEVICES) if one.name == NAME]
    assert str(one) == "virtio-toaster of virtmig-toaster"
    assert Registry().device(NAME).driver.name == NAME


VALUES = ["toaster", "toaster.live", "!!!", ":", "toaster:", ":plugin", "tøaster:plugin", "a b:c"]


@pytest.mark.parametrize("value", VALUES)
def test_an_entry_point_that_leads_nowhere_is_named(site: Site, value: str) -> None:
    site.metadata("virtmig-toaster", "1.0", f"[virtmig.devices]\n{NAME} = {value}\n")
    with pytest.raises(DriverFailed) as caught:
        Registry().device(NAME)
    assert caught.value.reason.startswith(
        f"virtio-toaster of virtmig-toaster 1.0: importing {value!r} failed: "
    )
    assert Registry().device("virtio-net").driver.name == "virtio-net"


def test_a_name_that_one_distribution_has_twice_is_told_with_both_places(site: Site) -> None:
    points = f"[virtmig.devices]\n{NAME} = toaster:one\n{NAME} = toaster:two\n"
    site.metadata("virtmig-toaster", "1.0", points)
    with pytest.raises(AmbiguousDriver) as caught:
        Registry().device(NAME)
    assert caught.value.reason == (
        "virtio-toaster: virtmig-toaster 1.0 declares it twice, as toaster:one and toaster:two"
    )


def test_of_two_copies_of_a_distribution_the_first_on_the_path_counts(
    site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As Python imports it: there is no second driver."""
    site.add(NAME, fakes.device(NAME), dist="virtmig-toaster", version="2.0")
    other = Site(tmp_path / "other")
    other.folder.mkdir()
    monkeypatch.syspath_prepend(other.folder)
    other.add(NAME, fakes.device(NAME), dist="Virtmig.Toaster", version="1.0")
    (one,) = [one for one in scan().drivers if one.name == NAME]
    assert one.owner == "Virtmig.Toaster 1.0"
