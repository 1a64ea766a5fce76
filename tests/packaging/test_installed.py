"""Core alone, core and one plugin, core and all: each says what it cannot do."""

from __future__ import annotations

import json
import tomllib

import pytest

from tools.wheels import PLUGINS

pytestmark = pytest.mark.packaging

SETS = [
    pytest.param((), id="core-alone"),
    *(pytest.param((one,), id=f"core+{one}", marks=pytest.mark.isolated) for one in PLUGINS),
    pytest.param(tuple(PLUGINS), id="core+all"),
]
DEPENDENCIES = {"attrs", "cbor2", "click", "packaging", "pluggy"}
EVERY_MODULE = """
import importlib, pkgutil, sys
for package in sys.argv[1:]:
    for module in pkgutil.walk_packages(importlib.import_module(package).__path__, package + "."):
        if ".testing" not in module.name:
            importlib.import_module(module.name)
"""
DISTRIBUTIONS = """
import importlib.metadata, json
print(json.dumps([one.name for one in importlib.metadata.distributions()]))
"""
FILES = """
import importlib.metadata, json, sys
print(json.dumps([str(path) for path in importlib.metadata.files(sys.argv[1])]))
"""
NO_DRIVER = 4


def brings(plugin: str) -> set[str]:
    """Names of the drivers of a plugin, by its entry points."""
    project = tomllib.loads((PLUGINS[plugin] / "pyproject.toml").read_text())["project"]
    return {name for group in project["entry-points"].values() for name in group}


@pytest.fixture(params=SETS)
def installed(request, environment):
    """Give each environment in turn."""
    return environment(*request.param)


def needs(device: dict[str, object]) -> set[str]:
    """Name the plugins that decoding this device of a sample takes."""
    path, _, name = str(device["idstr"]).rpartition("/")
    wanted = ("virtio-ccw" if path.startswith("/") else "virtio-pci", name)
    owners = {driver: plugin for plugin in PLUGINS for driver in brings(plugin)}
    return {owners.get(driver, driver.removeprefix("virtio-")) for driver in wanted}


def test_only_what_the_metadata_names_is_installed(installed):
    """Nothing is pulled in beside the declared dependencies."""
    done = installed.run("python", "-c", DISTRIBUTIONS)
    names = {name.lower() for name in json.loads(done.stdout)}
    ours = {"virtmig", *(f"virtmig-{name}" for name in installed.plugins)}
    assert names == ours | DEPENDENCIES


def test_every_module_imports(installed):
    """No module needs what the distribution does not depend on."""
    packages = ["virtmig", *(f"virtmig_{name.replace('-', '_')}" for name in installed.plugins)]
    done = installed.run("python", "-W", "error", "-c", EVERY_MODULE, *packages)
    assert done.returncode == 0, done.stderr


def test_types_and_licence_are_installed(installed):
    """Type checkers find `py.typed`, lawyers the licence."""
    for name in ("", *installed.plugins):
        package = f"virtmig_{name.replace('-', '_')}" if name else "virtmig"
        files = json.loads(installed.run("python", "-c", FILES, package.replace("_", "-")).stdout)
        assert f"{package}/py.typed" in files
        assert any(path.endswith("dist-info/licenses/LICENSE") for path in files)


def test_plugins_lists_what_is_there(installed):
    """Each plugin is listed with its distribution; without any, the way to get them is shown."""
    code, answer = installed.virtmig_json("plugins")
    assert code == 0
    found = {row["name"]: row["distribution"] for row in answer["plugins"]}
    assert found == {one: f"virtmig-{name}" for name in installed.plugins for one in brings(name)}
    shown = installed.run("virtmig", "plugins").stdout
    if not installed.plugins:
        assert 'pip install "virtmig[all]"' in shown
    assert all(f"virtmig-{name} " in shown for name in installed.plugins)


def test_inspect_decodes_exactly_what_it_has_drivers_for(installed, sample):
    """A section is decoded if both its drivers are there; else it names one that is missing."""
    code, answer = installed.virtmig_json("inspect", sample)
    decoded = 0
    for device in answer["devices"]:
        missing = needs(device) - set(installed.plugins)
        if missing:
            assert device["error"]["type"] == "NoDriver"
            assert any(f"virtmig-{name}" in device["error"]["message"] for name in missing)
        else:
            decoded += 1
            assert list(device["state"]) == ["config", "common", "queues", "device", "subsections"]
    assert code == (0 if decoded else NO_DRIVER)


def test_inspect_tells_people_what_to_install(installed, sample):
    """The report names each section that stays bytes, and the command that changes that."""
    _, answer = installed.virtmig_json("inspect", sample)
    report = installed.run("virtmig", "inspect", sample)
    assert "Traceback" not in report.stderr
    blocks = {block.split(maxsplit=1)[0]: block for block in report.stdout.split("\n\n")}
    for device in answer["devices"]:
        missing = needs(device) - set(installed.plugins)
        block = blocks[device["idstr"]]
        assert ("pip install virtmig-" in block) == bool(missing)
        assert not missing or any(f"virtmig-{name}" in block for name in missing)


def test_load_saves_the_same_bytes(installed, sample, tmp_path):
    """What has drivers goes through live devices, the rest is copied: not one byte changes."""
    _, answer = installed.virtmig_json("inspect", sample)
    decodable = [one for one in answer["devices"] if "error" not in one]
    saved = tmp_path / "saved.mig"
    done = installed.run("virtmig", "load", "--trace", sample, "--save", saved)
    if not decodable:
        assert done.returncode == NO_DRIVER
        assert not saved.exists()
    else:
        assert done.returncode == 0, done.stderr
        assert all(device["idstr"] in done.stdout for device in decodable)
        assert saved.read_bytes() == sample.read_bytes()
