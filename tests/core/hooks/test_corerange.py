"""A plugin is for a range of cores, declared once, where pip reads it too."""

from __future__ import annotations

import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st
from packaging.requirements import Requirement

from tests.core.hooks import fakes
from tests.core.hooks.fakes import Site
from virtmig import __version__
from virtmig.errors import ContractBroken, IncompatiblePlugin, PluginError
from virtmig.hooks import corerange
from virtmig.hooks.corerange import on_core, shown_range, suits
from virtmig.hooks.discovery import DEVICES, find
from virtmig.hooks.registry import Registry

NAME = "virtio-toaster"


def toaster(site: Site, requires: str) -> str:
    return site.add(NAME, fakes.device(NAME), dist="virtmig-toaster", requires=requires)


def test_a_plugin_for_other_cores_is_refused_before_it_is_imported(site: Site) -> None:
    module = toaster(site, "virtmig>=9.3,<9.4")
    with pytest.raises(IncompatiblePlugin) as caught:
        Registry().device(NAME)
    assert caught.value.reason == (
        f"virtio-toaster of virtmig-toaster 1.0 needs virtmig>=9.3,<9.4; this is {__version__}"
    )
    assert caught.value.hint == "pip install --upgrade virtmig virtmig-toaster"
    assert caught.value.exit_code == 4
    assert module not in sys.modules


@pytest.mark.parametrize("requires", ["", "virtmig", "virtmig>=0.1,<0.2", "Virtmig (>=0.1)"])
def test_a_plugin_for_this_core_or_for_any_is_taken(site: Site, requires: str) -> None:
    toaster(site, requires)
    assert Registry().device(NAME).driver.name == NAME


def test_a_transport_for_other_cores_hurts_only_its_own_devices(site: Site) -> None:
    source = fakes.transport("virtio-bus", "bus")
    group = "virtmig.transports"
    site.add("virtio-bus", source, group=group, dist="bus", requires="virtmig<0.0.1")
    registry = Registry()
    assert registry.transport("0000:00:02.0", "").driver.name == "virtio-pci"
    assert isinstance(registry.broken[0], IncompatiblePlugin)


def test_a_requirement_that_nobody_can_read_is_the_plugins_fault(site: Site) -> None:
    toaster(site, "virtmig ~> 0.1")
    with pytest.raises(ContractBroken) as caught:
        Registry().device(NAME)
    assert caught.value.reason == (
        "virtio-toaster of virtmig-toaster 1.0: what it requires of the core cannot be read: "
        "'virtmig ~> 0.1'"
    )


def test_what_others_require_is_not_about_the_core() -> None:
    lines = ["virtmig-net>=9", "virtmigrate", "virtmig_x", "attrs>=23", "virtmig.api>1"]
    lines += ["virtmig[testing]>=1; extra == 'x'"]  # nobody needs an extra
    assert on_core(lines) == ()
    ours = ("virtmig", "VIRTMIG>=1", "virtmig[new]>=1", " virtmig (<2)")
    assert on_core([*lines, *ours]) == ours


@pytest.mark.parametrize(
    ("line", "version", "expected"),
    [
        ("virtmig>=0.1,<0.2", "0.1.0", True),
        ("virtmig>=0.1,<0.2", "0.2.0", False),
        ("virtmig>=0.1,<0.2", "0.1.0.dev5+g1234", True),
        ("virtmig>=0.1,<0.2", "0.1.7rc1", True),
        ("virtmig>=0.2,<0.3", "0.2.0.dev3", True),
        ("virtmig>=0.1,<0.2", "0.2.0.dev3", False),
        ("virtmig>=0.1,<0.2", "0.1.0+debian.2", True),
        ("virtmig>=0.3,<0.4", "0.1.0", False),
        ("virtmig~=0.1", "0.9", True),
        ("virtmig~=0.1.0", "0.2", False),
        ("virtmig==0.1.*", "0.1.5", True),
        ("virtmig!=0.1.5", "0.1.5", False),
        ("virtmig[testing]>=9; extra == 'testing'", "0.1.0", True),
        ("virtmig>=9; python_version < '3'", "0.1.0", True),
        ("virtmig @ https://example.org/virtmig.zip", "0.1.0", True),
        ("virtmig<=0.1", "0.1.0", True),
        ("virtmig>=1!0.1", "0.1.0", False),
    ],
)
def test_a_version_is_in_a_range_or_not(line: str, version: str, expected: bool) -> None:
    assert suits([line], version) is expected


def test_all_requirements_have_to_hold() -> None:
    assert suits(["virtmig>=0.1", "virtmig<0.2"], "0.1.0")
    assert not suits(["virtmig>=0.1", "virtmig<0.2"], "0.2.0")


def test_the_range_is_shown_with_its_lower_bound_first() -> None:
    assert shown_range(["virtmig<0.2,>=0.1"]) == ">=0.1,<0.2"
    assert shown_range(["virtmig (<0.2,>=0.1)"]) == ">=0.1,<0.2"
    assert shown_range(["virtmig"]) == shown_range([]) == ""


RELEASES = st.lists(st.integers(0, 3), min_size=1, max_size=4).map(
    lambda numbers: ".".join(map(str, numbers))
)


@given(RELEASES, st.lists(st.tuples(st.sampled_from([">=", "<"]), RELEASES), min_size=1))
def test_the_short_way_and_the_book_agree(version: str, clauses: list[tuple[str, str]]) -> None:
    """The usual form is judged without `packaging`, which takes its time to be imported."""
    line = f"virtmig{','.join(sign + wanted for sign, wanted in clauses)}"
    assert suits([line], version) is Requirement(line).specifier.contains(version)


def test_the_usual_form_does_not_import_packaging(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(line: str, version: str) -> bool:
        raise AssertionError(line, version)

    monkeypatch.setattr(corerange, "_suits_by_the_book", refuse)
    assert suits(["virtmig<0.2,>=0.1"], "0.1.0")
    for name in ("virtio-net", "virtio-blk"):
        find(DEVICES, name).check_core("0.1.0")


def test_a_refused_plugin_is_a_plugin_error() -> None:
    assert issubclass(IncompatiblePlugin, PluginError)


def test_what_an_extra_requires_is_not_what_the_plugin_needs() -> None:
    lines = ["virtmig>=0.1,<0.2", 'virtmig[testing]>=0.1; extra == "test"']
    assert on_core(lines) == (lines[0],)
    assert shown_range(on_core(["virtmig[new] >=0.1"])) == ">=0.1"
    assert not suits(["virtmig[new]>=0.2"], "0.1.0")
