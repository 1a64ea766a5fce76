"""The live virtio-net device and its hooks."""

from __future__ import annotations

import attrs

from virtmig.api import (
    DefaultChange,
    DeviceDriver,
    DeviceMismatch,
    RingSize,
    VirtioDevice,
    VirtioState,
    collect,
    hookimpl,
    restore,
)
from virtmig_net.defects import LOST_VLANS, QUEUE_COUNT
from virtmig_net.features import (
    CONFIG_SPACE,
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
    """A network device. Its state has the names of `NetState`, but for the following.

    link_status: NetState.status, for `status` is the device status register. first_multi: index
    of the first multicast entry of the MAC table. vnet_hdr_len: bytes in front of each packet.
    announce: the driver is to announce itself. The last three are derived after a load.
    has_vnet_hdr, has_ufo and max_queue_pairs are properties of the backend; max_queue_pairs is
    None for a device that was created with one pair, and then saves nothing of pairs.
    """

    max_queue_pairs: int | None = None
    has_vnet_hdr: int = 0
    has_ufo: int = 0
    mac: bytes = bytes(6)
    tx_waiting: int = 0
    tx_waiting_more: tuple[int, ...] | None = None
    mergeable_rx_bufs: int = 0
    link_status: int = LINK_UP
    promisc: int = 1
    allmulti: int = 0
    mac_table_macs: tuple[bytes, ...] = ()
    mac_table_multi_overflow: int = 0
    mac_table_uni_overflow: int = 0
    vlans: frozenset[int] = frozenset()
    alluni: int = 0
    nomulti: int = 0
    nouni: int = 0
    nobcast: int = 0
    curr_queue_pairs: int | None = None
    curr_guest_offloads: int = 0
    rss: Rss | None = None
    first_multi: int = 0
    vnet_hdr_len: int = 0
    announce: bool = False

    def check(self, state: NetState) -> None:
        """Refuse the state of a device or backend of another kind."""
        theirs, ours = state.max_queue_pairs or 1, self.max_queue_pairs or 1
        if theirs != ours:
            text = f"{theirs} queue pairs in the stream, {ours} on this device"
            raise DeviceMismatch(text, path="device.max_queue_pairs")
        if (state.curr_queue_pairs or 0) > theirs:
            text = f"{state.curr_queue_pairs} queue pairs in use, {theirs} in all"
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
            control_queue="controlq",
            ring_sizes={
                "receiveq": RingSize(256, "rx_queue_size"),
                "transmitq": RingSize(256, "tx_queue_size"),
                "controlq": RingSize(64),
            },
            defaults=(
                DefaultChange(
                    option="vectors", since="6.0", before="3", after="4", transport="virtio-pci"
                ),
            ),
            features=FEATURES,
            config_space=CONFIG_SPACE,
            facts=(MULTIQUEUE,),
            defects=(LOST_VLANS, QUEUE_COUNT),
        )

    @hookimpl
    def create_device(self, state: VirtioState) -> LiveNet:
        net: NetState = state.device
        return LiveNet(
            max_queue_pairs=net.max_queue_pairs,
            has_vnet_hdr=net.has_vnet_hdr,
            has_ufo=net.has_ufo,
        )

    @hookimpl
    def save_device(self, device: LiveNet) -> NetState:
        offloads = device.has_feature(CTRL_GUEST_OFFLOADS)
        return collect(
            NetState,
            device,
            status=device.link_status,
            mac_table_in_use=len(device.mac_table_macs),
            curr_guest_offloads=device.curr_guest_offloads if offloads else None,
        )

    @hookimpl
    def load_device(self, device: LiveNet, state: NetState) -> None:
        device.check(state)
        restore(device, state, "status", "mac_table_in_use", "curr_guest_offloads")
        device.link_status = state.status
        device.curr_guest_offloads = state.curr_guest_offloads or 0

    @hookimpl
    def post_load(self, device: LiveNet) -> None:
        """What depends on features, which `load_device` could not know yet."""
        if not device.has_feature(CTRL_GUEST_OFFLOADS):
            device.curr_guest_offloads = device.guest_features & GUEST_OFFLOADS
        multicast = [mac[0] & 1 for mac in device.mac_table_macs]
        device.first_multi = multicast.index(1) if 1 in multicast else len(multicast)
        device.vnet_hdr_len = vnet_hdr_len(device)
        device.announce = device.has_feature(GUEST_ANNOUNCE) and device.has_feature(CTRL_VQ)


def vnet_hdr_len(device: VirtioDevice) -> int:
    """Bytes of packet header in each buffer (virtio 1.3 section 5.1.6)."""
    if device.has_feature(VERSION_1):
        return 20 if device.has_feature(HASH_REPORT) else 12
    return 12 if device.has_feature(MRG_RXBUF) else 10


plugin = VirtioNet()
