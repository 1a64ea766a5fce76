"""Drivers of the kit's own, for the side of a device that is not under test."""

from __future__ import annotations

from functools import cache
from typing import Any

from virtmig.hooks.bound import BoundDevice, BoundTransport
from virtmig.hooks.hookspecs import hookimpl
from virtmig.hooks.registry import Drivers
from virtmig.live.device import Transport, VirtioDevice
from virtmig.virtio.common import NO_VECTOR
from virtmig.virtio.drivers import DeviceDriver, TransportDriver
from virtmig.wire.record import record, wire
from virtmig.wire.types import be16, be32

OWNER = "the conformance kit"
PLACE = "_virtmig_kit_address"
"""Where the kit's transport keeps its address in any transport object; no plugin has that name."""


@record()
class KitConfig:
    """The proxy part of the kit's own transport."""

    address: int = wire(be32, "where the device sits on the kit's bus")


@record()
class KitQueue:
    """What the kit's own transport adds to each queue."""

    vector: int = wire(be16, "interrupt vector of the queue")


@record()
class KitState:
    """The device part of the kit's own device."""


class KitTransport:
    """The hooks of a transport as simple as it can be."""

    @hookimpl
    def describe_driver(self) -> TransportDriver:
        return TransportDriver(
            name="virtio-kit", path_pattern="kit:[0-9]+", config=KitConfig, queue=KitQueue
        )

    @hookimpl
    def save_config(self, transport: Transport) -> KitConfig:
        return KitConfig(address=vars(transport).get(PLACE, 0))

    @hookimpl
    def load_config(self, transport: Transport, state: KitConfig) -> None:
        vars(transport)[PLACE] = state.address

    @hookimpl
    def save_queue(self, transport: Transport, index: int) -> KitQueue:
        return KitQueue(vector=transport.device.queues[index].vector)

    @hookimpl
    def load_queue(self, transport: Transport, index: int, state: KitQueue) -> None:
        transport.device.queues[index].vector = state.vector


class KitDevice:
    """The hooks of a device that has nothing of its own."""

    @hookimpl
    def describe_driver(self) -> DeviceDriver:
        return DeviceDriver(name="virtio-kit", device_id=1, version=1, state=KitState)

    @hookimpl
    def save_device(self, device: VirtioDevice) -> KitState:
        del device
        return KitState()

    @hookimpl
    def load_device(self, device: VirtioDevice, state: KitState) -> None:
        """Put nothing back."""


def without_transport(sent: Any) -> KitQueue:
    """What the kit's transport has of a queue, in place of what another transport sent."""
    return sent if isinstance(sent, KitQueue) else KitQueue(vector=NO_VECTOR)


def kit_transport(*observers: Any) -> BoundTransport:
    """The kit's transport, bound."""
    return BoundTransport(KitTransport(), "virtio-kit", OWNER, observers)


def kit_device(*observers: Any) -> BoundDevice:
    """The kit's device, bound."""
    return BoundDevice(KitDevice(), "virtio-kit", OWNER, observers)


@cache
def kit_drivers() -> Drivers:
    """Both of the kit's own drivers, bound once."""
    return Drivers(kit_transport(), kit_device())
