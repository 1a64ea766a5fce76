"""What a live virtio-mem refuses, and how its bitmap is told."""

from __future__ import annotations

import attrs
import pytest

from virtmig.api import DeviceMismatch
from virtmig_mem.early import EarlyState, early_view
from virtmig_mem.live import LiveMem, mem_view, plugin
from virtmig_mem.plugged import SHOWN, plugged_ranges
from virtmig_mem.state import MemState, bitmap_bytes

MIB = 1 << 20
EARLY = MemState(
    addr=None,
    region_size=None,
    block_size=None,
    node=None,
    usable_region_size=64 * MIB,
    size=None,
    requested_size=0,
    bitmap=None,
)
LATE = MemState(
    addr=1 << 32,
    region_size=128 * MIB,
    block_size=2 * MIB,
    node=0,
    usable_region_size=64 * MIB,
    size=2 * MIB,
    requested_size=2 * MIB,
    bitmap=bytes(7) + b"\4",
)


def device_for(state: MemState) -> LiveMem:
    return LiveMem(
        addr=state.addr, region_size=state.region_size, block_size=state.block_size, node=state.node
    )


@pytest.mark.parametrize("state", [EARLY, LATE])
def test_a_device_takes_the_state_of_its_like(state: MemState) -> None:
    device = device_for(state)
    plugin.load_device(device, state)
    assert plugin.save_device(device) == state


@pytest.mark.parametrize("name", ["addr", "region_size", "block_size", "node"])
def test_a_device_refuses_the_state_of_another(name: str) -> None:
    device = device_for(attrs.evolve(LATE, **{name: 7}))
    with pytest.raises(DeviceMismatch, match=r"in the stream, 0x7 on this device") as refused:
        plugin.load_device(device, LATE)
    assert refused.value.where.path == f"device.{name}"


def test_early_and_late_devices_do_not_mix() -> None:
    with pytest.raises(DeviceMismatch, match=r"0x100000000 in the stream, nothing on this device"):
        plugin.load_device(device_for(EARLY), LATE)
    with pytest.raises(DeviceMismatch, match=r"nothing in the stream"):
        plugin.load_device(device_for(LATE), EARLY)


@pytest.mark.parametrize(("blocks", "size"), [(0, 0), (1, 8), (64, 8), (65, 16), (256, 32)])
def test_a_bitmap_has_whole_words(blocks: int, size: int) -> None:
    assert bitmap_bytes(blocks * MIB + 1, MIB) == size


@pytest.mark.parametrize(
    ("blocks", "text"),
    [
        ([], []),
        ([0], ["0"]),
        ([2, 3, 4, 9], ["2-4", "9"]),
        ([*range(62, 67), 127], ["62-66", "127"]),
        (list(range(128)), ["0-127"]),
    ],
)
def test_plugged_blocks_are_told_as_ranges(blocks: list[int], text: list[str]) -> None:
    words = [
        sum(1 << (block - base) for block in blocks if 0 <= block - base < 64) for base in (0, 64)
    ]
    assert plugged_ranges(b"".join(word.to_bytes(8, "big") for word in words)) == text


def test_a_summary_stops_at_some_length() -> None:
    told = plugged_ranges(b"\x55" * 64)
    assert len(told) == SHOWN + 1
    assert told[-1] == "..."


def test_summaries_say_where_the_bitmap_is() -> None:
    assert mem_view(LATE) == {"plugged": ["2"]}
    assert "virtio-mem-device-early" in mem_view(EARLY)["plugged"]
    early = EarlyState(addr=0, region_size=MIB, block_size=MIB, node=0, size=MIB, bitmap=bytes(8))
    assert early_view(early) == {"plugged": []}
