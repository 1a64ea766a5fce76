"""Machines whose SCSI controller or serial ports have something under way, as data."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from tests.qemu.case import SPREAD, VERSIONS
from tests.qemu.device_case import DISK, dev
from tests.qemu.device_case import plain as _case
from tests.qemu.devices import BURST_START, BURST_STEP

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.qemu.device_case import DeviceCase
    from tests.qemu.devices import Args


def request_cases(bus: str) -> Iterator[DeviceCase]:
    """Make them for one bus; the caller names arch and machine."""
    yield from _scsi(bus)
    yield from _serial(bus)


def _scsi(bus: str) -> Iterator[DeviceCase]:
    hd = ("-drive", DISK, *dev("scsi-hd", "drive=d0"))
    scsi = dev(f"virtio-scsi-{bus}", "id=scsi0")
    yield replace(_case("scsi", "virtio-scsi", (*scsi, *hd)), twin=True)
    cd = ("-drive", "file=disk1.img,if=none,id=d1,format=raw,media=cdrom,read-only=on")
    devices = (*scsi, *cd, *dev("scsi-cd", "drive=d1"), *dev("scsi-cd"))
    yield _case("scsi-cd", "virtio-scsi", devices)
    queues = dev(f"virtio-scsi-{bus}", "id=scsi0", "num_queues=4")
    yield replace(_case("scsi4", "virtio-scsi", (*queues, *hd)), cpus=4, twin=True, versions=SPREAD)
    for kind in ("read", "write", "flush", "discard"):
        for packed in ("off", "on"):
            for cpus in (1, 4):
                if kind not in ("read", "write") and cpus == 4:
                    continue
                words = [f"scsi-{kind}", *(["four"] if cpus == 4 else [])]
                words += ["packed"] if packed == "on" else []
                case = _case("-".join(words), "virtio-scsi", _failing_scsi(bus, kind, cpus, packed))
                case = replace(case, until="io-error", guest=f"lab_scsi={kind}", cpus=cpus)
                yield replace(case, versions=VERSIONS if packed == "off" else SPREAD)


def _failing_scsi(bus: str, kind: str, cpus: int, packed: str) -> Args:
    """Describe a SCSI disk whose requests fail where the burst of the guest works.

    As with `devices.failing_blk`, but the first flush fails wherever it comes from; a
    second must not, because QEMU flushes too when it stops.
    """
    rules = []
    area = range(BURST_START, BURST_START + cpus * BURST_STEP, 1024)
    if kind == "flush":
        rules = [
            "file.inject-error.0.event=none,file.inject-error.0.iotype=flush,file.inject-error.0.once=on"
        ]
    else:
        for number, sector in enumerate(area):
            rule = f"file.inject-error.{number}"
            rules.append(f"{rule}.event=none,{rule}.iotype={kind},{rule}.sector={sector}")
    throttle = ["throttling.bps-total=4194304"] if cpus > 1 else []
    image = "driver=raw,file.driver=blkdebug,file.image.driver=file,file.image.filename=disk0.img"
    return (
        *dev(f"virtio-scsi-{bus}", "id=scsi0", f"num_queues={cpus}", f"packed={packed}"),
        *("-drive", ",".join([image, "if=none,id=d0,discard=unmap", *throttle, *rules])),
        *dev("scsi-hd", "drive=d0", "rerror=stop", "werror=stop"),
    )


def _serial(bus: str) -> Iterator[DeviceCase]:
    ports = (
        *dev(f"virtio-serial-{bus}", "id=serial0"),
        *("-chardev", "null,id=c0", "-chardev", "socket,id=c1,path=port1,server=on,wait=off"),
        *("-chardev", "pipe,id=c2,path=fifo0"),
        *dev("virtconsole", "chardev=c0", "nr=0"),
        *dev("virtserialport", "chardev=c1", "name=one", "nr=1"),
        *dev("virtserialport", "chardev=c2", "name=two", "nr=2"),
    )
    # nobody reads the pipe, so that of the last buffer one part is written and one is not
    case = replace(_case("serial", "virtio-serial", ports), guest="lab_dev=flood")
    yield replace(case, twin=True)
    yield replace(case, name="serial-closed", guest="", versions=SPREAD)
    yield replace(case, name="serial-open", guest="lab_dev=open", versions=SPREAD)
    numbers = (1, 5, 31, 32, 40, 63)
    many = (
        *dev(f"virtio-serial-{bus}", "id=serial0", "max_ports=64"),
        *("-chardev", "null,id=c0", "-chardev", "pipe,id=c2,path=fifo0"),
        *("-chardev", "pipe,id=c3,path=fifo1"),
        *dev("virtconsole", "chardev=c0", "nr=0"),
        *dev("virtserialport", "chardev=c2", "name=port33", "nr=33"),
        *dev("virtserialport", "chardev=c3", "name=port2", "nr=2"),
        *(word for nr in numbers for word in dev("virtserialport", f"name=port{nr}", f"nr={nr}")),
    )
    case = replace(_case("serial-many", "virtio-serial", many), guest="lab_dev=flood")
    yield replace(case, twin=True)
    console = (
        *dev(f"virtio-serial-{bus}", "id=serial0"),
        *("-chardev", "pipe,id=c0,path=fifo0", *dev("virtconsole", "chardev=c0")),
    )
    case = _case("console-flood", "virtio-serial", console)
    yield replace(case, guest="lab_dev=console", versions=SPREAD)
    flooded = (
        *dev(f"virtio-serial-{bus}", "id=serial0", "packed=on"),
        *("-chardev", "pipe,id=c2,path=fifo0", *dev("virtserialport", "chardev=c2", "name=two")),
    )
    case = _case("serial-flood-packed", "virtio-serial", flooded)
    yield replace(case, guest="lab_dev=flood", versions=SPREAD)
