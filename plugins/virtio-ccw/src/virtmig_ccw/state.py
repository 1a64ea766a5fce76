"""What a virtio-ccw device saves, declared field by field (s390x channel I/O)."""

from __future__ import annotations

from virtmig.api import (
    array,
    be16,
    be32,
    be64,
    boolean,
    raw,
    record,
    sbe32,
    struct,
    subsection,
    u8,
    unsafe,
    wire,
)

INDICATORS = unsafe("the guest waits for interrupts at just these places")


@record()
class Pmcw:
    """Path management control word (QEMU: hw/s390x/css.c, vmstate_schib)."""

    intparm: int = wire(be32, "interruption parameter")
    flags: int = wire(be16, "enable, interruption subclass, limit and measurement modes")
    devno: int = wire(be16, "device number")
    lpm: int = wire(u8, "logical path mask")
    pnom: int = wire(u8, "path not operational mask")
    lpum: int = wire(u8, "last path used mask")
    pim: int = wire(u8, "path installed mask")
    mbi: int = wire(be16, "measurement block index")
    pom: int = wire(u8, "path operational mask")
    pam: int = wire(u8, "path available mask")
    chpid: bytes = wire(raw(8), "channel path ids")
    chars: int = wire(be32, "concurrent sense and measurement format")


@record()
class Scsw:
    """Subchannel status word."""

    flags: int = wire(be16, "key, format and condition code bits")
    ctrl: int = wire(be16, "function, activity and status control")
    cpa: int = wire(be32, "channel program address")
    dstat: int = wire(u8, "device status")
    cstat: int = wire(u8, "subchannel status")
    count: int = wire(be16, "residual count, in bytes")


@record()
class Schib:
    """Subchannel information block."""

    pmcw: Pmcw = wire(struct(Pmcw), "path management control word")
    scsw: Scsw = wire(struct(Scsw), "subchannel status word")
    mba: int = wire(be64, "measurement block address")
    mda: bytes = wire(raw(4), "model dependent area")


@record()
class Ccw1:
    """Channel command word, format 1."""

    cmd_code: int = wire(u8, "command code")
    flags: int = wire(u8, "chaining and control flags")
    count: int = wire(be16, "bytes to transfer")
    cda: int = wire(be32, "data address")


@record()
class Ciw:
    """Command information word of a sense id response."""

    type: int = wire(u8, "type of command")
    command: int = wire(u8, "command code")
    count: int = wire(be16, "bytes to transfer")


@record()
class SenseId:
    """Response to a sense id command."""

    reserved: int = wire(u8, "0xff")
    cu_type: int = wire(be16, "control unit type; 0x3832 for virtio")
    cu_model: int = wire(u8, "control unit model: the virtio device id")
    dev_type: int = wire(be16, "device type")
    dev_model: int = wire(u8, "device model")
    unused: int = wire(u8, "padding")
    ciw: tuple[Ciw, ...] = wire(array(Ciw, 62), "command information words; zero for virtio")


@record("s390_subch_dev/orb")
class Orb:
    """Operation request block of the last start subchannel (machine types from 2.10 on)."""

    intparm: int = wire(be32, "interruption parameter")
    ctrl0: int = wire(be16, "key and format flags")
    lpm: int = wire(u8, "logical path mask")
    ctrl1: int = wire(u8, "extension flags")
    cpa: int = wire(be32, "channel program address")


@record("s390_subch_dev")
class Subchannel:
    """The proxy device (QEMU: hw/s390x/css.c, vmstate_subch_dev)."""

    cssid: int = wire(u8, "channel subsystem id")
    ssid: int = wire(u8, "subchannel set id")
    schid: int = wire(be16, "subchannel number; the target moves the device to it")
    devno: int = wire(be16, "device number")
    thinint_active: bool = wire(boolean, "adapter interrupts are in use")
    curr_status: Schib = wire(struct(Schib), "subchannel information block")
    sense_data: bytes = wire(raw(32), "sense bytes of the last unit check")
    channel_prog: int = wire(be64, "address of the current channel command word")
    last_cmd: Ccw1 = wire(struct(Ccw1), "last channel command")
    last_cmd_valid: bool = wire(boolean, "whether `last_cmd` means anything")
    id: SenseId = wire(struct(SenseId), "sense id data")
    ccw_fmt_1: bool = wire(boolean, "the channel program uses format 1")
    ccw_no_data_cnt: int = wire(u8, "commands in a row without data, against endless chains")
    orb: Orb | None = wire(subsection(Orb), "operation request block")


@record()
class IndicatorAddress:
    """Where the guest wants to see an interrupt (QEMU: hw/s390x/css.c, vmstate_ind_addr)."""

    len: int = wire(sbe32, "bytes: 0 not set, 8 classic, 1 adapter")
    addr: int = wire(be64, "guest physical address")


@record("s390_adapter_info/summary_offset")
class SummaryOffset:
    """Offset of the summary indicator (machine types from 2.10 on)."""

    summary_offset: int = wire(be32, "bit offset of the summary indicator")


@record("s390_adapter_info")
class AdapterInfo:
    """Adapter interrupt route (QEMU: hw/s390x/virtio-ccw.c, vmstate of routes.adapter)."""

    ind_offset: int = wire(be64, "bit offset of this device in the indicator area")
    summary_offset: SummaryOffset | None = wire(
        subsection(SummaryOffset), "of the summary indicator"
    )


@record()
class CcwProxy:
    """The whole ccw device (QEMU: hw/s390x/virtio-ccw.c, vmstate_virtio_ccw_dev)."""

    sch: Subchannel = wire(
        struct(Subchannel),
        "subchannel",
        edit=unsafe("the guest drives the device by this subchannel and its numbers"),
    )
    indicators: IndicatorAddress = wire(
        struct(IndicatorAddress), "queue indicators", edit=INDICATORS
    )
    indicators2: IndicatorAddress = wire(
        struct(IndicatorAddress), "configuration change indicators", edit=INDICATORS
    )
    summary_indicator: IndicatorAddress = wire(
        struct(IndicatorAddress), "summary indicator of adapter interrupts", edit=INDICATORS
    )
    config_vector: int = wire(be16, "1024 once a driver set up a queue; 0xffff after a reset")
    adapter: AdapterInfo = wire(struct(AdapterInfo), "adapter interrupt route", edit=INDICATORS)
    thinint_isc: int = wire(u8, "interruption subclass of adapter interrupts")
    revision: int = wire(sbe32, "virtio-ccw revision: -1 not set, 0 legacy, 1 and 2 modern")


@record()
class CcwQueue:
    """What the transport adds to each queue (QEMU: virtio_ccw_save_queue)."""

    vector: int = wire(be16, "the queue's own index once set up; 0xffff: none", edit=INDICATORS)
