"""What virtio-net saves of its own, declared field by field."""

from __future__ import annotations

from typing import Any

from virtmig.api import (
    FeatureBits,
    OpenFact,
    Scope,
    Seen,
    Verdict,
    array,
    be16,
    be32,
    be64,
    bitmap,
    boolean,
    conditional,
    depends_on,
    header_version,
    if_fact,
    if_feature,
    mac_address,
    raw,
    record,
    safe,
    since,
    subsection,
    u8,
    unsafe,
    wire,
)

MULTIQUEUE = OpenFact(
    "multiqueue",
    (False, True),
    "whether the device was created with more than one queue pair (a property of its backend)",
)
_MULTIQUEUE = if_fact(MULTIQUEUE.name, text="created with more than one queue pair")

ANNOUNCE = 2
STATUS = {0: "LINK_UP", 1: "ANNOUNCE"}
"""Bits of the device's status (virtio 1.3 section 5.1.4)."""
TABLE_SIZE = 64
"""Entries of the receive filter (QEMU: MAC_TABLE_ENTRIES)."""
ADDRESS = conditional(
    "the guest keeps the address that it has read, and the target's command line has one"
)
RECEIVED = conditional(
    "the guest driver is not told what it receives now, and sets it anew only if its own settings "
    "change"
)
BACKEND = unsafe("QEMU refuses it if the target's backend cannot do it", always=True)
PAIRS = unsafe("the device has as many queue pairs as it was created with", always=True)
HASHING = conditional("the guest driver is not told; packets may come through another queue")
PACKETS_WAIT = conditional("packets wait in their queue until the guest driver sends the next one")


def _transmit(old: Any, new: Any) -> Verdict:
    if new and not old:
        return safe("the device looks once at a transmit queue that may be empty")
    return PACKETS_WAIT


def _address(_: Any, new: Any) -> Verdict:
    if new is None:
        return ADDRESS
    if not any(bytes.fromhex(new.replace(":", ""))):
        return unsafe("a MAC address of zeros is no unicast address of a device", always=True)
    if _is_multicast(new):
        return unsafe("this is no unicast address, so no device can have it", always=True)
    return ADDRESS


def _is_multicast(address: str) -> bool:
    """Whether a MAC address stands for several receivers (its first octet is odd)."""
    return bool(int(address[:2], 16) & 1)


def _table(_: Any, new: Any) -> Verdict:
    """Of the receive filter; QEMU finds where multicast begins by the first such entry."""
    macs = new or ()
    if len(macs) > TABLE_SIZE:
        text = f"QEMU's table has {TABLE_SIZE} entries, and it drops a longer one when it loads it"
        return unsafe(text, always=True)
    kinds = [_is_multicast(one) for one in macs]
    if kinds != sorted(kinds):
        text = "QEMU takes all behind the first multicast address for multicast, so a unicast one"
        return unsafe(f"{text} there is not received", always=True)
    return RECEIVED


def _link(old: Any, new: Any) -> Verdict:
    if (new or 0) & ~(old or 0) & ~sum(1 << bit for bit in STATUS):
        return unsafe("only bits 0 and 1 of this status are defined", always=True)
    if ((old or 0) ^ (new or 0)) & ~ANNOUNCE:
        return conditional(
            "the guest driver looks at the link only after an interrupt, and the target's network "
            "device has a link of its own"
        )
    return conditional("the guest driver announces itself only after an interrupt that asks for it")


def _offloads(old: Any, new: Any) -> Verdict:
    if new is not None and old is not None and not new & ~old:
        return conditional("the guest driver believes that the offload is on; packets come smaller")
    return unsafe("the guest driver may not take packets of this kind")


def _rss(old: Any, new: Any) -> Verdict:
    """Of the whole subsection; without it nothing is hashed."""
    if not any(one and one.get("enabled") for one in (old, new)):
        return safe("neither RSS nor hash reports are on")
    return HASHING


@depends_on("curr_queue_pairs")
def _more_pairs(_: Scope, seen: Seen) -> int:
    """curr_queue_pairs - 1"""
    return int(seen["curr_queue_pairs"]) - 1


ALL_HASH_TYPES = 0x1FF
"""Those that QEMU knows, and before version 2 of `Rss` every device offered (virtio 1.3 section
5.1.6.4.3.1)."""


@record("virtio-net-device/rss", version=2, minimum=1, releases={2: "11.0"})
class Rss:
    """Receive side scaling; sent when the driver switched it or hash reports on."""

    version_id: int = wire(header_version, "1 up to QEMU 10, 2 in QEMU 11, any machine type")
    enabled: bool = wire(boolean, "RSS or hash reports are on")
    redirect: bool = wire(boolean, "packets are distributed by the table")
    populate_hash: bool = wire(boolean, "the hash is reported to the driver")
    hash_types: int = wire(be32, "hash types that the driver enabled, a bit mask")
    supported_hash_types: int | None = wire(
        be32, "hash types that the device offers, a bit mask", when=since(2, implied=ALL_HASH_TYPES)
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

    mac: bytes = wire(
        mac_address,
        "current MAC address, not the one in config space",
        edit=_address,
    )
    tx_waiting: int = wire(be32, "a transmit of pair 0 is scheduled", edit=_transmit)
    mergeable_rx_bufs: int = wire(
        be32,
        "1: receive buffers are merged",
        edit=unsafe("the guest driver lays its receive buffers out by it"),
    )
    status: int = wire(
        be16,
        "bit 0: link up, bit 1: announce requested",
        edit=_link,
        bits=STATUS,
    )
    promisc: int = wire(u8, "1: all packets are received; so after a reset", edit=RECEIVED)
    allmulti: int = wire(u8, "1: all multicast packets are received", edit=RECEIVED)
    mac_table_in_use: int = wire(be32, "entries in `mac_table_macs`", edit=RECEIVED)
    mac_table_macs: tuple[bytes, ...] = wire(
        array(mac_address, "mac_table_in_use"),
        "receive filter: unicast first, then multicast",
        edit=_table,
    )
    vlans: frozenset[int] = wire(bitmap(4096), "VLAN ids that are received", edit=RECEIVED)
    has_vnet_hdr: int = wire(be32, "1: the backend passes packet headers on", edit=BACKEND)
    mac_table_multi_overflow: int = wire(
        u8, "1: more multicast entries than the table holds", edit=RECEIVED
    )
    mac_table_uni_overflow: int = wire(
        u8, "1: more unicast entries than the table holds", edit=RECEIVED
    )
    alluni: int = wire(u8, "1: all unicast packets are received", edit=RECEIVED)
    nomulti: int = wire(u8, "1: no multicast packets are received", edit=RECEIVED)
    nouni: int = wire(u8, "1: no unicast packets are received", edit=RECEIVED)
    nobcast: int = wire(u8, "1: no broadcast packets are received", edit=RECEIVED)
    has_ufo: int = wire(u8, "1: the backend takes UDP fragments", edit=BACKEND)
    max_queue_pairs: int | None = wire(
        be16, "pairs that the device was created with", when=_MULTIQUEUE, edit=PAIRS
    )
    curr_queue_pairs: int | None = wire(
        be16,
        "pairs in use",
        when=_MULTIQUEUE,
        edit=unsafe("the guest driver uses just these pairs"),
    )
    tx_waiting_more: tuple[int, ...] | None = wire(
        array(be32, _more_pairs),
        "scheduled transmits of pairs 1 and up",
        when=_MULTIQUEUE,
        edit=PACKETS_WAIT,
    )
    curr_guest_offloads: int | None = wire(
        be64,
        "offloads in force, a mask of GUEST_* feature bits",
        when=if_feature(2, "CTRL_GUEST_OFFLOADS"),
        edit=_offloads,
        bits=FeatureBits(accepted=False),
    )
    rss: Rss | None = wire(subsection(Rss), "receive side scaling", edit=_rss)
