"""Machines with devices served by another program, vhost-user: which start, which QEMU saves."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from tests.qemu.device_case import NEWER, Backend, DeviceCase, dev

if TYPE_CHECKING:
    from collections.abc import Iterator

# Such a program reads the guest's memory.
SHARED = ("-object", "memory-backend-memfd,id=ram,size={size}M,share=on")
# device, its properties
DEVICES = {
    "fs": "tag=shared",
    "vsock": "",
    "input": "",
    "gpio": "",
    "i2c": "",
    "rng": "",
    "scsi": "",
    "snd": "",
    "scmi": "",
    "spi": "",
    "rtc": "",
    "blk": "",
}


def vhost_cases(bus: str) -> Iterator[DeviceCase]:
    """Make each device unstarted, and the ones QEMU saves also under a driver."""
    if bus == "ccw":
        devices = dev("vhost-user-fs-ccw", "chardev=vu0", "tag=shared")
        yield _case("fs", devices, "fs", driven=False)
        yield _case("fs-driven", devices, "fs", driven=True)
        return
    for name, props in DEVICES.items():
        yield _case(name, dev(f"vhost-user-{name}-pci", "chardev=vu0", props), name, driven=False)
    for name in ("fs", "scsi"):
        devices = dev(f"vhost-user-{name}-pci", "chardev=vu0", DEVICES[name])
        case = _case(f"{name}-driven", devices, name, driven=True)
        # the driver of a SCSI controller waits for ever for the answer to its first request
        yield replace(case, wait="", settle=20.0) if name == "scsi" else case
    card = dev("virtio-net-pci", "id=net0", "netdev=n0")
    net = ("-netdev", "vhost-user,id=n0,chardev=vu0", *card)
    yield _case("net", net, "net", driven=False)
    yield replace(_case("net-driven", net, "net", driven=True), versions=NEWER)
    # with interrupt vectors a driver's coming ends QEMU 5.2 and 7.2: a fault without words
    unmasked = (*net[:-1], f"{net[-1]},vectors=0")
    case = _case("net-driven-novectors", unmasked, "net", driven=True)
    yield replace(case, versions=("5.2", "7.2"))
    yield _case("net-unlogged", net, "unlogged", driven=False)
    blk = dev("vhost-user-blk-pci", "id=blk0", "chardev=vu0")
    yield _case("blk-daemon", blk, "storage-daemon", driven=False)
    yield _case("blk-daemon-driven", blk, "storage-daemon", driven=True)
    packed = dev("vhost-user-blk-pci", "id=blk0", "chardev=vu0", "packed=on")
    yield _case("blk-unlogged", packed, "blk-unlogged", driven=False)
    inflight = dev("vhost-user-blk-pci", "id=blk0", "chardev=vu0", "inflight-migration=on")
    case = _case("blk-inflight", inflight, "blk-inflight", driven=False)
    # the firmware starts the device, and waits for the answer to its first request
    yield replace(case, until="firmware", versions=("11.1",))
    generic = ("chardev=vu0", "virtio-id=4", "num_vqs=1")
    yield _case("device", dev("vhost-user-device-pci", *generic), "device", driven=False)
    yield _case("test-device", dev("vhost-user-test-device-pci", *generic), "device", driven=False)
    for name in ("gpu-pci", "vga"):
        devices = dev(f"vhost-user-{name}", "chardev=vu0")
        yield _case(name.removesuffix("-pci"), devices, "gpu", driven=False)


def _case(name: str, devices: tuple[str, ...], kind: str, *, driven: bool) -> DeviceCase:
    memory = 160 if driven else 64
    shared = tuple(word.format(size=memory) for word in SHARED)
    words = (*shared, "-chardev", "socket,id=vu0,path=vu0", *devices)
    model = next(word for word in devices if word.startswith(("vhost-user-", "virtio-net")))
    device = model.split(",")[0].removesuffix("-pci").removesuffix("-ccw")
    return DeviceCase(
        f"vhost-user-{name}",
        "x86",
        "*,memory-backend=ram",
        words,
        "tick" if driven else "unstarted",
        memory,
        device=f"{device}+vhost-user" if device == "virtio-net" else device,
        backends=(Backend("vu0", kind),),
        asked=kind != "i2c",
    )
