"""Wrappers see every call of every driver, and stand in for none."""

from __future__ import annotations

import inspect
from collections.abc import Generator
from typing import Any

import pluggy
import pytest

from tests.core.hooks import fakes
from tests.core.hooks.fakes import Site
from virtmig.errors import ContractBroken, DriverFailed, PluginError
from virtmig.hooks import hookspecs
from virtmig.hooks.hookspecs import hookimpl
from virtmig.hooks.registry import Registry
from virtmig.live.device import VirtioDevice
from virtmig.live.observe import HookTrace

NAME = "virtio-toaster"
HOOKS = [name for name in vars(hookspecs) if hasattr(getattr(hookspecs, name), "virtmig_spec")]


class Watcher:
    """Sees what a hook is given and what it returns."""

    def __init__(self) -> None:
        self.seen: list[Any] = []

    @hookimpl(wrapper=True)
    def save_device(self, device: VirtioDevice) -> Generator[None, Any, Any]:
        result = yield
        self.seen.append((device, result))
        return result


@pytest.fixture
def toaster(site: Site) -> Site:
    site.add(NAME, fakes.device(NAME), dist="virtmig-toaster")
    return site


def test_a_wrapper_sees_arguments_and_result(toaster: Site) -> None:
    watcher, device = Watcher(), VirtioDevice()
    record = Registry([watcher]).device(NAME).save_device(device)
    assert watcher.seen == [(device, record)]


def test_several_wrappers_all_see_the_call(toaster: Site) -> None:
    watchers = [Watcher(), Watcher()]
    Registry(watchers).device(NAME).save_device(VirtioDevice())
    assert [len(watcher.seen) for watcher in watchers] == [1, 1]


def test_one_wrapper_watches_every_driver(toaster: Site) -> None:
    trace = HookTrace()
    registry = Registry([trace])
    registry.device(NAME).save_device(VirtioDevice())
    bound = registry.device(NAME)
    bound.load_device(VirtioDevice(), bound.driver.state(value=1))
    assert trace.calls == ["save_device", "load_device"]


def test_a_wrapper_is_no_implementation(site: Site) -> None:
    """A driver that lacks a hook lacks it, whoever watches."""
    source = fakes.device(NAME, **{"@hookimpl\n    def save_device": "def save_device"})
    site.add(NAME, source, dist="virtmig-toaster")
    with pytest.raises(ContractBroken, match="save_device"):
        Registry([Watcher()]).device(NAME)


def test_a_driver_that_only_wraps_is_none(site: Site) -> None:
    changes = {
        "@hookimpl\n    def save_device": "@hookimpl(wrapper=True)\n    def save_device",
        "return State(": "yield\n        return State(",
    }
    site.add(NAME, fakes.device(NAME, **changes), dist="virtmig-toaster")
    with pytest.raises(ContractBroken, match="save_device"):
        Registry().device(NAME)


def test_an_observer_cannot_implement_a_hook(toaster: Site) -> None:
    """pluggy would ask it first and never ask the driver."""

    class Impostor:
        @hookimpl
        def save_device(self) -> Any:
            raise AssertionError("an observer was asked for a device's state")

    with pytest.raises(PluginError, match="save_device"):
        Registry([Impostor()]).device(NAME)


def test_a_wrapper_cannot_pass_off_something_else(toaster: Site) -> None:
    class Forger:
        @hookimpl(wrapper=True)
        def save_device(self) -> Generator[None, Any, Any]:
            yield
            return "something else"

    with pytest.raises(ContractBroken, match="save_device returned str"):
        Registry([Forger()]).device(NAME).save_device(VirtioDevice())


def test_a_wrapper_that_raises_is_an_error_of_ours(toaster: Site) -> None:
    class Clumsy:
        @hookimpl(wrapper=True)
        def save_device(self) -> Generator[None, Any, Any]:
            yield
            raise OSError("the log is full")

    with pytest.raises(DriverFailed, match="the log is full"):
        Registry([Clumsy()]).device(NAME).save_device(VirtioDevice())


def test_the_trace_watches_every_hook_that_moves_state() -> None:
    """A hook that is added has to be watched, or declared not to be of the procedure."""
    manager = pluggy.PluginManager(hookspecs.PROJECT)
    manager.add_hookspecs(hookspecs)
    watched = {name for name in HOOKS if hasattr(HookTrace, name)}
    beside = {"describe_driver", "create_transport", "create_device", "has_extra_state"}
    assert watched == set(HOOKS) - beside
    manager.register(HookTrace())
    manager.check_pending()


@pytest.mark.parametrize("name", HOOKS)
def test_every_hook_is_documented_under_the_same_headings(name: str) -> None:
    doc = inspect.cleandoc(getattr(hookspecs, name).__doc__)
    headings = ["Called:", "Given:", "Return:", "Not yet loaded:", "QEMU:"]
    places = [doc.index(f"\n{heading}") for heading in headings]
    assert places == sorted(places)


@pytest.mark.parametrize("name", HOOKS)
def test_every_hook_has_one_answer(name: str) -> None:
    assert getattr(hookspecs, name).virtmig_spec["firstresult"] is True


def test_there_are_hooks() -> None:
    assert len(HOOKS) == 16
