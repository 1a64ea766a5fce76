"""What a plugin says of itself: the data that decoding needs, without any code to run."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

import attrs

from virtmig.errors import ContractBroken
from virtmig.virtio.defects import DefaultChange, Defect, RingSize
from virtmig.virtio.facts import OpenFact
from virtmig.virtio.finishing import Finish
from virtmig.virtio.state import VirtioState
from virtmig.wire.layout import layout_of

View = Callable[[Any], Mapping[str, Any]]
"""Makes a readable summary (plain data) of one part's record, for reports."""


def _is_record(_: Any, attribute: attrs.Attribute[Any], value: type[Any] | None) -> None:
    if value is None:
        return
    try:
        layout_of(value)
    except (TypeError, AttributeError) as error:
        raise ContractBroken(f"{attribute.name}={value!r}: {error}") from None


@attrs.frozen(kw_only=True)
class DeviceDriver:
    """A device type: net, blk, ...

    name: QEMU's vmsd name (`virtio-net`) and the name of the entry point. device_id: virtio
    device id. version: section version_id that QEMU writes; minimum_version: the oldest that is
    read (default: the same). state: record of the device part. outer: record of what
    its own vmsd holds behind the virtio core, if anything. first_queues: roles of queues that come
    once; queue_names: roles of those behind them, which repeat; control_queue: role of a last queue
    that is left over. ring_sizes: how long the ring of each role is that QEMU offers.
    defaults: options of QEMU that depend on the machine type. features:
    names of the device type's own feature bits. config_space: fields of its configuration space,
    in order, with their sizes in bytes; 1, 2, 4 and 8 are those of numbers. facts: what its layout
    needs and the stream does not say. defects: what QEMU writes of it and does not read. finish:
    the answers to requests in flight, as the device gives them. view, outer_view: summaries of
    `state` and `outer` for people.
    """

    name: str
    device_id: int
    version: int
    minimum_version: int = attrs.field(
        default=attrs.Factory(lambda self: self.version, takes_self=True)
    )
    state: type[Any] = attrs.field(validator=_is_record)
    outer: type[Any] | None = attrs.field(default=None, validator=_is_record)
    first_queues: tuple[str, ...] = ()
    queue_names: tuple[str, ...] = ()
    control_queue: str = ""
    ring_sizes: Mapping[str, RingSize] = attrs.field(factory=dict[str, RingSize])
    defaults: tuple[DefaultChange, ...] = ()
    features: Mapping[int, str] = attrs.field(factory=dict[int, str])
    config_space: Mapping[str, int] = attrs.field(factory=dict[str, int])
    facts: tuple[OpenFact, ...] = ()
    defects: tuple[Defect, ...] = ()
    finish: Finish | None = None
    view: View | None = None
    outer_view: View | None = None

    def queue_name(self, index: int, queues: int) -> str:
        """Role of queue `index` of so many; empty if the driver does not say."""
        if index < len(self.first_queues):
            return self.first_queues[index]
        if not self.queue_names:
            return ""
        place, behind = index - len(self.first_queues), queues - len(self.first_queues)
        if self.control_queue and index == queues - 1 and behind % len(self.queue_names):
            return self.control_queue
        return self.queue_names[place % len(self.queue_names)]


@attrs.frozen(kw_only=True)
class TransportDriver:
    """A bus: pci, ccw, ...

    name: name of the entry point (`virtio-pci`). path_pattern: regular expression that the whole
    device path in front of `/virtio-...` must match. pathless_machines: regular expression for
    the start of machine type names whose idstr has no path. config, queue, extra: records of the
    proxy part, of what each queue adds, and of `virtio/extra_state` (None: it never sends any).
    vring_align: whether each queue carries a ring alignment. interrupt: a state whose target
    interrupts the guest for a queue when it loads it, beside what the interrupt status does.
    reads_isr: whether the guest driver learns from the interrupt status why it was interrupted
    (None: it does).
    """

    name: str
    path_pattern: str
    pathless_machines: str = ""
    config: type[Any] = attrs.field(validator=_is_record)
    queue: type[Any] = attrs.field(validator=_is_record)
    extra: type[Any] | None = attrs.field(default=None, validator=_is_record)
    vring_align: bool = False
    interrupt: Callable[[VirtioState, int], VirtioState] | None = None
    reads_isr: Callable[[VirtioState], bool] | None = None
    facts: tuple[OpenFact, ...] = ()
    view: View | None = None

    def claims(self, path: str, machine: str) -> bool:
        """Whether a device at `path` of a machine of this type sits on this bus."""
        if path:
            return re.fullmatch(self.path_pattern, path) is not None
        return bool(self.pathless_machines) and (
            re.match(self.pathless_machines, machine) is not None
        )

    @property
    def records(self) -> dict[str, type[Any]]:
        """The records that fill slots of core records."""
        found = {"queue": self.queue, "extra": self.extra}
        return {name: cls for name, cls in found.items() if cls is not None}


@attrs.frozen(kw_only=True)
class SectionDriver:
    """A section that belongs to a virtio device and has no virtio core in it.

    name: vmsd name (`scsi-disk`, `virtio-vga`) and the name of the entry point. parent: vmsd name
    of the virtio device at whose path, or below it, such a section lies; at any other place it is
    left alone. version, minimum_version, state, facts, defects, view: as for a `DeviceDriver`. It
    is data only: a section without virtio takes no part in the procedure.
    """

    name: str
    parent: str
    version: int
    minimum_version: int = attrs.field(
        default=attrs.Factory(lambda self: self.version, takes_self=True)
    )
    state: type[Any] = attrs.field(validator=_is_record)
    facts: tuple[OpenFact, ...] = ()
    defects: tuple[Defect, ...] = ()
    view: View | None = None


Driver = DeviceDriver | TransportDriver | SectionDriver
"""What `describe_driver` may return."""
