"""Machines whose virtio devices sit on virtio-mmio: microvm of x86 and virt of Arm."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from tests.qemu.case import MIDDLE, OLD_NEW, SPREAD, Case
from tests.qemu.devices import (
    TAP_GUEST,
    blk,
    failing_blk,
    foreign,
    net,
    several,
    tap,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

BUS = "device"  # QEMU's word for a virtio device that takes any bus: virtio-blk-device
MODERN = ("-global", "virtio-mmio.force-legacy=off")
# Without it the guest measures its clock by a timer that microvm lacks once the kernel is up. On a
# busy host it finds the result implausible and waits for that timer for ever.
CLOCK = "tsc_early_khz=2000000"
A57 = ("-cpu", "cortex-a57")  # the default CPU of virt has 32 bits


def mmio_cases() -> Iterator[Case]:
    """Make every case; one of Arm has its devices on PCI, to see that machine type too."""
    for case in _on_both():
        yield _on_microvm(case)
        yield _on_virt(case)
    yield from _microvm()
    yield from _virt()


def _on_microvm(case: Case) -> Case:
    return replace(case, name=f"microvm{case.name}", guest=f"{CLOCK} {case.guest}".rstrip())


def _on_virt(case: Case) -> Case:
    placed = replace(case, arch="arm64", machine="virt", devices=(*A57, *case.devices))
    return replace(placed, name=f"virt{case.name}")


def _on_both() -> Iterator[Case]:
    """Make the cases of either machine, told as those of microvm."""
    both = (*blk(BUS), *net(BUS))
    many = (*several(BUS), *foreign(BUS))
    failing = (*failing_blk(BUS, "read"), *net(BUS))
    blk4 = (*blk(BUS, "num-queues=4"), *net(BUS))
    net2 = (*blk(BUS), *tap(BUS, 2, "mq=on"))
    small = (*blk(BUS, "queue-size=64"), *net(BUS, "rx_queue_size=512"))
    for label, mode in (("", ()), ("-modern", MODERN)):
        case = Case(label, "x86", "microvm", (*mode, *both))
        yield case
        yield replace(case, name=f"{label}-unstarted", until="unstarted", memory=64)
        yield replace(case, name=f"{label}-many", devices=(*mode, *many))
        burst = replace(case, until="io-error", guest="lab_burst=read", versions=SPREAD)
        yield replace(burst, name=f"{label}-inflight", devices=(*mode, *failing))
        unbound = replace(case, guest="lab_do=unbind", versions=OLD_NEW)
        yield replace(unbound, name=f"{label}-unbound")
        yield replace(case, name=f"{label}-blk4", cpus=4, devices=(*mode, *blk4), versions=SPREAD)
        pairs = replace(case, cpus=2, guest=TAP_GUEST, versions=MIDDLE)
        yield replace(pairs, name=f"{label}-net2", devices=(*mode, *net2))
        sizes = replace(case, devices=(*mode, *small), versions=MIDDLE)
        yield replace(sizes, name=f"{label}-ringsize")
    yield from _packed()


def _packed() -> Iterator[Case]:
    packed = (*blk(BUS, "packed=on"), *net(BUS, "packed=on"))
    four = (*blk(BUS, "num-queues=4,packed=on"), *net(BUS, "packed=on"))
    case = Case("-packed", "x86", "microvm", (*MODERN, *packed))
    yield case
    yield replace(case, name="-packed-unstarted", until="unstarted", memory=64, versions=SPREAD)
    yield replace(case, name="-packed-blk4", cpus=4, devices=(*MODERN, *four), versions=OLD_NEW)
    # a legacy device offers packed rings, but nobody can accept them
    yield replace(case, name="-packed-legacy", devices=packed, versions=MIDDLE)


def _microvm() -> Iterator[Case]:
    both = (*blk(BUS), *net(BUS))
    case = Case("microvm-firmware", "x86", "microvm", both, "firmware", 64)
    yield case
    yield replace(case, name="microvm-modern-firmware", devices=(*MODERN, *both))
    high = Case("-highmem", "x86", "microvm", both, memory=3584, versions=("10.0",))
    yield _on_microvm(high)


def _virt() -> Iterator[Case]:
    both = (*A57, *blk(BUS), *net(BUS))
    for kind in ("2.6", "2.7", "4.0"):
        versions = ("5.2", "7.2", "10.0") if kind == "2.6" else ("5.2",)
        yield Case(f"virt-{kind}", "arm64", f"virt-{kind}", both, versions=versions)
    yield Case("virt-5.2", "arm64", "virt-5.2", both)
    pci = (*A57, *blk("pci"), *net("pci"))
    yield Case("virt-pci", "arm64", "virt", pci)
