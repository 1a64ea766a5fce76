"""Every hook of virtmig, in call order. Hooks trade records; bytes never pass through here.

To see how bytes become records, read `virtmig.wire.codec`; a device is decoded without a single
hook being called, from the record classes that `describe_driver` names. The hooks below move
records into and out of *live* devices. One plugin is chosen by name for each device and each
transport, so an implementation never asks whether a device is its own.

All are `firstresult`: a hook has one implementation and returns its value. Plugins that have
only wrappers (`hookimpl(wrapper=True)`) may observe every call.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pluggy

if TYPE_CHECKING:
    from virtmig.live.device import Transport, VirtioDevice
    from virtmig.virtio.drivers import Driver
    from virtmig.virtio.state import VirtioState

PROJECT = "virtmig"
hookspec = pluggy.HookspecMarker(PROJECT)
hookimpl = pluggy.HookimplMarker(PROJECT)
"""Marks a function as the implementation of the hook that has its name."""


@hookspec(firstresult=True)
def describe_driver() -> Driver:
    """Say what this plugin decodes: names, versions, record classes.

    Called: once, when the plugin is bound; by offline tools too.
    Given: nothing.
    Return: a `DeviceDriver`, a `TransportDriver` or a `SectionDriver`.
    Not yet loaded: everything; keep it free of side effects.
    QEMU: the device's VMStateDescription and class_init.
    """
    raise NotImplementedError


@hookspec(firstresult=True)
def create_transport(state: VirtioState) -> Transport:
    """Make the live transport that a device with `state` needs, as if just plugged in.

    Called: by tools that have a stream and no machine (`virtmig load`). Optional.
    Given: the decoded state; take from it properties only (does it have MSI-X?), no state.
    Return: a `Transport` or a subclass of it.
    Not yet loaded: everything.
    QEMU: realize of the proxy device.
    """
    raise NotImplementedError


@hookspec(firstresult=True)
def create_device(state: VirtioState) -> VirtioDevice:
    """Make the live device that can take `state`, as if just plugged in.

    Called: by tools that have a stream and no machine (`virtmig load`). Optional: without it
    the device is a plain `VirtioDevice`.
    Given: the decoded state; take from it properties only (how many queue pairs?), no state.
    Return: a `VirtioDevice` or a subclass of it; the core gives it queues and features.
    Not yet loaded: everything.
    QEMU: realize of the device.
    """
    raise NotImplementedError


@hookspec(firstresult=True)
def save_config(transport: Transport) -> Any:
    """Save the proxy device and the transport's own device fields.

    Called: first of all.
    Given: the live transport.
    Return: an instance of the record class that the driver declares as `config`.
    Not yet loaded: nothing; saving sees the whole device.
    QEMU: VirtioBusClass.save_config.
    """


@hookspec(firstresult=True)
def save_queue(transport: Transport, index: int) -> Any:
    """Save what the transport adds to one virtqueue.

    Called: after the common fields of queue `index`.
    Given: the live transport and the queue's index.
    Return: an instance of the record class that the driver declares as `queue`.
    Not yet loaded: nothing.
    QEMU: VirtioBusClass.save_queue.
    """


@hookspec(firstresult=True)
def save_device(device: VirtioDevice) -> Any:
    """Save the device type's own fields.

    Called: after all queues.
    Given: the live device.
    Return: an instance of the record class that the driver declares as `state`.
    Not yet loaded: nothing.
    QEMU: VirtioDeviceClass.save and .vmsd.
    """


@hookspec(firstresult=True)
def has_extra_state(transport: Transport) -> bool:
    """Say whether the transport keeps state in `virtio/extra_state`.

    Called: while subsections are saved. Needed if the driver declares an `extra` record.
    Given: the live transport.
    Return: a bool.
    Not yet loaded: nothing.
    QEMU: VirtioBusClass.has_extra_state.
    """
    raise NotImplementedError


@hookspec(firstresult=True)
def save_extra_state(transport: Transport) -> Any:
    """Save the transport's state that travels inside the core's subsection.

    Called: after `has_extra_state` said yes.
    Given: the live transport.
    Return: an instance of the record class that the driver declares as `extra`.
    Not yet loaded: nothing.
    QEMU: VirtioBusClass.save_extra_state.
    """


@hookspec(firstresult=True)
def save_outer(device: VirtioDevice) -> Any:
    """Save what the device's own vmsd holds behind the virtio core.

    Called: last, after the subsections. Needed if the driver declares an `outer` record.
    Given: the live device.
    Return: an instance of the record class that the driver declares as `outer`.
    Not yet loaded: nothing.
    QEMU: fields and subsections of the device's VMStateDescription beside VMSTATE_VIRTIO_DEVICE.
    """


@hookspec(firstresult=True)
def load_config(transport: Transport, state: Any) -> None:
    """Put the proxy device and the transport's own device fields back.

    Called: first of all.
    Given: the live transport and the record that `save_config` returned.
    Return: nothing; raise `DeviceMismatch` if the state is of another device.
    Not yet loaded: everything else.
    QEMU: VirtioBusClass.load_config.
    """


@hookspec(firstresult=True)
def load_queue(transport: Transport, index: int, state: Any) -> None:
    """Put back what the transport added to one virtqueue.

    Called: after the common fields of queue `index`; after the last one the guest is notified.
    Given: the live transport, the queue's index, the record that `save_queue` returned.
    Return: nothing.
    Not yet loaded: ring addresses other than desc, features, endianness, the device part.
    QEMU: VirtioBusClass.load_queue.
    """


@hookspec(firstresult=True)
def notify(transport: Transport, vector: int) -> None:
    """Raise an interrupt that may have been pending.

    Called: after the last queue was loaded, with `NO_VECTOR`. Optional.
    Given: the live transport and the vector.
    Return: nothing.
    Not yet loaded: as in `load_queue`.
    QEMU: VirtioBusClass.notify.
    """


@hookspec(firstresult=True)
def load_device(device: VirtioDevice, state: Any) -> None:
    """Put the device type's own fields back.

    Called: after the queues and BEFORE the subsections.
    Given: the live device and the record that `save_device` returned.
    Return: nothing; raise `DeviceMismatch` if the state is of another device.
    Not yet loaded: features above bit 31, endianness, ring addresses of virtio 1 queues, used
    indices, broken, started, disabled. Reading them raises `NotYetLoaded`: do what depends on
    them in `post_load`.
    QEMU: VirtioDeviceClass.load and .vmsd.
    """


@hookspec(firstresult=True)
def load_extra_state(transport: Transport, state: Any) -> None:
    """Put back the transport's state that travelled inside the core's subsection.

    Called: among the subsections.
    Given: the live transport and the record that `save_extra_state` returned.
    Return: nothing.
    Not yet loaded: subsections that come later, features, endianness.
    QEMU: VirtioBusClass.load_extra_state.
    """


@hookspec(firstresult=True)
def post_load(device: VirtioDevice) -> None:
    """Set up what depends on features.

    Called: after endianness, features and indices are complete and checked; only `load_outer` comes
    later. Optional.
    Given: the live device.
    Return: nothing.
    Not yet loaded: nothing.
    QEMU: VirtioDeviceClass.post_load, and a device's load() after virtio_load() returned.
    """


@hookspec(firstresult=True)
def load_outer(device: VirtioDevice, state: Any) -> None:
    """Put back what the device's own vmsd holds behind the virtio core.

    Called: last of all, after `post_load`. Needed if the driver declares an `outer` record.
    Given: the live device and the record that `save_outer` returned.
    Return: nothing; raise `DeviceMismatch` if the state is of another device.
    Not yet loaded: nothing.
    QEMU: fields and subsections of the device's VMStateDescription beside VMSTATE_VIRTIO_DEVICE,
    and its post_load.
    """
