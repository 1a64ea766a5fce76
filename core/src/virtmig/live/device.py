"""Live virtio objects: what hooks get. They hold state, never bytes."""

from __future__ import annotations

import attrs

from virtmig.errors import NotYetLoaded
from virtmig.live.phase import Late, Owned, Phase
from virtmig.virtio.common import NO_VECTOR
from virtmig.virtio.facts import Fact
from virtmig.virtio.features import VERSION_1
from virtmig.virtio.order import Party
from virtmig.virtio.rings import Endian
from virtmig.virtio.subsections import BIG_ENDIAN, LITTLE_ENDIAN


@attrs.define(eq=False, kw_only=True, slots=False)
class VirtQueue(Owned):
    """One virtqueue (QEMU: struct VirtQueue). Addresses are guest physical.

    num: ring size in use; num_default: after a reset. vector: interrupt vector that the
    transport set. signalled_used_valid, notification: as a load leaves them, never saved.
    """

    index: int
    phase: Phase
    num: int = 0
    num_default: int = 0
    align: int | None = None
    desc: int = 0
    last_avail_idx: int = 0
    vector: int = NO_VECTOR
    signalled_used_valid: bool = False
    notification: bool = True

    avail = Late(0, "load_subsection")
    used = Late(0, "load_subsection")
    last_avail_wrap_counter = Late(False, "load_subsection")
    used_wrap_counter = Late(False, "load_subsection")
    shadow_avail_idx = Late(0, "check_indices")
    shadow_avail_wrap_counter = Late(False, "check_indices")
    used_idx = Late(0, "check_indices")
    inuse = Late(0, "check_indices")

    def _phase(self) -> Phase | None:
        return vars(self).get("phase")

    def _owner(self, name: str) -> Party:
        return Party.TRANSPORT if name == "vector" else Party.CORE


@attrs.define(eq=False, kw_only=True, slots=False)
class Transport(Owned):
    """The bus side of a device; subclass it with what your transport saves.

    device: the live device that it carries, set by the core.
    """

    device: VirtioDevice = attrs.field(init=False, repr=False)

    def _phase(self) -> Phase | None:
        device = vars(self).get("device")
        return None if device is None else device.phase

    def _owner(self, name: str) -> Party:
        return Party.CORE if name == "device" else Party.TRANSPORT


@attrs.define(eq=False, kw_only=True, slots=False)
class VirtioDevice(Owned):
    """The common part of a live device (QEMU: struct VirtIODevice); subclass it with your own.

    name: vmsd name. transport: its bus side. target_endian: of the guest's machine.
    host_features: what this device instance offers. queues: all slots that it was created with.
    facts: what a stream does not say of this device and its host, but its layout depends on.
    """

    name: str = ""
    target_endian: Endian = "little"
    host_features: int = 0
    transport: Transport = attrs.field(factory=Transport)
    queues: list[VirtQueue] = attrs.field(factory=list[VirtQueue])
    status: int = 0
    isr: int = 0
    queue_sel: int = 0
    guest_features_lo: int = 0
    config: bytes = b""
    facts: tuple[Fact, ...] = ()
    phase: Phase = attrs.field(factory=Phase, repr=False)

    device_endian = Late(0, "sanitize_endianness")
    guest_features = Late(0, "sanitize_features")
    broken = Late(False, "load_subsection")
    started = Late(False, "load_subsection")
    disabled = Late(False, "load_subsection")
    start_on_kick = Late(False, "sanitize_features")

    def _phase(self) -> Phase | None:
        return vars(self).get("phase")

    def _owner(self, name: str) -> Party:
        return Party.CORE if name in CORE_STATE else Party.DEVICE

    def has_feature(self, bit: int) -> bool:
        """Whether the guest driver accepted feature `bit`.

        While a device loads, only bits 0 to 31 may be asked for before its `post_load`.
        """
        if "sanitize_features" in self.phase.pending:
            if bit < 32:
                return bool(self.guest_features_lo >> bit & 1)
            text = f"feature bit {bit} is not loaded yet: bits from 32 on come with the subsections"
            raise NotYetLoaded(f"{text}; use it in post_load")
        return bool(self.guest_features >> bit & 1)

    @property
    def default_endian(self) -> int:
        """Device endianness of a machine of this kind after a reset."""
        return BIG_ENDIAN if self.target_endian == "big" else LITTLE_ENDIAN

    @property
    def ring_endian(self) -> Endian:
        """Byte order of the rings in guest memory: a virtio 1 ring is little whatever else says."""
        if self.has_feature(VERSION_1) or self.device_endian == LITTLE_ENDIAN:
            return "little"
        return "big"

    def plug(self, transport: Transport) -> None:
        """Put the device on its bus."""
        self.transport = transport
        transport.device = self

    def add_queues(self, sizes: list[int]) -> None:
        """Create one queue slot for each default ring size."""
        start = len(self.queues)
        self.queues += [
            VirtQueue(index=start + number, phase=self.phase, num=size, num_default=size)
            for number, size in enumerate(sizes)
        ]

    @property
    def active_queues(self) -> list[VirtQueue]:
        """Queue slots before the first of size 0: those that are saved."""
        found: list[VirtQueue] = []
        for queue in self.queues:
            if queue.num == 0:
                break
            found.append(queue)
        return found


CORE_STATE = frozenset(attrs.fields_dict(VirtioDevice)) | {
    name for name, value in vars(VirtioDevice).items() if isinstance(value, Late)
}
"""Attributes of a device that belong to the virtio core; a subclass has other names for its own."""
