"""Guest physical addresses: where each machine has its RAM, and why it may not be readable."""

from __future__ import annotations

from collections.abc import Callable

import attrs
import pytest

from tests.core.stream.building import (
    PAGE,
    Device,
    Recipe,
    noise,
    page_item,
    zero_item,
)
from virtmig.errors import GuestMemoryError
from virtmig.guest.memory import GuestMemory, guest_memory
from virtmig.stream.opening import Stream

GIB = 1 << 30
BELOW = {
    ("pc-q35-10.0", 0xB0000000 - PAGE): 0xB0000000 - PAGE,
    ("pc-q35-10.0", 0xB0000000): 2 * GIB,
    ("pc-q35-8.1+pve0", 3 * GIB): 2 * GIB,
    ("pc-i440fx-7.2", 0xE0000000 - PAGE): 0xE0000000 - PAGE,
    ("pc-i440fx-7.2", 0xE0000000): 3 * GIB,
    ("pc-1.3", 4 * GIB): 3 * GIB,
    ("microvm", 0xC0000000 - PAGE): 0xC0000000 - PAGE,
    ("microvm", 0xC0000000): 3 * GIB,
}
"""Bytes of RAM below 4 GiB, by machine and all RAM."""


def memory_of(recipe: Recipe, **facts: int) -> GuestMemory:
    return guest_memory(Stream.from_bytes(recipe.build()), **facts)


def sized(machine: str, size: int, *pages: int, block: str = "pc.ram") -> Recipe:
    """A machine of that much RAM, with noise in some pages of the block."""
    items = [page_item(block, page, noise(page), named=True) for page in pages]
    return Recipe(machine=machine, blocks={block: size}, items=tuple(items))


@pytest.mark.parametrize(("machine", "size"), BELOW)
def test_ram_below_the_hole_is_where_it_is_in_the_block(machine: str, size: int):
    low = BELOW[machine, size]
    last = low // PAGE - 1
    memory = memory_of(sized(machine, size, 0, last))
    assert memory.read(8, 16) == noise(0)[8:24]
    assert memory.read(low - 4, 4) == noise(last)[-4:]


@pytest.mark.parametrize(("machine", "size"), BELOW)
def test_ram_above_the_hole_begins_at_4_gib(machine: str, size: int):
    low = BELOW[machine, size]
    memory = memory_of(sized(machine, size, low // PAGE))
    if low == size:
        with pytest.raises(GuestMemoryError):
            memory.read(4 * GIB, 1)
    else:
        assert memory.read(4 * GIB + 1, 9) == noise(low // PAGE)[1:10]


@pytest.mark.parametrize(("machine", "size"), BELOW)
def test_the_hole_and_its_edges_are_not_ram(machine: str, size: int):
    low = BELOW[machine, size]
    memory = memory_of(sized(machine, size, 0))
    top = 4 * GIB + size - low
    for address, count in ((low, 1), (low - 1, 2), (4 * GIB - 1, 1), (4 * GIB - 1, 2), (top, 1)):
        with pytest.raises(GuestMemoryError, match="not all in guest RAM"):
            memory.read(address, count)


def test_s390x_has_all_ram_at_its_own_offset():
    size = 6 * GIB
    recipe = sized("s390-ccw-virtio-10.0", size, 5 * GIB // PAGE, block="s390.ram")
    assert memory_of(recipe).read(5 * GIB, 4) == noise(5 * GIB // PAGE)[:4]


@pytest.mark.parametrize("block", ["mach-virt.ram", "m0"])
def test_arm_virt_has_all_ram_from_1_gib_on(block: str):
    size = 6 * GIB
    blocks = {block: size, "virt.flash0": PAGE, "/rom@etc/acpi/tables": PAGE}
    recipe = attrs.evolve(
        sized("virt-10.0", size, 0, 5 * GIB // PAGE, block=block),
        blocks=blocks,
        devices=(Device("arm_gicv3", b"x"),),
    )
    memory = memory_of(recipe)
    assert memory.block == block
    assert memory.read(GIB, 4) == noise(0)[:4]
    assert memory.read(6 * GIB, 4) == noise(5 * GIB // PAGE)[:4]
    for address in (0, GIB - 1, 7 * GIB):
        with pytest.raises(GuestMemoryError, match="not all in guest RAM"):
            memory.read(address, 1)


def test_a_virt_machine_of_another_cpu_is_not_taken_for_one_of_arm():
    memory = memory_of(sized("virt-10.0", GIB, 0, block="m68k_virt.ram"))
    assert "'virt-10.0' has its RAM is not known" in memory.why_not


def test_a_lower_limit_can_be_told():
    recipe = sized("pc-q35-10.0", 2 * GIB, GIB // PAGE)
    memory = memory_of(recipe, below_4g=GIB)
    assert memory.read(4 * GIB, 4) == noise(GIB // PAGE)[:4]
    with pytest.raises(GuestMemoryError):
        memory.read(GIB, 4)


@pytest.mark.parametrize(("chip", "low"), [("0000:00:00.0/I440FX", 3 * GIB), ("x/mch", 2 * GIB)])
def test_a_machine_without_a_name_is_known_by_its_chipset(chip: str, low: int):
    recipe = attrs.evolve(
        sized("", 4 * GIB, low // PAGE), footers=False, devices=(Device(chip, b"x"),)
    )
    assert memory_of(recipe).read(4 * GIB, 4) == noise(low // PAGE)[:4]


def test_a_memory_backend_is_main_ram_whatever_its_name():
    blocks = {"m0": 64 * PAGE, "0000:00:01.0/vga.vram": 8192 * PAGE, "/rom@etc/acpi/tables": PAGE}
    items = (page_item("m0", 3, noise(3), named=True),)
    memory = memory_of(Recipe(blocks=blocks, items=items))
    assert memory.block == "m0"
    assert memory.read(3 * PAGE, 5) == noise(3)[:5]


def test_hot_plugged_memory_does_not_hide_main_ram():
    memory = memory_of(Recipe(blocks={"dimm0": 900 * PAGE, "pc.ram": 64 * PAGE}, items=()))
    assert memory.block == "pc.ram"


ANYTHING = (zero_item("0000:00:01.0/vga.vram", 0, named=True),)
UNREADABLE: dict[str, tuple[Callable[[], Recipe], str]] = {
    "an unknown machine": (lambda: Recipe(machine="virt-9.0"), "virt-9.0"),
    "no machine and no chipset": (lambda: Recipe(machine="", footers=False), "without a name"),
    "two backends": (
        lambda: Recipe(blocks={"m0": PAGE, "m1": PAGE}, items=()),
        "m0, m1 may be main RAM",
    ),
    "no main block": (
        lambda: Recipe(blocks={"0000:00:01.0/vga.vram": PAGE}, items=()),
        "no block of main RAM",
    ),
    "shared memory left out": (
        lambda: Recipe(capabilities=("x-ignore-shared",), items=ANYTHING),
        "left out the shared RAM block 'pc.ram'",
    ),
    "damaged RAM": (lambda: Recipe(items=(zero_item("pc.ram", 0),)), "none came before"),
}


@pytest.mark.parametrize(("recipe", "reason"), UNREADABLE.values(), ids=UNREADABLE)
def test_memory_that_cannot_be_read_says_why(recipe: Callable[[], Recipe], reason: str):
    memory = memory_of(recipe())
    assert not memory.available
    assert reason in memory.why_not
    with pytest.raises(GuestMemoryError, match="no guest memory"):
        memory.read(0, 1)


def test_memory_that_can_be_read_has_no_reason_why_not():
    memory = memory_of(Recipe())
    assert memory.available
    assert memory.why_not == ""


@pytest.mark.parametrize(("address", "size"), [(-1, 2), (0, -1), (1 << 64, 1), (0, 1 << 70)])
def test_an_address_or_size_that_cannot_be_is_refused(address: int, size: int):
    with pytest.raises(GuestMemoryError):
        memory_of(Recipe()).read(address, size)
