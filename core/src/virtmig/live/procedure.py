"""The documented procedure: walks `virtio.order` over a live device, in both directions."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from virtmig.errors import DeviceMismatch, FeatureRefused, IndexMismatch
from virtmig.guest.vring import Memory
from virtmig.hooks.registry import Drivers
from virtmig.live.device import VirtioDevice
from virtmig.live.indices import check_queue
from virtmig.live.snapshot import Snapshot
from virtmig.live.tails import load_tail, save_tail
from virtmig.live.transfer import collect, restore
from virtmig.virtio.common import NO_VECTOR, CommonState, QueueState
from virtmig.virtio.features import VERSION_1, feature_names
from virtmig.virtio.order import LOAD, SAVE, Party, Per, Step, walk
from virtmig.virtio.state import VirtioState
from virtmig.virtio.subsections import BIG_ENDIAN, LITTLE_ENDIAN, TAILS, Subsections

OnStep = Callable[[Step, "int | str", str], None]
"""Told of each step that was done, the queue or subsection it was for, and what came of it."""

NO_QUEUE = "no queue is set up"
ENDIAN = {LITTLE_ENDIAN: "little", BIG_ENDIAN: "big"}
LOW_32 = 0xFFFFFFFF


def _silent(step: Step, key: int | str, note: str) -> None:
    del step, key, note


def virtio_save(device: VirtioDevice, drivers: Drivers, on_step: OnStep = _silent) -> VirtioState:
    """The state of a live device, collected in the documented order."""
    saving = _Save(device, drivers)
    for step, key in walk(
        SAVE, len(device.active_queues), saving.needed(), outer=_has_outer(drivers)
    ):
        getattr(saving, step.name)(key)
        on_step(step, key, "")
    return VirtioState(**saving.parts, queues=tuple(saving.queues), facts=device.facts)


def virtio_load(
    device: VirtioDevice,
    drivers: Drivers,
    state: VirtioState,
    memory: Memory | None = None,
    on_step: OnStep = _silent,
) -> None:
    """Load `state` into a live device, in the documented order.

    memory: guest memory for the index check; without it the check is left out, and said so.
    If any step fails, the device is as it was before, and the error tells where.
    """
    before = Snapshot(device)
    loading = _Load(device, drivers, state, memory)
    tails = state.subsections
    sent = [name for name, field in TAILS.items() if getattr(tails, field.name) is not None]
    try:
        for step, key in walk(LOAD, len(state.queues), sent, outer=_has_outer(drivers)):
            device.phase.pending = _pending(step)
            note = getattr(loading, step.name)(key)
            on_step(step, key, note or "")
    except BaseException:
        before.restore()
        raise
    finally:
        device.phase.pending = frozenset()


def _has_outer(drivers: Drivers) -> bool:
    return drivers.device.driver.outer is not None


def _pending(current: Step) -> frozenset[str]:
    """Steps whose state may not be read while `current` is done: its own only by the core."""
    position = LOAD.index(current)
    own = 1 if current.party is Party.CORE and current.per is Per.ONCE else 0
    return frozenset(step.name for step in LOAD[position + own :])


class _Save:
    """One save under way: a method for each step."""

    def __init__(self, device: VirtioDevice, drivers: Drivers) -> None:
        self.device = device
        self.drivers = drivers
        self.parts: dict[str, Any] = {}
        self.queues: list[QueueState] = []
        self.tails: dict[str, Any] = {}

    def needed(self) -> Iterator[str]:
        """Names of the subsections to be sent; each is collected when its turn comes."""
        for name, field in TAILS.items():
            tail = save_tail(self.device, self.drivers, field.name)
            if tail is not None:
                self.tails[field.name] = tail
                yield name
        self.parts["subsections"] = Subsections(**self.tails)

    def save(self, _: object) -> None:
        """The call itself."""

    def save_config(self, _: object) -> None:
        self.parts["config"] = self.drivers.transport.save_config(self.device.transport)

    def save_common(self, _: object) -> None:
        device = self.device
        self.parts["common"] = CommonState(
            status=device.status,
            isr=device.isr,
            queue_sel=device.queue_sel,
            guest_features_lo=device.guest_features & LOW_32,
            config_len=len(device.config),
            config=device.config,
            nq=len(device.active_queues),
        )

    def save_virtqueue(self, index: int) -> None:
        """Nothing yet: a queue's common fields and its transport's make one record."""

    def save_queue(self, index: int) -> None:
        queue = self.device.queues[index]
        added = self.drivers.transport.save_queue(self.device.transport, index)
        self.queues.append(collect(QueueState, queue, transport=added))

    def save_device(self, _: object) -> None:
        self.parts["device"] = self.drivers.device.save_device(self.device)

    def save_subsection(self, name: str) -> None:
        """Nothing more: `needed` collected it."""

    def save_outer(self, _: object) -> None:
        self.parts["outer"] = self.drivers.device.save_outer(self.device)


class _Load:
    """One load under way: a method for each step; what it returns is said in the trace."""

    def __init__(
        self, device: VirtioDevice, drivers: Drivers, state: VirtioState, memory: Memory | None
    ) -> None:
        self.device = device
        self.drivers = drivers
        self.state = state
        self.memory = memory

    def load(self, _: object) -> None:
        """The call itself."""

    def load_config(self, _: object) -> None:
        self.drivers.transport.load_config(self.device.transport, self.state.config)

    def load_common(self, _: object) -> None:
        """The local config length wins, as in QEMU: the stream's is only a cache."""
        device, common = self.device, self.state.common
        device.status = common.status
        device.isr = common.isr
        device.queue_sel = common.queue_sel
        device.guest_features_lo = common.guest_features_lo
        kept = common.config[: len(device.config)]
        device.config = kept + device.config[len(kept) :]
        if common.nq != len(self.state.queues):
            text = f"{common.nq} queues announced, {len(self.state.queues)} given"
            raise DeviceMismatch(text, path="common.nq")
        if common.nq > len(device.queues):
            text = f"the stream has {common.nq} queues, this device {len(device.queues)}"
            raise DeviceMismatch(text, path="common.nq")

    def load_virtqueue(self, index: int) -> None:
        queue, state = self.device.queues[index], self.state.queues[index]
        if state.num > queue.num_default:
            text = f"ring of {state.num} descriptors; this device has {queue.num_default}"
            raise DeviceMismatch(text, path=f"queues[{index}].num")
        if not state.desc and state.last_avail_idx:
            text = f"no ring is set up, but last_avail_idx is {state.last_avail_idx:#x}"
            raise IndexMismatch(text, path=f"queues[{index}].desc")
        restore(queue, state, "transport")
        queue.signalled_used_valid = False
        queue.notification = True

    def load_queue(self, index: int) -> None:
        transport = self.state.queues[index].transport
        self.drivers.transport.load_queue(self.device.transport, index, transport)

    def notify(self, _: object) -> None:
        self.drivers.transport.notify(self.device.transport, NO_VECTOR)

    def load_device(self, _: object) -> None:
        self.drivers.device.load_device(self.device, self.state.device)

    def load_subsection(self, name: str) -> None:
        load_tail(self.device, self.drivers, getattr(self.state.subsections, TAILS[name].name))

    def sanitize_endianness(self, _: object) -> str:
        device = self.device
        if self.state.subsections.device_endian is None or not device.device_endian:
            device.device_endian = device.default_endian
            return f"none sent: {device.target_endian}, the machine's default"
        return f"sent: {ENDIAN.get(device.device_endian, device.device_endian)}"

    def sanitize_features(self, _: object) -> str:
        """Only a device that offers features above bit 31 looks at the 64-bit subsection."""
        device = self.device
        wide = device.host_features >> 32 != 0
        features = self.state.guest_features if wide else device.guest_features_lo
        refused = features & ~device.host_features
        if refused:
            names = ", ".join(feature_names(refused, self.drivers.device.driver.features))
            text = f"guest driver accepted features that this device does not offer: {names}"
            raise FeatureRefused(text, path="subsections.virtio/64bit_features")
        device.guest_features = features
        device.start_on_kick = not device.started and not device.has_feature(VERSION_1)
        return f"{features:#x}"

    def check_indices(self, _: object) -> str:
        """Every queue that is set up; one that fails is an error or makes the device broken."""
        notes = {
            f"queue {queue.index}": check_queue(self.device, queue, self.memory)
            for queue in self.device.queues[: len(self.state.queues)]
            if queue.desc
        }
        if len(set(notes.values())) == 1 and len(notes) > 1:
            return f"all {len(notes)} queues: {next(iter(notes.values()))}"
        return "; ".join(f"{queue}: {note}" for queue, note in notes.items()) or NO_QUEUE

    def post_load(self, _: object) -> None:
        self.drivers.device.post_load(self.device)

    def load_outer(self, _: object) -> None:
        self.drivers.device.load_outer(self.device, self.state.outer)
