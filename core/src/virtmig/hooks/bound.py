"""A driver that was found, checked and bound: one typed method per hook.

Every bound driver has a plugin manager of its own, so that no other driver can answer for it;
observers are registered with each of them.
"""

from __future__ import annotations

import inspect
from collections.abc import Iterable
from typing import Any, TypeVar

import pluggy

from virtmig.errors import ContractBroken, DriverFailed, NotYetLoaded, VirtmigError, told
from virtmig.hooks import hookspecs
from virtmig.hooks.spelling import misspelled
from virtmig.live.device import Transport, VirtioDevice
from virtmig.live.phase import phase_of
from virtmig.virtio.drivers import DeviceDriver, SectionDriver, TransportDriver
from virtmig.virtio.envelope import BareLayout
from virtmig.virtio.order import Party
from virtmig.virtio.state import VirtioState

D = TypeVar("D", DeviceDriver, TransportDriver, SectionDriver)
T = TypeVar("T")


class Bound:
    """A plugin object behind the hooks; `owner` names it in every error."""

    required: tuple[str, ...] = ("describe_driver",)
    party: Party | None = None
    """Whose attributes its hooks may write."""

    def __init__(self, plugin: Any, owner: str, observers: Iterable[Any]) -> None:
        self.owner = owner
        self._manager = pluggy.PluginManager(hookspecs.PROJECT)
        self._manager.add_hookspecs(hookspecs)
        self._register(plugin, "driver")
        for observer in observers:
            self._register(observer, None)
        self._refuse_second_answers()
        for hook in self.required:
            if not self.has(hook):
                raise ContractBroken(f"{owner} does not implement the hook {hook}")

    def need(self, declared: Any, what: str, hooks: Iterable[str]) -> None:
        """Refuse a driver that declares a record and lacks the hooks that go with it."""
        for hook in hooks if declared is not None else ():
            if not self.has(hook):
                text = f"{self.owner} declares {what} but not the hook {hook}"
                raise ContractBroken(text)

    def _register(self, plugin: Any, name: str | None) -> None:
        if type(plugin).__hash__ is None:
            hint = "make its class a plain one, or use eq=False"
            raise ContractBroken(f"{self.owner}: {plugin!r} is not hashable", hint=hint)
        try:
            self._manager.register(plugin, name)
            self._manager.check_pending()
        except (pluggy.PluginValidationError, ValueError) as error:
            for what, do in misspelled(plugin):
                raise ContractBroken(f"{self.owner}: {what}", hint=do) from error
            raise ContractBroken(f"{self.owner}: {error}") from error

    def _refuse_second_answers(self) -> None:
        """An observer wraps; one that answers in the driver's place would never be noticed."""
        for hook, caller in vars(self._manager.hook).items():
            for one in caller.get_hookimpls() if not hook.startswith("_") else ():
                if one.plugin_name != "driver" and not _wraps(one):
                    text = f"{one.plugin_name} answers the hook {hook} of {self.owner}"
                    raise ContractBroken(text, hint="an observer has wrappers only")

    def has(self, hook: str) -> bool:
        """Whether the driver implements an optional hook."""
        found = getattr(self._manager.hook, hook).get_hookimpls()
        return any(one.plugin_name == "driver" and not _wraps(one) for one in found)

    def call(self, hook: str, expected: type[T], **arguments: Any) -> T:
        """Call one hook and check what it writes and returns."""
        phase = phase_of(arguments)
        phase.acting = self.party
        try:
            value = getattr(self._manager.hook, hook)(**arguments)
        except NotYetLoaded as error:
            raise NotYetLoaded(f"{self.owner}: {hook}: {error.reason}") from error
        except ContractBroken as error:
            raise ContractBroken(f"{self.owner}: {hook}: {error.reason}") from error
        except VirtmigError:
            raise
        except (Exception, SystemExit) as error:
            raise DriverFailed(f"{self.owner}: {hook}: {told(error)}") from error
        finally:
            phase.acting = None
        if not isinstance(value, expected):
            if inspect.iscoroutine(value):
                value.close()  # or Python tells later, and elsewhere, that nobody awaited it
            found = type(value).__name__
            text = f"{self.owner}: {hook} returned {found}, not {expected.__name__}"
            raise ContractBroken(text)
        return value

    def describe(self, kind: type[D], name: str) -> D:
        """The driver's description, checked against the name it was found by."""
        driver: D = self.call("describe_driver", kind)
        if driver.name != name:
            text = f"{self.owner}: the entry point is {name!r}, the driver {driver.name!r}"
            raise ContractBroken(text)
        return driver


def _wraps(implementation: Any) -> bool:
    return bool(implementation.hookwrapper or getattr(implementation, "wrapper", False))


class BoundTransport(Bound):
    """A transport's driver and its hooks."""

    required = ("describe_driver", "save_config", "save_queue", "load_config", "load_queue")
    party = Party.TRANSPORT

    def __init__(self, plugin: Any, name: str, owner: str, observers: Iterable[Any] = ()) -> None:
        super().__init__(plugin, owner, observers)
        self.driver = self.describe(TransportDriver, name)
        extra = ("has_extra_state", "save_extra_state", "load_extra_state")
        self.need(self.driver.extra, "extra state", extra)

    def create_transport(self, state: VirtioState) -> Transport:
        if not self.has("create_transport"):
            return Transport()
        return self.call("create_transport", Transport, state=state)

    def save_config(self, transport: Transport) -> Any:
        return self.call("save_config", self.driver.config, transport=transport)

    def save_queue(self, transport: Transport, index: int) -> Any:
        return self.call("save_queue", self.driver.queue, transport=transport, index=index)

    def has_extra_state(self, transport: Transport) -> bool:
        if self.driver.extra is None:
            return False
        return self.call("has_extra_state", bool, transport=transport)

    def save_extra_state(self, transport: Transport) -> Any:
        expected = self.driver.extra or type(None)
        return self.call("save_extra_state", expected, transport=transport)

    def load_config(self, transport: Transport, state: Any) -> None:
        self.call("load_config", type(None), transport=transport, state=state)

    def load_queue(self, transport: Transport, index: int, state: Any) -> None:
        self.call("load_queue", type(None), transport=transport, index=index, state=state)

    def notify(self, transport: Transport, vector: int) -> None:
        if self.has("notify"):
            self.call("notify", type(None), transport=transport, vector=vector)

    def load_extra_state(self, transport: Transport, state: Any) -> None:
        self.call("load_extra_state", type(None), transport=transport, state=state)


class BoundDevice(Bound):
    """A device type's driver and its hooks."""

    required = ("describe_driver", "save_device", "load_device")
    party = Party.DEVICE

    def __init__(self, plugin: Any, name: str, owner: str, observers: Iterable[Any] = ()) -> None:
        super().__init__(plugin, owner, observers)
        self.driver = self.describe(DeviceDriver, name)
        self.need(self.driver.outer, "outer fields", ("save_outer", "load_outer"))

    def create_device(self, state: VirtioState) -> VirtioDevice:
        if not self.has("create_device"):
            return VirtioDevice()
        return self.call("create_device", VirtioDevice, state=state)

    def save_device(self, device: VirtioDevice) -> Any:
        return self.call("save_device", self.driver.state, device=device)

    def load_device(self, device: VirtioDevice, state: Any) -> None:
        self.call("load_device", type(None), device=device, state=state)

    def post_load(self, device: VirtioDevice) -> None:
        if self.has("post_load"):
            self.call("post_load", type(None), device=device)

    def save_outer(self, device: VirtioDevice) -> Any:
        expected = self.driver.outer or type(None)
        return self.call("save_outer", expected, device=device)

    def load_outer(self, device: VirtioDevice, state: Any) -> None:
        self.call("load_outer", type(None), device=device, state=state)


class BoundSection(Bound):
    """A driver of sections without virtio: data only."""

    def __init__(self, plugin: Any, name: str, owner: str, observers: Iterable[Any] = ()) -> None:
        super().__init__(plugin, owner, observers)
        self.driver = self.describe(SectionDriver, name)
        self.layout = BareLayout(self.driver)
