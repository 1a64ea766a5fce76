"""All installed plugins together: conflicts, damage, and what the environment says."""

from __future__ import annotations

import json
import platform
import re
import shutil
from pathlib import Path

import pytest

from tests.core.checking.projects import project
from tests.core.hooks import fakes
from tests.core.hooks.fakes import Site
from virtmig import __version__
from virtmig.checking.doctor import examine
from virtmig.hooks.contract import Finding
from virtmig.hooks.discovery import Scan, scan

NAME = "virtio-toaster"
OURS = {"virtmig-pci", "virtmig-ccw", "virtmig-net", "virtmig-blk"}


def errors() -> list[Finding]:
    """What is wrong, but for the metadata that the distributions of these tests leave out."""
    return [one for one in examine().findings if one.severity == "error"]


def codes() -> set[str]:
    found = {one.code for one in examine().findings if one.distribution not in OURS}
    return found - {"slow-import"}


def test_what_is_installed_here_is_well() -> None:
    report = examine()
    found = [one for one in report.findings if one.distribution in OURS]
    assert [one for one in found if one.code != "slow-import"] == []
    assert report.environment["python"] == platform.python_version()
    assert report.environment["virtmig"] == __version__
    assert all(report.environment["dependencies"].values())
    assert {one["distribution"] for one in report.environment["plugins"]} >= OURS
    assert {one.source.name for one in report.probed} >= {"virtio-net", "virtio-pci"}


def test_two_plugins_with_one_name_are_told_once(site: Site) -> None:
    for dist in ("bread", "butter"):
        site.add(NAME, fakes.device(NAME), dist=dist)
    (finding,) = errors()
    assert finding.code == "name-taken"
    assert finding.where == "virtmig.devices"
    assert finding.what == f"{NAME}: both bread 1.0 and butter 1.0 bring this driver"
    assert finding.do.startswith("pip uninstall bread or butter; or let VIRTMIG_LOAD_PLUGINS name ")


def test_a_name_in_two_groups_is_told(site: Site) -> None:
    site.add(NAME, fakes.device(NAME), dist="bread")
    site.add(NAME, "raise RuntimeError", dist="butter", group="virtmig.sections")
    (finding,) = [one for one in errors() if one.code == "name-in-groups"]
    assert finding.what == f"{NAME} is in virtmig.devices and virtmig.sections"


def test_two_transports_for_one_bus_are_told(site: Site) -> None:
    for number in (1, 2):
        source = fakes.transport(f"virtio-bus{number}", "/fe.*|bus")
        site.add(f"virtio-bus{number}", source, group="virtmig.transports", dist=f"bus{number}")
    found = {one.what for one in errors()}
    assert {one.code for one in errors()} == {"path-taken"}
    assert (
        "path '/fe.0.0001': virtio-bus1 of bus1 1.0 and virtio-bus2 of bus2 1.0 claim it, so "
        "neither is used"
    ) in found
    assert len(found) == 3  # each of the three transports with each other


def test_two_distributions_with_one_import_package_are_told(site: Site) -> None:
    folder = site.folder / "shared_package"
    folder.mkdir()
    for number in (1, 2):
        (folder / f"live{number}.py").write_text(fakes.device(f"virtio-t{number}"))
    (folder / "__init__.py").write_text("")
    for number in (1, 2):
        points = f"[virtmig.devices]\nvirtio-t{number} = shared_package.live{number}:plugin\n"
        site.metadata(f"dist{number}", "1.0", points)
    (finding,) = errors()
    assert finding.code == "package-shared"
    assert finding.what == "dist1 and dist2 both have the import package shared_package"


def test_entry_points_of_removed_files_are_told(site: Site) -> None:
    """As an interrupted uninstallation leaves them."""
    module = site.add(NAME, fakes.device(NAME), dist="virtmig-toaster")
    (site.folder / f"{module}.py").unlink()
    shutil.rmtree(site.folder / "__pycache__", ignore_errors=True)
    (finding,) = errors()
    assert finding.code == "module-missing"
    assert finding.what == f"{NAME} = '{module}:plugin': there is no such module"
    assert finding.do == "install virtmig-toaster again"


def test_a_file_that_is_no_python_is_told_once(site: Site) -> None:
    site.add(NAME, "def", dist="virtmig-toaster")
    assert [one.code for one in errors()] == ["syntax"]


@pytest.mark.parametrize(
    ("source", "code"),
    [
        ("def laod_device(self, device, state)", "unknown-hook"),
        ("def load_device(self, devise, state)", "hook-argument"),
    ],
)
def test_a_hook_that_is_none_is_told_once(site: Site, source: str, code: str) -> None:
    changes = {"def load_device(self, device, state)": source}
    site.add(NAME, fakes.device(NAME, **changes), dist="virtmig-toaster")
    assert [one.code for one in errors()] == [code]


def test_damaged_entry_points_are_told(site: Site) -> None:
    folder = site.metadata("virtmig-toaster", "1.0", "[virtmig.devices]\ncrumbs\n")
    (finding,) = errors()
    assert finding.code == "metadata"
    assert finding.what.startswith(f"{folder}: its entry points cannot be read: ")


def test_all_that_is_wrong_with_one_is_told_beside_the_others(site: Site) -> None:
    site.add(NAME, "import os\nos._exit(1)", dist="bread")
    site.add("virtio-oven", "raise SystemExit", dist="butter")
    site.add("virtio-mixer", fakes.device("virtio-mixer"), dist="spoon", requires="virtmig>=9")
    found = {one.distribution: one.code for one in errors()}
    assert found == {
        "bread": "import-ends-process",
        "butter": "import-failed",
        "spoon": "core-range",
    }


def test_what_the_environment_leaves_out_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VIRTMIG_LOAD_PLUGINS", "virtmig-net, virtmig-nte")
    report = examine()
    assert [one.source.name for one in report.probed] == ["virtio-net"]
    left_out, unknown = report.findings
    assert (left_out.code, left_out.severity) == ("left-out", "note")
    assert left_out.what.startswith("VIRTMIG_LOAD_PLUGINS='virtmig-net, virtmig-nte' leaves out ")
    assert {"virtmig-blk", "virtmig-ccw", "virtmig-pci"} <= set(
        re.findall(r"[\w-]+", left_out.what)
    )
    assert (unknown.code, unknown.severity) == ("name-unknown", "warning")
    assert unknown.what == "'virtmig-nte' is neither an installed plugin nor a driver of one"
    assert report.environment["variables"] == {"VIRTMIG_LOAD_PLUGINS": "virtmig-net, virtmig-nte"}


def test_a_plugin_that_is_linked_to_its_sources_is_marked(site: Site) -> None:
    site.add(NAME, fakes.device(NAME), dist="virtmig-toaster")
    info = site.folder / "virtmig_toaster-1.0.dist-info"
    link = {"url": "file:///somewhere", "dir_info": {"editable": True}}
    (info / "direct_url.json").write_text(json.dumps(link))
    plugins = {one["distribution"]: one for one in examine().environment["plugins"]}
    assert plugins["virtmig-toaster"]["editable"] is True
    (info / "direct_url.json").write_text("[]")
    plugins = {one["distribution"]: one for one in examine().environment["plugins"]}
    assert plugins["virtmig-toaster"]["editable"] is False


def test_a_link_whose_entry_points_have_changed_is_told(site: Site, tmp_path: Path) -> None:
    sources = project(tmp_path / "my toaster")
    module = site.add(NAME, fakes.device(NAME), dist="virtmig-toaster")
    info = site.folder / "virtmig_toaster-1.0.dist-info"
    link = {"url": sources.as_uri(), "dir_info": {"editable": True}}
    (info / "direct_url.json").write_text(json.dumps(link))
    (finding,) = [one for one in examine().findings if one.code == "stale-install"]
    assert (finding.severity, finding.distribution) == ("warning", "virtmig-toaster")
    assert finding.what.startswith("has virtio-toaster = 'toasting.live:plugin' in virtmig.devices")
    (site.folder / f"{module}.py").write_text("raise RuntimeError")
    first, second = errors()
    assert (first.code, second.code) == ("stale-install", "import-failed")
    assert second.do == "see stale-install first, it may be the cause; if not: mend it there"


def test_devices_without_a_bus_are_told(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    site.add(NAME, fakes.device(NAME), dist="virtmig-toaster")
    known = scan()
    assert "no-transport" not in codes()
    alone = Scan([one for one in known.drivers if one.name == NAME], [])
    monkeypatch.setattr("virtmig.checking.doctor.scan", lambda: alone)
    (finding,) = [one for one in examine().findings if one.code == "no-transport"]
    assert finding.severity == "note"
    assert "virtmig-pci, virtmig-ccw, virtmig-mmio" in finding.do


def test_a_distribution_that_says_little_is_warned_of(site: Site) -> None:
    site.add(NAME, fakes.device(NAME), dist="virtmig-toaster")
    assert codes() == {"no-core-range", "no-licence", "no-python", "no-readme"}
