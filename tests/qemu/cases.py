"""The machines whose streams make up the corpus, as data.

A case names an architecture, a machine type, devices and what to wait for before the save; it is
made on every QEMU version it names. `corpus.py` is what makes them.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from tests.qemu.case import MIDDLE, OLD_NEW, SPREAD, VERSIONS, Case
from tests.qemu.devices import (
    LEGACY,
    MODERN,
    TAP_GUEST,
    TRANSITIONAL,
    Args,
    blk,
    failing_blk,
    foreign,
    net,
    root_ports,
    several,
    shared_memory,
    tap,
)
from tests.qemu.mmio_cases import mmio_cases

if TYPE_CHECKING:
    from collections.abc import Iterator


def all_cases() -> dict[tuple[str, str], Case]:
    """Give every case, keyed by QEMU version and name."""
    cases = [*_x86(), *_s390x(), *mmio_cases()]
    return {
        (version, case.name): case
        for version in VERSIONS
        for case in cases
        if version in case.versions
    }


def _x86() -> Iterator[Case]:
    both = (*blk("pci"), *net("pci"))
    for machine in ("pc", "q35"):
        yield Case(machine, "x86", machine, both)
        yield Case(f"{machine}-unstarted", "x86", machine, both, "unstarted", 64)
        yield Case(f"{machine}-firmware", "x86", machine, both, "firmware", 64)
        versions = VERSIONS if machine == "q35" else SPREAD
        for label, props in (("legacy", LEGACY), ("modern", MODERN), ("novectors", "vectors=0")):
            devices = (*blk("pci", props), *net("pci", props))
            yield Case(f"{machine}-{label}", "x86", machine, devices, versions=versions)
    behind = (*root_ports(), *blk("pci", "bus=rp0"), *net("pci", "bus=rp1"))
    yield Case("q35-rootport", "x86", "q35", behind)
    yield Case("q35-rootport-unstarted", "x86", "q35", behind, "unstarted", 64)
    first, second = f"bus=rp0,{TRANSITIONAL}", f"bus=rp1,{TRANSITIONAL}"
    behind = (*root_ports(), *blk("pci", first), *net("pci", second))
    yield Case("q35-rootport-transitional", "x86", "q35", behind, versions=MIDDLE)
    yield Case("q35-highmem", "x86", "q35", both, memory=3072, versions=("10.0",))
    yield Case("q35-512M", "x86", "q35", both, memory=512, versions=("7.2",))
    for case in _common("pci"):
        machine = case.machine.replace("*", "q35")
        yield replace(case, name=f"q35-{case.name}", machine=machine)
    large = (*blk("pci", f"queue-size=512,{MODERN}"), *net("pci", f"rx_queue_size=1024,{MODERN}"))
    yield Case("pc-firmware-ringsize", "x86", "pc", large, "firmware", 64)  # firmware takes less
    yield from _x86_old_types(both)


def _x86_old_types(both: Args) -> Iterator[Case]:
    """Make machine types at which the form of the streams changed."""
    for kind in ("2.2", "2.3", "2.4", "2.5", "2.6", "2.8", "4.0", "4.2", "5.2"):
        widely = {"2.2": ("5.2", "7.2"), "2.3": ("5.2", "7.2"), "2.4": ("5.2", "7.2", "10.0")}
        versions = VERSIONS if kind == "5.2" else widely.get(kind, ("5.2",))
        yield Case(f"pc-{kind}", "x86", f"pc-i440fx-{kind}", both, versions=versions)
    yield Case("q35-5.2", "x86", "pc-q35-5.2", both)
    yield Case("q35-7.2", "x86", "pc-q35-7.2", both, versions=("7.2", "10.0", "11.1"))
    devices = (*blk("pci", LEGACY), *net("pci", LEGACY))
    yield Case("pc-5.2-legacy", "x86", "pc-i440fx-5.2", devices)


def _s390x() -> Iterator[Case]:
    both = (*blk("ccw", "devno=fe.0.1234"), *net("ccw", "devno=fe.0.0abc"))
    machine = "s390-ccw-virtio"
    yield Case("ccw", "s390x", machine, both)
    yield Case("ccw-unstarted", "s390x", machine, both, "unstarted", 64)
    yield Case("ccw-firmware", "s390x", machine, both, "firmware", 64)
    for label, props in (("legacy", "max_revision=0"), ("revision1", "max_revision=1")):
        yield Case(f"ccw-{label}", "s390x", machine, (*blk("ccw", props), *net("ccw", props)))
    for case in _common("ccw"):
        placed = case.machine.replace("*", machine)
        yield replace(case, name=f"ccw-{case.name}", arch="s390x", machine=placed)
    for kind in ("2.4", "2.6", "2.9", "2.12", "4.0", "5.2"):
        old = {"2.4": ("5.2", "7.2"), "2.6": ("5.2", "7.2"), "5.2": VERSIONS}
        versions = old.get(kind, ("5.2", "7.2", "10.0"))
        # The default CPU of machine types up to 2.9 is too old for the guest's kernel.
        cpu = ("-cpu", "max") if kind.startswith("2.") else ()
        devices = (*cpu, *blk("ccw"), *net("ccw"))
        yield Case(f"ccw-{kind}", "s390x", f"{machine}-{kind}", devices, versions=versions)
    yield Case("ccw-7.2", "s390x", f"{machine}-7.2", both, versions=("7.2", "10.0", "11.1"))


def _common(bus: str) -> Iterator[Case]:
    """Make cases that differ only in the bus; the caller places them on a machine for `*`."""
    both = (*blk(bus), *net(bus))
    yield from _packed(bus)
    yield from _queues(bus)
    yield from _filters(bus)
    yield from _in_flight(bus)
    yield Case("unbound", "x86", "*", both, guest="lab_do=unbind", versions=OLD_NEW)
    many = (*several(bus), *foreign(bus))
    yield Case("many", "x86", "*", many)
    yield Case("many-unstarted", "x86", "*", many, "unstarted", 64)
    shared, machine = (*shared_memory(128), *both), "*,memory-backend=ram"
    yield Case("ignore-shared", "x86", machine, shared, capabilities=("x-ignore-shared",))
    new = ("10.0", "11.1")
    yield Case("mapped-ram", "x86", "*", both, capabilities=("mapped-ram",), versions=new)
    yield Case("linkdown", "x86", "*", both, link_down=True)


def _packed(bus: str) -> Iterator[Case]:
    packed = (*blk(bus, "packed=on"), *net(bus, "packed=on"))
    yield Case("packed", "x86", "*", packed)
    # offered, but not negotiated: nobody there, firmware that does not know it, a driver that left
    yield Case("packed-unstarted", "x86", "*", packed, "unstarted", 64)
    yield Case("packed-firmware", "x86", "*", packed, "firmware", 64)
    yield Case("packed-unbound", "x86", "*", packed, guest="lab_do=unbind", versions=MIDDLE)


def _queues(bus: str) -> Iterator[Case]:
    blk4 = (*blk(bus, "num-queues=4"), *net(bus))
    packed4 = (*blk(bus, "num-queues=4,packed=on"), *net(bus))
    yield Case("blk4", "x86", "*", blk4, cpus=4)
    yield Case("blk4-packed", "x86", "*", packed4, cpus=4, versions=SPREAD)
    yield Case("blk4-two-used", "x86", "*", blk4, cpus=2, versions=MIDDLE)
    # a Linux guest uses no more pairs than it has CPUs
    net2, net4 = (*blk(bus), *tap(bus, 2, "mq=on")), (*blk(bus), *tap(bus, 4, "mq=on"))
    packed2 = (*blk(bus), *tap(bus, 2, "packed=on,mq=on"))
    yield Case("net2", "x86", "*", net2, cpus=2, guest=TAP_GUEST)
    yield Case("net2-packed", "x86", "*", packed2, cpus=2, guest=TAP_GUEST)
    yield Case("net2-one-used", "x86", "*", net2, guest=TAP_GUEST, versions=OLD_NEW)
    yield Case("net2-unstarted", "x86", "*", net2, "unstarted", 64)
    yield Case("net4", "x86", "*", net4, cpus=4, guest=TAP_GUEST, versions=OLD_NEW)
    yield Case("net4-two-used", "x86", "*", net4, cpus=2, guest=TAP_GUEST, versions=MIDDLE)
    net1 = (*blk(bus), *tap(bus, 1))
    yield Case("net1-tap", "x86", "*", net1, guest=TAP_GUEST, versions=("10.0",))
    rss = (*blk(bus), *tap(bus, 2, "mq=on,rss=on,hash=on"))
    guest = f"{TAP_GUEST} lab_do=rss"
    yield Case("net2-rss", "x86", "*", rss, cpus=2, guest=guest, tools=True)


def _filters(bus: str) -> Iterator[Case]:
    both = (*blk(bus), *net(bus))
    for name, words, versions in (
        ("promisc", "promisc", MIDDLE),
        ("vlan", "vlan", VERSIONS),
        ("filters", "mac,allmulti,vlan,macs", VERSIONS),
        ("overflow", "manymacs", SPREAD),
    ):
        guest = f"lab_do={words}"
        yield Case(f"net-{name}", "x86", "*", both, guest=guest, versions=versions)
    bare = (*blk(bus), *net(bus, "ctrl_vlan=off,mac=52:54:00:01:02:03"))
    yield Case("net-novlan", "x86", "*", bare, versions=MIDDLE)
    # Without its control queue the guest's driver refuses the other features that need it.
    failed = (*blk(bus), *net(bus, "ctrl_vq=off"))
    yield Case("net-failed", "x86", "*", failed, versions=MIDDLE)
    need_queue = ("ctrl_rx", "ctrl_vlan", "ctrl_mac_addr", "ctrl_guest_offloads", "guest_announce")
    off = ",".join(f"{name}=off" for name in ("ctrl_vq", "mrg_rxbuf", *need_queue))
    yield Case("net-plain", "x86", "*", (*blk(bus), *net(bus, off)), versions=SPREAD)


def _in_flight(bus: str) -> Iterator[Case]:
    for kind, versions in (("read", VERSIONS), ("write", SPREAD)):
        for label, packed in (("", "off"), ("-packed", "on")):
            for queues, cpus in (("", 1), ("-blk4", 4)):
                props = f"num-queues={cpus},packed={packed}"
                devices = (*failing_blk(bus, kind, props, cpus), *net(bus))
                case = Case(f"inflight-{kind}{queues}{label}", "x86", "*", devices, "io-error")
                yield replace(case, cpus=cpus, guest=f"lab_burst={kind}", versions=versions)
    legacy = LEGACY if bus == "pci" else "max_revision=0"
    devices = (*failing_blk(bus, "read", legacy), *net(bus))
    yield Case("inflight-read-legacy", "x86", "*", devices, "io-error", guest="lab_burst=read")
