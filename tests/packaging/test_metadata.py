"""What the distributions say of themselves, read from their sources."""

from __future__ import annotations

import importlib
import tomllib

import pytest

from tools import device_facts, wheels
from virtmig.hooks.known import DISTRIBUTIONS

PROJECTS = dict(wheels.PROJECTS)
PLUGINS = device_facts.plugins(*device_facts.GROUPS)


def table(name):
    """Read a distribution's project table."""
    return tomllib.loads((PROJECTS[name] / "pyproject.toml").read_text())["project"]


@pytest.mark.parametrize("name", PROJECTS)
def test_carries_the_licence_of_the_repository(name):
    """Each distribution is complete by itself, so the copies have to agree."""
    assert (PROJECTS[name] / "LICENSE").read_text() == (wheels.ROOT / "LICENSE").read_text()
    assert table(name)["license"] == "Apache-2.0"


@pytest.mark.parametrize("name", PROJECTS)
def test_changelog_has_the_version(name):
    """What is released is described."""
    changelog = (PROJECTS[name] / "CHANGELOG.md").read_text()
    assert f"\n## {table(name)['version']}" in changelog


def test_core_tells_its_version():
    """The version is written in two places; they have to agree."""
    assert importlib.import_module("virtmig").__version__ == table("core")["version"]


@pytest.mark.parametrize("name", [name for name in PROJECTS if name != "core"])
def test_plugin_names_the_core_it_works_with(name):
    """A plugin of this release refuses a core of another series."""
    major, minor, _ = table("core")["version"].split(".")
    wanted = f"virtmig>={major}.{minor},<{major}.{int(minor) + 1}"
    assert wanted in table(name)["dependencies"]


def test_every_dependency_has_a_lowest_version():
    """`tox -e mindeps` can only try what is declared."""
    declared = {line.partition("==")[0] for line in wheels.lowest_versions()}
    assert {"attrs", "cbor2", "click", "pluggy", "hypothesis", "pytest"} <= declared


def test_every_plugin_of_this_repository_is_in_the_extra_all():
    """One command installs what is here."""
    wanted = table("core")["optional-dependencies"]["all"]
    assert {one.partition(">=")[0] for one in wanted} == {
        table(name)["name"] for name in PROJECTS if name != "core"
    }


def test_the_advice_for_a_missing_driver_names_the_distribution_that_brings_it():
    """And nothing that does not exist."""
    brought = {
        driver: table(name)["name"]
        for name in PROJECTS
        for group, drivers in table(name).get("entry-points", {}).items()
        if group.startswith("virtmig.")
        for driver in drivers
    }
    assert brought == DISTRIBUTIONS


@pytest.mark.parametrize(
    "folder", device_facts.plugins(*device_facts.GROUPS), ids=lambda it: it.name
)
def test_extra_testing_names_the_plugins_that_the_goldens_take(folder):
    """`tox -e isolated-NAME` installs what it says, and runs the goldens with nothing else."""
    extra = device_facts.project(folder)["project"].get("optional-dependencies", {})
    named = {line.partition(">=")[0] for line in extra.get("testing", ())} - {"virtmig[testing]"}
    assert named == device_facts.taken_by_goldens(folder)
