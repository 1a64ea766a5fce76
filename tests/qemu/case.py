"""One test machine and the moment at which its stream is saved, as data; see `cases`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from tests.qemu.devices import Args
    from tests.qemu.machine import Arch

VERSIONS = ("5.2", "7.2", "10.0", "11.1")
# Cases that differ little from a neighbour are made on two versions only: a stream is 40 to 60 MB.
MIDDLE, OLD_NEW, SPREAD = ("7.2", "10.0"), ("5.2", "11.1"), ("7.2", "11.1")
# tick: a Linux guest has done disk and network I/O; io-error: the machine stopped on a failed
# request; firmware: firmware only, no guest kernel; unstarted: not one instruction has run
Until = Literal["tick", "io-error", "firmware", "unstarted"]
CONSOLES = {"x86": "console=ttyS0 ", "arm64": "console=ttyAMA0 ", "s390x": ""}


@dataclass(frozen=True)
class Case:
    """One machine, and the moment at which its stream is saved."""

    name: str
    arch: Arch
    machine: str
    devices: Args
    until: Until = "tick"
    memory: int = 128
    cpus: int = 1
    guest: str = ""  # words for the guest's init, see init.sh
    tools: bool = False  # the guest needs ethtool
    capabilities: tuple[str, ...] = ()
    link_down: bool = False  # pull the network cable before the save
    versions: tuple[str, ...] = VERSIONS

    def args(self) -> list[str]:
        """Write QEMU's command line; all files are named relative to its folder."""
        boot = ["-kernel", f"vmlinuz-{self.arch}"]
        boot += ["-initrd", f"initrd-{self.arch}{'-tools' if self.tools else ''}.gz"]
        console = CONSOLES[self.arch]
        # Freed pages are cleared, so that each takes nine bytes in the stream.
        boot += ["-append", f"{console}quiet panic=-1 init_on_free=1 {self.guest}".strip()]
        return [
            *("-M", self.machine, "-accel", "tcg", "-m", str(self.memory), "-smp", str(self.cpus)),
            # A firmware that finds nothing to boot ends an s390x; it has to stay for the save.
            *("-nodefaults", "-vga", "none", "-no-reboot", "-no-shutdown"),
            *(["-S"] if self.until == "unstarted" else []),
            *([] if self.until == "firmware" else boot),
            *self.devices,
        ]

    @property
    def needs_tap(self) -> bool:
        """Whether a network interface of the host takes part, which needs the rights of root."""
        return any(arg.startswith("tap,") for arg in self.devices)
