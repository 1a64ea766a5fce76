"""A test machine for devices other than disk and network, as data; see `device_cases`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tests.qemu.case import Case

if TYPE_CHECKING:
    from tests.qemu.devices import Args

NEW, NEWER = ("7.2", "10.0", "11.1"), ("10.0", "11.1")
DISK = "file=disk0.img,if=none,id=d0,format=raw"
SHARED = "local,id=fs0,path=shared,security_model=none"
# The value for -m where memory can be plugged.
HOTPLUG = "160M,slots=2,maxmem=1G"

Act = tuple[str, dict[str, Any]]  # a command of the monitor with its arguments


@dataclass(frozen=True)
class Backend:
    """A program beside QEMU that serves a device over a vhost-user socket."""

    socket: str
    kind: str  # a device `vhost_user.py` pretends to be, or "storage-daemon"


def dev(name: str, *props: str) -> Args:
    """Describe a device; empty properties are left out."""
    return ("-device", ",".join((name, *filter(None, props))))


@dataclass(frozen=True)
class DeviceCase(Case):
    """One machine; unlike a plain case it may be there to record that QEMU refuses the save."""

    device: str = ""  # as reports and refusals name it
    boot: str = ""  # further words for the guest's kernel
    wait: str = r"TICK 2 .*\n"  # what the console says when the guest is where we want it
    acts: tuple[Act, ...] = ()  # done then
    settle: float = 0  # seconds to let it go on
    live: bool = False  # migrate a running guest
    backends: tuple[Backend, ...] = ()
    sizes: str = ""  # the value for -m in full
    asked: bool = True  # no: QEMU ends when the monitor is asked about this device
    twin: bool = False  # make also the same machine unstarted

    def args(self) -> list[str]:
        """Write the command line, with the guest that has all drivers."""
        words = super().args()
        for name in (f"vmlinuz-{self.arch}", f"initrd-{self.arch}"):
            words = [word.replace(name, f"{name}-full") for word in words]
        if self.boot:
            place = words.index("-append") + 1
            words[place] += f" {self.boot}"
        if self.sizes:
            words[words.index("-m") + 1] = self.sizes
        return words


def plain(name: str, device: str, devices: Args) -> DeviceCase:
    """Make a case whose machine, called `*` for now, has just these devices."""
    return DeviceCase(name, "x86", "*", devices, memory=160, device=device)


def machine_property(path: str, name: str, value: int) -> Act:
    """Set a property of a device while the guest runs."""
    place = f"/machine/peripheral/{path}"
    return ("qom-set", {"path": place, "property": name, "value": value})


def four(bus: str, props: str = "", more: tuple[str, str, str, str] = ("",) * 4) -> Args:
    """Describe one of each device that most guests have."""
    return (
        *dev(f"virtio-rng-{bus}", "id=rng0", props, more[0]),
        *dev(f"virtio-balloon-{bus}", "id=balloon0", props, more[1]),
        *dev(f"virtio-scsi-{bus}", "id=scsi0", props, more[2]),
        *("-drive", DISK, *dev("scsi-hd", "drive=d0")),
        *dev(f"virtio-serial-{bus}", "id=serial0", props, more[3]),
        *("-chardev", "null,id=c0", *dev("virtserialport", "chardev=c0", "name=zero")),
    )
