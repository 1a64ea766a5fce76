"""What a plugin promises is checked when it is bound, and again at each call."""

from __future__ import annotations

from typing import Any

import attrs
import pytest

from tests.core.hooks import fakes
from tests.core.hooks.fakes import Site
from virtmig.errors import ContractBroken, DeviceMismatch, DriverFailed, PluginError
from virtmig.hooks.registry import Registry
from virtmig.live.device import Transport, VirtioDevice

NAME = "virtio-toaster"
OWNER = "virtio-toaster of virtmig-toaster 1.0"


def bind(site: Site, **changes: str) -> Any:
    site.add(NAME, fakes.device(NAME, **changes), dist="virtmig-toaster")
    return Registry().device(NAME)


def refused(site: Site, changes: dict[str, str]) -> PluginError:
    with pytest.raises(PluginError) as caught:
        bind(site, **changes)
    assert OWNER in caught.value.reason
    assert str(caught.value).isprintable()  # one line, whatever pluggy has to say
    return caught.value


@pytest.mark.parametrize("hook", ["describe_driver", "save_device", "load_device"])
def test_a_hook_that_every_device_needs_is_missed(site: Site, hook: str) -> None:
    error = refused(site, {f"@hookimpl\n    def {hook}": f"def {hook}"})
    assert isinstance(error, ContractBroken)
    assert hook in error.reason


@pytest.mark.parametrize("hook", ["save_config", "save_queue", "load_config", "load_queue"])
def test_a_hook_that_every_transport_needs_is_missed(site: Site, hook: str) -> None:
    source = fakes.transport("virtio-bus", "bus", **{f"@hookimpl\n    def {hook}": f"def {hook}"})
    site.add("virtio-bus", source, group="virtmig.transports", dist="virtmig-bus")
    registry = Registry()
    assert "virtio-bus" not in registry.transports
    assert isinstance(registry.broken[0], ContractBroken)
    assert hook in registry.broken[0].reason


def test_a_transport_with_extra_state_needs_the_hooks_for_it(site: Site) -> None:
    source = fakes.transport("virtio-bus", "bus", **{"queue=Queue": "queue=Queue, extra=Queue"})
    site.add("virtio-bus", source, group="virtmig.transports", dist="virtmig-bus")
    registry = Registry()
    assert "virtio-bus" not in registry.transports
    assert "has_extra_state" in registry.broken[0].reason


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({'name="virtio-toaster"': 'name="virtio-oven"'}, ["virtio-oven", "virtio-toaster"]),
        ({"return DeviceDriver(": "DeviceDriver("}, ["describe_driver", "NoneType"]),
        ({"return DeviceDriver(": "return dict("}, ["describe_driver", "dict"]),
        ({"state=State)": "state=Plugin)"}, ["state", "Plugin"]),
        ({"load_device(self, device": "load_device(self, more"}, ["load_device", "more"]),
        ({"def load_device(": "def laod_device("}, ["laod_device"]),
        ({"class Plugin:": "import attrs\n\n\n@attrs.define\nclass Plugin:"}, ["hashable"]),
        ({"plugin = Plugin()": "plugin = None"}, ["hook"]),
        ({"plugin = Plugin()": "plugin = 5"}, ["hook"]),
        ({"plugin = Plugin()": "plugin = []"}, ["hashable"]),
        ({"plugin = Plugin()": "plugin = Plugin"}, ["describe_driver"]),
    ],
)  # fmt: skip
def test_a_broken_promise_is_named_when_the_plugin_is_bound(
    site: Site, changes: dict[str, str], words: list[str]
) -> None:
    error = refused(site, changes)
    for word in words:
        assert word in str(error)


def test_the_cure_for_an_unhashable_plugin_is_in_the_hint(site: Site) -> None:
    error = refused(site, {"class Plugin:": "import attrs\n\n\n@attrs.define\nclass Plugin:"})
    assert "eq=False" in error.hint


def test_a_transport_is_no_device(site: Site) -> None:
    site.add(NAME, fakes.transport(NAME, "bus"), dist="virtmig-toaster")
    with pytest.raises(ContractBroken):
        Registry().device(NAME)


def test_a_module_can_be_a_plugin(site: Site) -> None:
    """Functions with the decorator are enough."""
    hooks = "for name in ('describe_driver', 'save_device', 'load_device'):\n"
    hooks += "    globals()[name] = getattr(Plugin(), name)"
    bound = bind(
        site, **{"plugin = Plugin()": f"import sys\n{hooks}\nplugin = sys.modules[__name__]"}
    )
    assert bound.driver.device_id == 99
    assert bound.save_device(VirtioDevice()).value == 0


def test_hooks_get_only_the_arguments_that_they_ask_for(site: Site) -> None:
    bound = bind(
        site,
        **{
            "def save_device(self, device)": "def save_device(self)",
            'getattr(device, "value", 0)': "7",
        },
    )
    assert bound.save_device(VirtioDevice()).value == 7


@pytest.mark.parametrize(
    ("body", "found"),
    [
        ("return None", "NoneType"),
        ("return 5", "int"),
        ("return Plugin()", "Plugin"),
        ("pass", "NoneType"),
    ],
)
def test_a_hook_that_returns_something_else_is_named(site: Site, body: str, found: str) -> None:
    bound = bind(site, **{'return State(value=getattr(device, "value", 0))': body})
    with pytest.raises(ContractBroken) as caught:
        bound.save_device(VirtioDevice())
    assert caught.value.reason == f"{OWNER}: save_device returned {found}, not State"


def test_a_load_hook_returns_nothing(site: Site) -> None:
    bound = bind(site, **{"device.value = state.value": "return state"})
    with pytest.raises(ContractBroken, match="load_device returned State, not NoneType"):
        bound.load_device(VirtioDevice(), bound.driver.state(value=1))


RAISED = {
    "an exception": ("raise ValueError('burnt')", "ValueError: burnt"),
    "an exit": ("raise SystemExit(0)", "SystemExit"),
    "a wrong name": ("undefined_name", "NameError"),
    "an endless recursion": ("self.load_device(device, state)", "RecursionError"),
    "several lines": ("raise ValueError('one\\\\ntwo')", "one"),
    "no text": ("raise type('Mute', (Exception,), {'__str__': lambda self: 1 / 0})", "Mute"),
}


@pytest.mark.parametrize(("body", "words"), RAISED.values(), ids=RAISED)
def test_a_hook_that_raises_is_named_with_its_distribution(
    site: Site, body: str, words: str
) -> None:
    bound = bind(site, **{"device.value = state.value": body})
    with pytest.raises(DriverFailed) as caught:
        bound.load_device(VirtioDevice(), bound.driver.state(value=1))
    assert caught.value.reason.startswith(f"{OWNER}: load_device: ")
    assert words in caught.value.reason
    assert str(caught.value).isprintable()
    assert caught.value.__cause__ is not None


def test_an_interrupt_is_nobodys_fault(site: Site) -> None:
    bound = bind(site, **{"device.value = state.value": "raise KeyboardInterrupt"})
    with pytest.raises(KeyboardInterrupt):
        bound.load_device(VirtioDevice(), bound.driver.state(value=1))


def test_an_error_of_ours_is_passed_on_as_it_is(site: Site) -> None:
    """A plugin says with it that the state is of another device."""
    body = "from virtmig.api import DeviceMismatch\n"
    body += "        raise DeviceMismatch('too brown', path='device.value')"
    bound = bind(site, **{"device.value = state.value": body})
    with pytest.raises(DeviceMismatch) as caught:
        bound.load_device(VirtioDevice(), bound.driver.state(value=1))
    assert caught.value.where.path == "device.value"


def test_optional_hooks_may_be_left_out(site: Site) -> None:
    bound = bind(site)
    assert type(bound.create_device(None)) is VirtioDevice
    bound.post_load(VirtioDevice())
    source = fakes.transport("virtio-bus", "bus")
    site.add("virtio-bus", source, group="virtmig.transports", dist="virtmig-bus")
    bus = Registry().transports["virtio-bus"]
    assert type(bus.create_transport(None)) is Transport  # type: ignore[arg-type]
    assert bus.has_extra_state(Transport()) is False
    bus.notify(Transport(), 0xFFFF)


def test_a_description_that_raises_is_named(site: Site) -> None:
    error = refused(site, {"return DeviceDriver(": "raise OSError('no toast') or dict("})
    assert isinstance(error, DriverFailed)
    assert "describe_driver" in error.reason


def test_records_of_a_driver_are_frozen_values() -> None:
    driver = Registry().device("virtio-net").driver
    with pytest.raises(attrs.exceptions.FrozenInstanceError):
        driver.version = 12  # type: ignore[misc]
