"""State that the documented order restores later cannot be read early, by any hook."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.core.material import fresh, loaded, pick, state_of
from virtmig.errors import NotYetLoaded
from virtmig.hooks.hookspecs import hookimpl
from virtmig.hooks.registry import Drivers, Registry
from virtmig.live.device import Transport, VirtioDevice
from virtmig.live.procedure import virtio_load
from virtmig_blk.live import VirtioBlk
from virtmig_pci.live import VirtioPci

GOLDEN = pick("virtio-blk", lambda state: state.has_feature(32))
Look = Callable[[VirtioDevice], Any]

LATE: dict[str, Look] = {
    "guest_features": lambda device: device.guest_features,
    "feature bit 32": lambda device: device.has_feature(32),
    "feature bit 64": lambda device: device.has_feature(64),
    "device_endian": lambda device: device.device_endian,
    "started": lambda device: device.started,
    "broken": lambda device: device.broken,
    "disabled": lambda device: device.disabled,
    "start_on_kick": lambda device: device.start_on_kick,
    "used_idx": lambda device: device.queues[0].used_idx,
    "shadow_avail_idx": lambda device: device.queues[0].shadow_avail_idx,
    "inuse": lambda device: device.queues[0].inuse,
    "avail": lambda device: device.queues[0].avail,
    "used": lambda device: device.queues[0].used,
    "last_avail_wrap_counter": lambda device: device.queues[0].last_avail_wrap_counter,
    "used_wrap_counter": lambda device: device.queues[0].used_wrap_counter,
    "shadow_avail_wrap_counter": lambda device: device.queues[0].shadow_avail_wrap_counter,
}
EARLY_HOOKS = ("load_config", "load_queue", "notify", "load_device", "load_extra_state")


class Curious:
    """Drivers for one device whose hook looks at something."""

    def __init__(self, hook: str, look: Look) -> None:  # noqa: C901  one branch a hook
        self.seen: list[Any] = []
        spy = self

        class Blk(VirtioBlk):
            if hook == "load_device":

                @hookimpl
                def load_device(self, device: Any, state: Any) -> None:
                    super().load_device(device, state)
                    spy.seen.append(look(device))

            if hook == "post_load":

                @hookimpl
                def post_load(self, device: VirtioDevice) -> None:
                    spy.seen.append(look(device))

        class Pci(VirtioPci):
            if hook == "load_config":

                @hookimpl
                def load_config(self, transport: Any, state: Any) -> None:
                    super().load_config(transport, state)
                    spy.seen.append(look(transport.device))

            if hook == "load_queue":

                @hookimpl
                def load_queue(self, transport: Any, index: int, state: Any) -> None:
                    super().load_queue(transport, index, state)
                    spy.seen.append(look(transport.device))

            if hook == "notify":

                @hookimpl
                def notify(self, transport: Transport) -> None:
                    spy.seen.append(look(transport.device))

            if hook == "load_extra_state":

                @hookimpl
                def load_extra_state(self, transport: Any, state: Any) -> None:
                    super().load_extra_state(transport, state)
                    spy.seen.append(look(transport.device))

        registry = Registry()
        registry.add_device("virtio-blk", Blk(), "the curious plugin")
        registry.add_transport("virtio-pci", Pci(), "the curious plugin")
        self.drivers: Drivers = registry.drivers(GOLDEN.idstr, GOLDEN.machine)


@pytest.mark.parametrize("hook", EARLY_HOOKS)
@pytest.mark.parametrize("name", LATE)
def test_a_hook_that_reads_late_state_is_named(hook: str, name: str) -> None:
    curious = Curious(hook, LATE[name])
    with pytest.raises(NotYetLoaded) as caught:
        virtio_load(fresh(GOLDEN), curious.drivers, state_of(GOLDEN))
    assert caught.value.reason.startswith(f"the curious plugin: {hook}: ")
    assert name in caught.value.reason
    assert "post_load" in caught.value.reason
    assert curious.seen == []


@pytest.mark.parametrize("name", LATE)
def test_post_load_reads_everything(name: str) -> None:
    curious = Curious("post_load", LATE[name])
    device = fresh(GOLDEN)
    virtio_load(device, curious.drivers, state_of(GOLDEN))
    assert curious.seen == [LATE[name](device)]


@pytest.mark.parametrize("hook", ["load_queue", "load_device", "load_extra_state", "post_load"])
def test_the_low_32_features_are_known_from_the_common_fields_on(hook: str) -> None:
    curious = Curious(hook, lambda device: [device.has_feature(bit) for bit in range(32)])
    virtio_load(fresh(GOLDEN), curious.drivers, state_of(GOLDEN))
    expected = [state_of(GOLDEN).has_feature(bit) for bit in range(32)]
    assert curious.seen[0] == expected
    assert any(expected)


@pytest.mark.parametrize("hook", ["load_queue", "load_device"])
def test_what_the_common_fields_hold_can_be_read(hook: str) -> None:
    def look(device: VirtioDevice) -> Any:
        queue = device.queues[0]
        return (device.status, device.isr, device.queue_sel, device.config, queue.num, queue.desc)

    curious = Curious(hook, look)
    virtio_load(fresh(GOLDEN), curious.drivers, state_of(GOLDEN))
    state = state_of(GOLDEN)
    common, queue = state.common, state.queues[0]
    assert curious.seen[0] == (
        common.status,
        common.isr,
        common.queue_sel,
        common.config,
        queue.num,
        queue.desc,
    )


@pytest.mark.parametrize("name", LATE)
def test_nothing_is_forbidden_outside_a_load(name: str) -> None:
    look = LATE[name]
    look(fresh(GOLDEN))
    look(loaded(GOLDEN))


@pytest.mark.parametrize("name", LATE)
def test_nothing_is_forbidden_after_a_load_that_failed(name: str) -> None:
    curious = Curious("load_device", lambda device: device.no_such_attribute)  # type: ignore[attr-defined]
    device = fresh(GOLDEN)
    with pytest.raises(Exception, match="no_such_attribute"):
        virtio_load(device, curious.drivers, state_of(GOLDEN))
    LATE[name](device)


def test_a_plugin_that_swallows_the_error_still_learns_nothing() -> None:
    def look(device: VirtioDevice) -> Any:
        try:
            return device.guest_features
        except NotYetLoaded:
            return "nothing"

    curious = Curious("load_device", look)
    device = fresh(GOLDEN)
    virtio_load(device, curious.drivers, state_of(GOLDEN))
    assert curious.seen == ["nothing"]
    assert device.guest_features == state_of(GOLDEN).guest_features
