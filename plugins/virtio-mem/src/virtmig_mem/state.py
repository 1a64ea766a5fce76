"""What virtio-mem saves of its own: which blocks of its region are plugged."""

from __future__ import annotations

from virtmig.api import (
    OpenFact,
    Scope,
    Seen,
    be32,
    be64,
    buffer,
    conditional,
    depends_on,
    if_fact,
    record,
    unsafe,
    wire,
)

EARLY_MIGRATION = OpenFact(
    "early_migration",
    (True, False),
    "whether what does not change during a migration is in the section virtio-mem-device-early "
    "(QEMU: property x-early-migration, on from machine type 8.0)",
    exclusive=True,
)
LATE = if_fact(EARLY_MIGRATION.name, equals=False, text="without early migration")
WORD = 64
REGION = unsafe("QEMU compares it with the target's device and refuses", always=True)
PLUGGED = unsafe("the guest would lose memory that it uses, or use what it has not plugged")
WISH = conditional("the guest follows it when it reads its config space the next time")


def bitmap_bytes(region_size: int, block_size: int) -> int:
    """Bytes of a bitmap with a bit for each block: whole be64 words."""
    blocks = region_size // block_size
    return (blocks + WORD - 1) // WORD * 8


@depends_on("region_size", "block_size")
def bitmap_length(_: Scope, seen: Seen) -> int:
    """8 * ceil(region_size / block_size / 64)"""
    return bitmap_bytes(seen["region_size"] or 0, seen["block_size"] or 1)


@record()
class MemState:
    """The device part (QEMU: hw/virtio/virtio-mem.c, vmstate_virtio_mem_device)."""

    addr: int | None = wire(be64, "guest physical address of the region", when=LATE, edit=REGION)
    region_size: int | None = wire(be64, "size of the region in bytes", when=LATE, edit=REGION)
    block_size: int | None = wire(
        be64.from_(1), "bytes that are plugged or unplugged at once", when=LATE, edit=REGION
    )
    node: int | None = wire(be32, "NUMA node", when=LATE, edit=REGION)
    usable_region_size: int = wire(
        be64, "bytes of the region that the driver may plug now", edit=WISH
    )
    size: int | None = wire(be64, "bytes that are plugged", when=LATE, edit=PLUGGED)
    requested_size: int = wire(be64, "bytes that the user wants plugged", edit=WISH)
    bitmap: bytes | None = wire(
        buffer(bitmap_length),
        "plugged blocks: bit n % 64 of be64 word n / 64",
        when=LATE,
        edit=PLUGGED,
    )
