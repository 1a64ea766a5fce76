"""What virtio-net saves of its own, declared field by field."""

from __future__ import annotations

from virtmig.api import (
    OpenFact,
    Scope,
    Seen,
    array,
    be16,
    be32,
    be64,
    bitmap,
    boolean,
    depends_on,
    header_version,
    if_fact,
    if_feature,
    mac_address,
    raw,
    record,
    since,
    subsection,
    u8,
    wire,
)

MULTIQUEUE = OpenFact(
    "multiqueue",
    (False, True),
    "whether the device was created with more than one queue pair (a property of its backend)",
)
_MULTIQUEUE = if_fact(MULTIQUEUE.name, text="created with more than one queue pair")


@depends_on("curr_queue_pairs")
def _more_pairs(_: Scope, seen: Seen) -> int:
    """curr_queue_pairs - 1"""
    return int(seen["curr_queue_pairs"]) - 1


@record("virtio-net-device/rss", version=2, minimum=1)
class Rss:
    """Receive side scaling; sent when the driver switched it or hash reports on."""

    version_id: int = wire(header_version, "1 up to QEMU 10, 2 in QEMU 11, any machine type")
    enabled: bool = wire(boolean, "RSS or hash reports are on")
    redirect: bool = wire(boolean, "packets are distributed by the table")
    populate_hash: bool = wire(boolean, "the hash is reported to the driver")
    hash_types: int = wire(be32, "hash types that the driver enabled, a bit mask")
    supported_hash_types: int | None = wire(
        be32, "hash types that the device offers, a bit mask", when=since(2)
    )
    indirections_len: int = wire(be16, "entries in `indirections`, a power of two")
    default_queue: int = wire(be16, "queue for packets without a hash")
    key: bytes = wire(raw(40), "hash key")
    indirections: tuple[int, ...] = wire(
        array(be16, "indirections_len"), "receive queue by the hash's low bits"
    )


@record("virtio-net-device")
class NetState:
    """The device part (QEMU: hw/net/virtio-net.c, vmstate_virtio_net_device)."""

    mac: bytes = wire(mac_address, "current MAC address, not the one in config space")
    tx_waiting: int = wire(be32, "a transmit of pair 0 is scheduled")
    mergeable_rx_bufs: int = wire(be32, "1: receive buffers are merged")
    status: int = wire(be16, "bit 0: link up, bit 1: announce requested")
    promisc: int = wire(u8, "1: all packets are received; so after a reset")
    allmulti: int = wire(u8, "1: all multicast packets are received")
    mac_table_in_use: int = wire(be32, "entries in `mac_table_macs`")
    mac_table_macs: tuple[bytes, ...] = wire(
        array(mac_address, "mac_table_in_use"), "receive filter: unicast first, then multicast"
    )
    vlans: frozenset[int] = wire(bitmap(4096), "VLAN ids that are received")
    has_vnet_hdr: int = wire(be32, "1: the backend passes packet headers on")
    mac_table_multi_overflow: int = wire(u8, "1: more multicast entries than the table holds")
    mac_table_uni_overflow: int = wire(u8, "1: more unicast entries than the table holds")
    alluni: int = wire(u8, "1: all unicast packets are received")
    nomulti: int = wire(u8, "1: no multicast packets are received")
    nouni: int = wire(u8, "1: no unicast packets are received")
    nobcast: int = wire(u8, "1: no broadcast packets are received")
    has_ufo: int = wire(u8, "1: the backend takes UDP fragments")
    max_queue_pairs: int | None = wire(
        be16, "pairs that the device was created with", when=_MULTIQUEUE
    )
    curr_queue_pairs: int | None = wire(be16, "pairs in use", when=_MULTIQUEUE)
    tx_waiting_more: tuple[int, ...] | None = wire(
        array(be32, _more_pairs), "scheduled transmits of pairs 1 and up", when=_MULTIQUEUE
    )
    curr_guest_offloads: int | None = wire(
        be64,
        "offloads in force, a mask of GUEST_* feature bits",
        when=if_feature(2, "CTRL_GUEST_OFFLOADS"),
    )
    rss: Rss | None = wire(subsection(Rss), "receive side scaling")
