"""Machines with devices only an x86 has, or of machine types only an x86 has, as data."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from tests.qemu.case import OLD_NEW, SPREAD, VERSIONS
from tests.qemu.device_case import HOTPLUG, NEW, NEWER, SHARED, dev, four, plain
from tests.qemu.devices import LEGACY, MODERN, TRANSITIONAL

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.qemu.device_case import DeviceCase
    from tests.qemu.devices import Args


def pc_cases() -> Iterator[DeviceCase]:
    """Make every case."""
    yield from _gpu()
    yield from _iommu()
    yield from _four()
    yield from _types()
    yield from _pmem()


def _pmem() -> Iterator[DeviceCase]:
    image = "memory-backend-file,id=mem0,size=64M,mem-path=disk1.img,share=on"
    devices = ("-object", image, *dev("virtio-pmem-pci", "memdev=mem0", "id=pm0"))
    case = replace(_on("q35-pmem", "q35", "virtio-pmem", devices), sizes=HOTPLUG)
    yield replace(case, twin=True)
    yield replace(case, name="q35-pmem-used", guest="lab_dev=pmem")


def _on(name: str, machine: str, device: str, devices: Args) -> DeviceCase:
    return replace(plain(name, device, devices), machine=machine)


def _gpu() -> Iterator[DeviceCase]:
    for machine in ("q35", "pc"):
        for kind, device in (("gpu", "virtio-gpu-pci"), ("vga", "virtio-vga")):
            case = _on(
                f"{machine}-{kind}", machine, device.removesuffix("-pci"), dev(device, "id=gpu0")
            )
            case = replace(case, guest="lab_dev=paint", twin=True)
            yield case if machine == "q35" else replace(case, versions=SPREAD)
            if machine == "q35":
                yield from _gpu_more(replace(case, twin=False), kind, device)


def _gpu_more(case: DeviceCase, kind: str, device: str) -> Iterator[DeviceCase]:
    outputs = ("id=gpu0", "max_outputs=2")
    both = "video=Virtual-1:800x600e video=Virtual-2:640x480e"
    yield replace(
        case,
        name=f"q35-{kind}-outputs",
        devices=dev(device, *outputs),
        boot=both,
        twin=kind == "gpu",
    )
    yield replace(case, name=f"q35-{kind}-firmware", until="firmware", memory=64)
    if kind == "vga":
        return
    yield replace(
        case, name="q35-gpu-packed", devices=dev(device, "id=gpu0", "packed=on"), versions=SPREAD
    )
    yield replace(
        case,
        name="q35-gpu-noedid",
        devices=dev(device, "id=gpu0", "edid=off,xres=800,yres=600"),
        versions=SPREAD,
    )
    pointer = replace(case, guest="lab_dev=modetest", tools=True)
    yield replace(pointer, name="q35-gpu-pointer")
    yield replace(
        pointer,
        name="q35-gpu-outputs-pointer",
        devices=dev(device, *outputs),
        boot=both,
        versions=SPREAD,
    )
    shared = ("-object", "memory-backend-memfd,id=ram,size=160M,share=on")
    blob = (*shared, *dev(device, "id=gpu0", "blob=on"))
    blobs = replace(case, device="virtio-gpu,blob=on", devices=blob, versions=NEW)
    yield replace(blobs, name="q35-gpu-blob", machine="q35,memory-backend=ram")
    for name in ("virtio-gpu-gl-pci", "virtio-vga-gl"):
        yield replace(case, name=f"q35-{name}", devices=dev(name), device=name, until="unstarted")


def _iommu() -> Iterator[DeviceCase]:
    behind = "iommu_platform=on,disable-legacy=on"
    for name, props in (("iommu", ""), ("iommu-nobypass", "boot-bypass=off")):
        devices = (
            *dev("virtio-iommu-pci", "id=iommu0", props),
            *dev("virtio-rng-pci", "id=rng0", behind),
            *("-netdev", "user,id=n0", *dev("virtio-net-pci", "id=net0", "netdev=n0", behind)),
        )
        case = _on(f"q35-{name}", "q35", "virtio-iommu", devices)
        yield replace(case, twin=True)
        if name == "iommu":
            yield replace(
                case, name="q35-iommu-identity", boot="iommu.passthrough=1", versions=SPREAD
            )
            yield replace(case, name="pc-iommu", machine="pc", versions=OLD_NEW)
            yield replace(case, name="q35-iommu-7.2", machine="pc-q35-7.2", versions=NEW)


def _four() -> Iterator[DeviceCase]:
    for machine in ("q35", "pc"):
        for label, props in (
            ("", ""),
            ("legacy", LEGACY),
            ("modern", MODERN),
            ("transitional", TRANSITIONAL),
        ):
            name = "-".join(word for word in (machine, "four", label) if word)
            case = _on(name, machine, "several", four("pci", props))
            versions = SPREAD if label or machine == "pc" else VERSIONS
            yield replace(case, twin=not label, versions=versions)
        # older versions of the other two have no such property
        devices = four("pci", "", ("", "", "vectors=0", "vectors=0"))
        case = _on(f"{machine}-four-novectors", machine, "several", devices)
        yield replace(case, versions=SPREAD)
    ports = tuple(
        word for n in range(4) for word in dev("pcie-root-port", f"id=rp{n}", f"chassis={n + 1}")
    )
    behind = (*ports, *four("pci", "", ("bus=rp0", "bus=rp1", "bus=rp2", "bus=rp3")))
    yield replace(_on("q35-four-rootport", "q35", "several", behind), twin=True)


def _types() -> Iterator[DeviceCase]:
    """Make older machine types with one of most devices."""
    devices = (
        *four("pci"),
        *dev("virtio-gpu-pci", "id=gpu0"),
        *dev("virtio-keyboard-pci"),
        *dev("virtio-tablet-pci"),
        *("-fsdev", SHARED),
        *dev("virtio-9p-pci", "fsdev=fs0", "mount_tag=shared"),
    )
    case = _on("", "", "several", devices)
    case = replace(case, memory=192, guest="lab_dev=paint", twin=True)
    for kind, versions in (
        *(("5.2", VERSIONS), ("7.2", NEW), ("8.2", NEWER), ("9.0", NEWER), ("9.2", NEWER)),
        *(("4.0", ("5.2", "7.2", "10.0")), ("2.4", ("5.2", "7.2"))),
    ):
        machine = f"pc-q35-{kind}"
        yield replace(case, name=f"q35-most-{kind}", machine=machine, versions=versions)
    name, machine = "pc-most-2.2", "pc-i440fx-2.2"
    yield replace(case, name=name, machine=machine, versions=("5.2", "7.2"))
