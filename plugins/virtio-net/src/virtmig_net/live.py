"""The live virtio-net device and its hooks."""

from __future__ import annotations

import attrs

from virtmig.api import DeviceDriver, DeviceMismatch, VirtioDevice, VirtioState, hookimpl
from virtmig_net.features import (
    CTRL_GUEST_OFFLOADS,
    CTRL_VQ,
    FEATURES,
    GUEST_ANNOUNCE,
    GUEST_OFFLOADS,
    HASH_REPORT,
    MRG_RXBUF,
    VERSION_1,
)
from virtmig_net.state import MULTIQUEUE, NetState, Rss

RSS_TABLE_MAX = 128
LINK_UP = 1


@attrs.define(eq=False, kw_only=True, slots=False)
class LiveNet(VirtioDevice):
    """A network device.

    max_queue_pairs: as it was created; 1 means it saves nothing of pairs. has_vnet_hdr, has_ufo:
    what its backend can do. The rest is state, under the names of `NetState`; derived from it
    after a load: first_multi (index of the first multicast entry), vnet_hdr_len (bytes in front
    of each packet), announce (the driver is to announce itself).
    """

    max_queue_pairs: int = 1
    has_vnet_hdr: int = 0
    has_ufo: int = 0
    mac: bytes = bytes(6)
    tx_waiting: list[int] = attrs.field(factory=lambda: [0])
    mergeable_rx_bufs: int = 0
    link_status: int = LINK_UP
    promisc: int = 1
    allmulti: int = 0
    mac_table: tuple[bytes, ...] = ()
    multi_overflow: int = 0
    uni_overflow: int = 0
    vlans: frozenset[int] = frozenset()
    alluni: int = 0
    nomulti: int = 0
    nouni: int = 0
    nobcast: int = 0
    curr_queue_pairs: int = 1
    curr_guest_offloads: int = 0
    rss: Rss | None = None
    first_multi: int = 0
    vnet_hdr_len: int = 0
    announce: bool = False

    def check(self, state: NetState) -> None:
        """Refuse the state of a device or backend of another kind."""
        pairs = 1 if state.max_queue_pairs is None else state.max_queue_pairs
        if pairs != self.max_queue_pairs:
            text = f"{pairs} queue pairs in the stream, {self.max_queue_pairs} on this device"
            raise DeviceMismatch(text, path="device.max_queue_pairs")
        if (state.curr_queue_pairs or 0) > pairs:
            text = f"{state.curr_queue_pairs} queue pairs in use, {pairs} in all"
            raise DeviceMismatch(text, path="device.curr_queue_pairs")
        for name in ("has_vnet_hdr", "has_ufo"):
            if getattr(state, name) and not getattr(self, name):
                raise DeviceMismatch("this device's backend cannot do it", path=f"device.{name}")
        entries = state.rss.indirections_len if state.rss else 1
        if not 0 < entries <= RSS_TABLE_MAX or entries & entries - 1:
            text = f"{entries} entries; a power of two up to {RSS_TABLE_MAX} is expected"
            raise DeviceMismatch(text, path="device.virtio-net-device/rss.indirections_len")


class VirtioNet:
    """The hooks of `virtio-net`."""

    @hookimpl
    def describe_driver(self) -> DeviceDriver:
        return DeviceDriver(
            name="virtio-net",
            device_id=1,
            version=11,
            state=NetState,
            queue_names=("receiveq", "transmitq"),
            features=FEATURES,
            facts=(MULTIQUEUE,),
        )

    @hookimpl
    def create_device(self, state: VirtioState) -> LiveNet:
        net: NetState = state.device
        return LiveNet(
            max_queue_pairs=1 if net.max_queue_pairs is None else net.max_queue_pairs,
            has_vnet_hdr=net.has_vnet_hdr,
            has_ufo=net.has_ufo,
        )

    @hookimpl
    def save_device(self, device: LiveNet) -> NetState:
        many = device.max_queue_pairs > 1
        offloads = device.has_feature(CTRL_GUEST_OFFLOADS)
        return NetState(
            mac=device.mac,
            tx_waiting=device.tx_waiting[0],
            mergeable_rx_bufs=device.mergeable_rx_bufs,
            status=device.link_status,
            promisc=device.promisc,
            allmulti=device.allmulti,
            mac_table_in_use=len(device.mac_table),
            mac_table_macs=device.mac_table,
            vlans=device.vlans,
            has_vnet_hdr=device.has_vnet_hdr,
            mac_table_multi_overflow=device.multi_overflow,
            mac_table_uni_overflow=device.uni_overflow,
            alluni=device.alluni,
            nomulti=device.nomulti,
            nouni=device.nouni,
            nobcast=device.nobcast,
            has_ufo=device.has_ufo,
            max_queue_pairs=device.max_queue_pairs if many else None,
            curr_queue_pairs=device.curr_queue_pairs if many else None,
            tx_waiting_more=tuple(device.tx_waiting[1:]) if many else None,
            curr_guest_offloads=device.curr_guest_offloads if offloads else None,
            rss=device.rss,
        )

    @hookimpl
    def load_device(self, device: LiveNet, state: NetState) -> None:
        device.check(state)
        device.mac = state.mac
        device.tx_waiting = [state.tx_waiting, *(state.tx_waiting_more or ())]
        device.mergeable_rx_bufs = state.mergeable_rx_bufs
        device.link_status = state.status
        device.promisc = state.promisc
        device.allmulti = state.allmulti
        device.mac_table = state.mac_table_macs
        device.vlans = state.vlans
        device.has_vnet_hdr = state.has_vnet_hdr
        device.multi_overflow = state.mac_table_multi_overflow
        device.uni_overflow = state.mac_table_uni_overflow
        device.alluni = state.alluni
        device.nomulti = state.nomulti
        device.nouni = state.nouni
        device.nobcast = state.nobcast
        device.has_ufo = state.has_ufo
        device.curr_queue_pairs = state.curr_queue_pairs or 0
        device.curr_guest_offloads = state.curr_guest_offloads or 0
        device.rss = state.rss

    @hookimpl
    def post_load(self, device: LiveNet) -> None:
        """What depends on features, which `load_device` could not know yet."""
        if not device.has_feature(CTRL_GUEST_OFFLOADS):
            device.curr_guest_offloads = device.guest_features & GUEST_OFFLOADS
        multicast = [mac[0] & 1 for mac in device.mac_table]
        device.first_multi = multicast.index(1) if 1 in multicast else len(multicast)
        device.vnet_hdr_len = vnet_hdr_len(device)
        device.announce = device.has_feature(GUEST_ANNOUNCE) and device.has_feature(CTRL_VQ)


def vnet_hdr_len(device: VirtioDevice) -> int:
    """Bytes of packet header in each buffer (virtio 1.3 section 5.1.6)."""
    if device.has_feature(VERSION_1):
        return 20 if device.has_feature(HASH_REPORT) else 12
    return 12 if device.has_feature(MRG_RXBUF) else 10


plugin = VirtioNet()
