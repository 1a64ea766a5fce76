"""Everything a plugin imports. What `__all__` lists is the compatibility promise."""

from virtmig.errors import (
    ContractBroken,
    DeviceMismatch,
    FeatureRefused,
    IndexMismatch,
    LoadRefused,
    NotYetLoaded,
    OutOfRange,
    VirtmigError,
)
from virtmig.hooks.hookspecs import hookimpl
from virtmig.live.device import Transport, VirtioDevice, VirtQueue
from virtmig.live.transfer import collect, restore
from virtmig.virtio.common import NO_VECTOR, QUEUE_MAX
from virtmig.virtio.drivers import DeviceDriver, Driver, SectionDriver, TransportDriver
from virtmig.virtio.element import IoVec, VirtQueueElement
from virtmig.virtio.facts import OpenFact
from virtmig.virtio.state import SectionState, VirtioState
from virtmig.wire.codec import decode, encode
from virtmig.wire.compound import (
    array,
    bitmap,
    buffer,
    header_version,
    keyed,
    marked,
    struct,
    subsection,
    table,
    tree,
)
from virtmig.wire.counted import depends_on
from virtmig.wire.record import evolve, record, wire
from virtmig.wire.scope import Condition, Scope, Seen, if_fact, if_feature, if_set, since
from virtmig.wire.types import (
    WireType,
    be16,
    be32,
    be64,
    boolean,
    le16,
    le32,
    low_high,
    mac_address,
    native32,
    native64,
    raw,
    s8,
    sbe32,
    u8,
)

__all__ = [
    "NO_VECTOR",
    "QUEUE_MAX",
    "Condition",
    "ContractBroken",
    "DeviceDriver",
    "DeviceMismatch",
    "Driver",
    "FeatureRefused",
    "IndexMismatch",
    "IoVec",
    "LoadRefused",
    "NotYetLoaded",
    "OpenFact",
    "OutOfRange",
    "Scope",
    "SectionDriver",
    "SectionState",
    "Seen",
    "Transport",
    "TransportDriver",
    "VirtQueue",
    "VirtQueueElement",
    "VirtioDevice",
    "VirtioState",
    "VirtmigError",
    "WireType",
    "array",
    "be16",
    "be32",
    "be64",
    "bitmap",
    "boolean",
    "buffer",
    "collect",
    "decode",
    "depends_on",
    "encode",
    "evolve",
    "header_version",
    "hookimpl",
    "if_fact",
    "if_feature",
    "if_set",
    "keyed",
    "le16",
    "le32",
    "low_high",
    "mac_address",
    "marked",
    "native32",
    "native64",
    "raw",
    "record",
    "restore",
    "s8",
    "sbe32",
    "since",
    "struct",
    "subsection",
    "table",
    "tree",
    "u8",
    "wire",
]
