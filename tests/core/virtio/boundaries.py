"""Where a section may end early and still be whole: found in the bytes, without a decoder.

A subsection is optional and has no count in front of it, so a section cut in front of one is
what an older QEMU, or a device without that state, would have written.
"""

from __future__ import annotations

from tests.core.material import facts_of, is_pci, state_of
from tests.golden import Golden

CORE = (
    "virtio/device_endian",
    "virtio/128bit_features",
    "virtio/64bit_features",
    "virtio/virtqueues",
    "virtio/ringsize",
    "virtio/broken",
    "virtio/extra_state",
    "virtio/started",
    "virtio/packed_virtqueues",
    "virtio/disabled",
)
INSIDE = (
    "virtio_pci/modern_state",
    "virtio_pci/modern_state/features128",
    "virtio-net-device/rss",
)
CTRL_GUEST_OFFLOADS = 2


def header(name: str, version: int = 1) -> bytes:
    """The bytes that open a subsection."""
    return bytes([5, len(name)]) + name.encode() + version.to_bytes(4, "big")


def headers(golden: Golden) -> dict[str, int]:
    """Offset of each subsection that may end a section, by its name."""
    found: dict[str, int] = {}
    for name in (*CORE, *INSIDE):
        for version in (1, 2):
            at = golden.payload.find(header(name, version))
            if at >= 0:
                found[name] = at
    return found


def whole_prefixes(golden: Golden) -> set[int]:
    """Lengths to which the payload can be cut and still be a section of some device."""
    cuts = set(headers(golden).values())
    if facts_of(golden).get("multiqueue"):
        cuts.add(single_queue_end(golden))
    return cuts


def single_queue_end(golden: Golden) -> int:
    """Where a device with one queue pair would have ended its part, with the same bytes so far.

    It has no pair counts, and takes what are ours for its own last field, if it has that field.
    """
    after_ufo = device_start(golden) + 6 + 4 + 4 + 2 + 1 + 1 + 4
    after_ufo += 6 * state_of(golden).device.mac_table_in_use + 512 + 4 + 6 + 1
    offloads = state_of(golden).common.guest_features_lo >> CTRL_GUEST_OFFLOADS & 1
    return after_ufo + (8 if offloads else 0)


def device_start(golden: Golden) -> int:
    """Where the device part starts: behind proxy, common fields and queues."""
    common = proxy_size(golden) + 1 + 1 + 2 + 4
    config_len = int.from_bytes(golden.payload[common : common + 4], "big")
    queues = common + 4 + config_len
    nq = int.from_bytes(golden.payload[queues : queues + 4], "big")
    return queues + 4 + nq * (4 + 8 + 2 + (2 if has_vectors(golden) else 0))


def has_vectors(golden: Golden) -> bool:
    """Whether each queue has an interrupt vector: with MSI-X, and always on s390x."""
    return not is_pci(golden) or "vectors=0" not in golden.command


def proxy_size(golden: Golden) -> int:
    """Bytes of the transport's part."""
    if not is_pci(golden):
        optional = ("s390_subch_dev/orb", "s390_adapter_info/summary_offset")
        return 495 if header(optional[0]) in golden.payload[:495] else 495 - 36 - 42
    size = 4096 if facts_of(golden)["pci_config_size"] == 4096 else 256
    if not has_vectors(golden):
        return 4 + size + 16
    space = golden.payload[4 : 4 + size]
    at = space[0x34]
    while space[at] != 0x11:
        at = space[at + 1]
    vectors = (int.from_bytes(space[at + 2 : at + 4], "little") & 0x7FF) + 1
    return 4 + size + 16 + 16 * vectors + -(-vectors // 8) + 2
