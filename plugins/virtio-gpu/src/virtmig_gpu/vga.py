"""The section `virtio-vga`: the VGA side of a virtio-gpu with VGA compatibility."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from virtmig.api import (
    SectionDriver,
    array,
    be16,
    be32,
    boolean,
    hookimpl,
    raw,
    record,
    sbe32,
    struct,
    subsection,
    u8,
    wire,
)

VBE_REGISTERS = 10
VBE_XRES, VBE_YRES, VBE_BPP, VBE_ENABLE = 1, 2, 3, 4
"""Places in `vbe_regs` (QEMU: VBE_DISPI_INDEX_*)."""


@record("vga.endian")
class VgaEndian:
    """Byte order of the framebuffer; sent if it is not the default of the machine."""

    big_endian_fb: bool = wire(boolean, "pixels are big endian")


@record("vga")
class VgaCommon:
    """The registers of a VGA adapter (QEMU: hw/display/vga.c, vmstate_vga_common, version 2)."""

    latch: int = wire(be32, "what the last read of video memory left: a byte for each plane")
    sr_index: int = wire(u8, "sequencer: register that is selected")
    sr: bytes = wire(raw(8), "sequencer registers")
    gr_index: int = wire(u8, "graphics controller: register that is selected")
    gr: bytes = wire(raw(16), "graphics controller registers")
    ar_index: int = wire(u8, "attribute controller: register that is selected; bit 5: picture on")
    ar: bytes = wire(raw(21), "attribute controller registers; 0 to 15 are the palette")
    ar_flip_flop: int = wire(sbe32, "1: the next write to the attribute port is data")
    cr_index: int = wire(u8, "CRT controller: register that is selected")
    cr: bytes = wire(raw(256), "CRT controller registers")
    msr: int = wire(u8, "miscellaneous output register")
    fcr: int = wire(u8, "feature control register")
    st00: int = wire(u8, "input status register 0")
    st01: int = wire(u8, "input status register 1")
    dac_state: int = wire(u8, "colour lookup: 0 for writes, 3 for reads")
    dac_sub_index: int = wire(u8, "colour component that comes next: 0 red, 1 green, 2 blue")
    dac_read_index: int = wire(u8, "colour that is read next")
    dac_write_index: int = wire(u8, "colour that is written next")
    dac_cache: bytes = wire(raw(3), "components of a colour that is half written")
    palette: bytes = wire(raw(768), "256 colours: red, green and blue, of 6 or 8 bits")
    bank_offset: int = wire(sbe32, "where the window of the VGA area is in video memory, in bytes")
    is_vbe_vmstate: int = wire(u8.from_(1).upto(1), "1: the VBE registers follow")
    vbe_index: int = wire(be16, "Bochs VBE: register that is selected")
    vbe_regs: tuple[int, ...] = wire(
        array(be16, VBE_REGISTERS),
        "Bochs VBE: id, xres, yres, bpp, enable, bank, virtual width and height, x and y offset",
    )
    vbe_start_addr: int = wire(be32, "first visible pixel in video memory, in 4 bytes")
    vbe_line_offset: int = wire(be32, "bytes from row to row")
    vbe_bank_mask: int = wire(be32, "banks that there are, as a mask of bank numbers")
    endian: VgaEndian | None = wire(subsection(VgaEndian), "byte order of the framebuffer")


@record()
class VgaState:
    """A whole section (QEMU: hw/display/virtio-vga.c, vmstate_virtio_vga_base, version 2)."""

    vga: VgaCommon = wire(struct(VgaCommon), "the VGA adapter")


def vga_view(state: VgaState) -> Mapping[str, Any]:
    """The mode that the VGA side is in."""
    regs = state.vga.vbe_regs
    if not regs[VBE_ENABLE] & 1:
        return {"mode": "VGA"}
    return {"mode": f"VBE {regs[VBE_XRES]}x{regs[VBE_YRES]}, {regs[VBE_BPP]} bits per pixel"}


class VirtioVga:
    """The hook of `virtio-vga`."""

    @hookimpl
    def describe_driver(self) -> SectionDriver:
        return SectionDriver(
            name="virtio-vga", parent="virtio-gpu", version=2, state=VgaState, view=vga_view
        )


plugin = VirtioVga()
