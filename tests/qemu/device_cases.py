"""The machines with devices other than disk and network, as data; `device_corpus.py` makes them."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from tests.qemu.case import SPREAD, VERSIONS
from tests.qemu.device_case import HOTPLUG, NEW, NEWER, SHARED, dev, four, machine_property
from tests.qemu.device_case import plain as _case
from tests.qemu.pc_device_cases import pc_cases
from tests.qemu.request_cases import request_cases
from tests.qemu.vhost_cases import vhost_cases

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.qemu.device_case import DeviceCase
    from tests.qemu.machine import Arch

MEMORY = "memory-backend-ram,id=mem0,size=256M"
# a driver puts memory to use as soon as it is plugged
ONLINE = "memhp_default_state=online_movable"


def device_cases() -> list[DeviceCase]:
    """Give every case."""
    found: list[DeviceCase] = []
    on_q35 = _placed("pci", "x86", "q35", "q35")
    on_ccw = _placed("ccw", "s390x", "s390-ccw-virtio", "ccw")
    for case in (*on_q35, *on_ccw, *pc_cases()):
        found += [case, *_unstarted(case)]
    return found


def _placed(bus: str, arch: Arch, machine: str, short: str) -> Iterator[DeviceCase]:
    """Put the common cases on a machine."""
    for case in _common(bus):
        name, placed = f"{short}-{case.name}", case.machine.replace("*", machine)
        yield replace(case, name=name, arch=arch, machine=placed)


def _unstarted(case: DeviceCase) -> Iterator[DeviceCase]:
    """Make the same machine without a guest, if the case asks for it."""
    if case.twin:
        name = f"{case.name}-unstarted"
        yield replace(case, name=name, until="unstarted", memory=64, cpus=1, acts=(), twin=False)


def _common(bus: str) -> Iterator[DeviceCase]:
    """Make cases that differ only in the bus; the caller names arch and machine."""
    yield from _plain(bus)
    yield from _balloon(bus)
    yield from request_cases(bus)
    yield from _input(bus)
    yield from _mem(bus)
    yield from _refused(bus)
    yield from vhost_cases(bus)


def _plain(bus: str) -> Iterator[DeviceCase]:
    yield replace(_case("rng", "virtio-rng", dev(f"virtio-rng-{bus}", "id=rng0")), twin=True)
    packed = _case("four-packed", "several", four(bus, "packed=on"))
    yield replace(packed, twin=True)
    shared = ("-fsdev", SHARED, *dev(f"virtio-9p-{bus}", "fsdev=fs0", "mount_tag=shared"))
    case = _case("9p", "virtio-9p", shared)
    yield replace(case, twin=True)
    yield replace(case, name="9p-mounted", guest="lab_dev=9p")


def _balloon(bus: str) -> Iterator[DeviceCase]:
    yield replace(
        _case("balloon", "virtio-balloon", dev(f"virtio-balloon-{bus}", "id=balloon0")), twin=True
    )
    inflate = (("balloon", {"value": 128 << 20}),)
    thread = ("-object", "iothread,id=t0")
    device = f"virtio-balloon-{bus}"
    for name, props, boot in (
        ("hint", "free-page-hint=on,iothread=t0", ""),
        ("report", "free-page-reporting=on", ""),
        ("all", "free-page-hint=on,iothread=t0,free-page-reporting=on,deflate-on-oom=on", ""),
        ("poison", "page-poison=on", "page_poison=1 init_on_free=0"),
    ):
        devices = (*thread, *dev(device, "id=balloon0", props))
        case = replace(_case(f"balloon-{name}", "virtio-balloon", devices), boot=boot, settle=3.0)
        yield replace(case, acts=inflate, twin=name == "all")
        if name == "hint":  # hints are asked for while pages are copied, so the guest has to run
            yield replace(case, name="balloon-hint-live", live=True)
    polled = machine_property("balloon0", "guest-stats-polling-interval", 1)
    case = _case("balloon-stats", "virtio-balloon", dev(device, "id=balloon0"))
    yield replace(case, acts=(polled,), settle=3.0, versions=SPREAD)


def _input(bus: str) -> Iterator[DeviceCase]:
    kinds = ("keyboard", "mouse", "tablet")
    devices = tuple(word for kind in kinds for word in dev(f"virtio-{kind}-{bus}", f"id={kind}0"))
    case = _case("input", "virtio-input", devices)
    yield replace(case, twin=True)
    down = {"down": True}
    events = (
        {"type": "key", "data": {**down, "key": {"type": "qcode", "data": "a"}}},
        {"type": "btn", "data": {**down, "button": "left"}},
        {"type": "rel", "data": {"axis": "x", "value": 7}},
        {"type": "abs", "data": {"axis": "y", "value": 1234}},
    )
    sent = tuple(("input-send-event", {"events": [event]}) for event in events)
    yield replace(case, name="input-events", acts=sent, settle=1.0, versions=SPREAD)
    yield replace(
        case,
        name="input-packed",
        versions=SPREAD,
        devices=tuple(
            f"{word},packed=on" if word.startswith("virtio-") else word for word in devices
        ),
    )
    if bus == "ccw":  # the guest's kernel has no driver for it
        screen = _case("gpu", "virtio-gpu", dev("virtio-gpu-ccw", "id=gpu0"))
        yield replace(screen, until="unstarted", memory=64)
    if bus == "pci":
        touch = _case("multitouch", "virtio-input", dev("virtio-multitouch-pci", "id=touch0"))
        yield replace(touch, twin=True, versions=NEWER)


def _mem(bus: str) -> Iterator[DeviceCase]:
    device = dev(f"virtio-mem-{bus}", "id=vm0", "memdev=mem0", "requested-size=128M")
    case = _case("mem", "virtio-mem", ("-object", MEMORY, *device))
    versions = VERSIONS if bus == "pci" else NEWER
    case = replace(case, sizes=HOTPLUG, boot=ONLINE, guest="lab_dev=meminfo", versions=versions)
    yield replace(case, twin=True)
    if bus == "pci":
        resize = (machine_property("vm0", "requested-size", 64 << 20),)
        small = dev(
            "virtio-mem-pci", "id=vm0", "memdev=mem0", "requested-size=128M", "block-size=4M"
        )
        yield replace(
            case, name="mem-shrunk", acts=resize, settle=2.0, devices=("-object", MEMORY, *small)
        )
        for kind in ("7.2", "8.0", "8.1"):
            known = NEW if kind == "7.2" else NEWER
            yield replace(case, name=f"mem-{kind}", machine=f"pc-q35-{kind}", versions=known)


def _refused(bus: str) -> Iterator[DeviceCase]:
    """Make cases whose device QEMU is known not to save, or not to start here."""
    cipher = ("-object", "cryptodev-backend-builtin,id=cd0")
    devices = (*cipher, *dev(f"virtio-crypto-{bus}", "cryptodev=cd0"))
    yield replace(_case("crypto", "virtio-crypto", devices), until="unstarted")
    names = {"sound": "virtio-sound", "input-host": "virtio-input-host", "nsm": "virtio-nsm"}
    names |= {"vdpa-device": "vhost-vdpa-device", "rtc": "virtio-rtc"}
    vdpa = "vhost-vdpa,id=n0,vhostdev=/dev/vhost-vdpa-0"
    for name, devices in (
        ("vhost-vsock", dev(f"vhost-vsock-{bus}", "guest-cid=3")),
        ("vhost-scsi", dev(f"vhost-scsi-{bus}", "wwpn=naa.5001405000000001")),
        ("sound", ("-audiodev", "none,id=a0", *dev(f"virtio-sound-{bus}", "audiodev=a0"))),
        ("input-host", dev(f"virtio-input-host-{bus}", "evdev=/dev/input/event0")),
        ("vhost-vdpa", (*("-netdev", vdpa), *dev(f"virtio-net-{bus}", "netdev=n0"))),
        ("vdpa-device", dev(f"vhost-vdpa-device-{bus}", "vhostdev=/dev/vhost-vdpa-0")),
        ("nsm", dev("virtio-nsm-device")),
        ("rtc", dev(f"virtio-rtc-{bus}")),
    ):
        yield replace(_case(name, names.get(name, name), devices), until="unstarted")
