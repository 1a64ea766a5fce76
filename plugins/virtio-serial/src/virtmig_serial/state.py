"""What virtio-serial saves of its own (QEMU: hw/char/virtio-serial-bus.c)."""

from __future__ import annotations

from virtmig.api import (
    Scope,
    Seen,
    VirtQueueElement,
    array,
    be16,
    be32,
    be64,
    boolean,
    conditional,
    if_set,
    record,
    safe,
    struct,
    unsafe,
    wire,
)

UNREAD = safe("QEMU does not read it back")
PORTS = unsafe("QEMU refuses other ports than the target's device has", always=True)
PORTS_MAX = 512
"""Ports of one device; each has two queues, and QEMU has 1024 slots for queues."""


def _map_words(scope: Scope, _: Seen) -> int:
    """nq / 64, rounded up after taking off the two control queues"""
    ports: int = scope.parts["common"].nq // 2 - 1
    return max(0, ports + 31) // 32


@record()
class SerialPort:
    """One port (QEMU: struct VirtIOSerialPort)."""

    id: int = wire(be32.upto(PORTS_MAX - 1), "number of the port")
    guest_connected: bool = wire(
        boolean,
        "a program of the guest has it open",
        edit=conditional("the back-end is told; the guest's program goes on with the port"),
    )
    host_connected: bool = wire(
        boolean,
        "the back-end of the host is connected",
        edit=conditional("the guest is not told, and the target looks at its own back-end"),
    )
    elem_popped: int = wire(be32.upto(1), "1: the back-end stalled, and took a part of a buffer")
    iov_idx: int | None = wire(
        be32, "segment of `elem` that is to be written next", when=if_set("elem_popped")
    )
    iov_offset: int | None = wire(
        be64, "bytes of that segment that have been written", when=if_set("elem_popped")
    )
    elem: VirtQueueElement | None = wire(
        struct(VirtQueueElement), "the guest's buffer", when=if_set("elem_popped")
    )


@record()
class SerialState:
    """The device part (QEMU: virtio_serial_save_device; virtio 1.3 section 5.3.4)."""

    cols: int = wire(
        be16, "columns of the console as in config space; QEMU does not read it back", edit=UNREAD
    )
    rows: int = wire(be16, "rows of the console, likewise", edit=UNREAD)
    max_nr_ports: int = wire(
        be32,
        "ports that the device can have, likewise; swapped if legacy and big endian",
        edit=UNREAD,
    )
    ports_map: tuple[int, ...] = wire(
        array(be32, _map_words), "bit n % 32 of word n / 32: there is a port n", edit=PORTS
    )
    nr_active_ports: int = wire(be32.upto(PORTS_MAX), "entries in `ports`")
    ports: tuple[SerialPort, ...] = wire(
        array(SerialPort, "nr_active_ports"), "in the order of their creation", edit=PORTS
    )
