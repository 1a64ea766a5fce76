"""Build the second guest, for devices whose drivers the first one lacks: display, input, IOMMU, ...

It has a newer and fuller kernel; its init is that of the first, with `devices.sh` beside it.
"""

from __future__ import annotations

import gzip
import lzma
import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from tests.qemu import guest
from tests.qemu.machine import lab_folder

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.qemu.machine import Arch

DEVICES = Path(__file__).with_name("devices.sh")
APPLETS = (*guest.APPLETS, "blkdiscard", "grep", "head", "ls", "mkdir", "true", "wc")
# The IOMMU comes first, so that no device finds itself in front of one without a driver.
MODULES = (
    *("virtio-iommu", "failover", "net_failover", "virtio_pci", "virtio_blk", "virtio_net"),
    *("virtio-rng", "virtio_balloon", "virtio_console", "virtio_scsi", "sd_mod", "sr_mod"),
    *("virtio-gpu", "virtio_input", "evdev", "virtio_crypto", "virtio_mem", "virtio_pmem"),
    *("nd_pmem", "9p", "9pnet_virtio", "virtiofs", "vmw_vsock_virtio_transport", "virtio_snd"),
)


@dataclass(frozen=True)
class Flavour:
    """The Debian names of one architecture's guest."""

    debian: str
    kernel_package: str
    suite: str
    tools: tuple[str, ...] = ()


FLAVOURS: dict[Arch, Flavour] = {
    "x86": Flavour("amd64", "linux-image-amd64", "trixie", ("libdrm-tests", "libdrm2", "libc6")),
    "s390x": Flavour("s390x", "linux-image-s390x", "bookworm"),
}


def kernel(arch: Arch) -> Path:
    """The kernel image of the guest."""
    return lab_folder() / "guests" / f"vmlinuz-{arch}-full"


def initrd(arch: Arch, *, tools: bool = False) -> Path:
    """The initial RAM disk; with `tools` it holds modetest too, which drives displays."""
    return lab_folder() / "guests" / f"initrd-{arch}-full{'-tools' if tools else ''}.gz"


def build(arch: Arch) -> None:
    """Build one guest into the lab folder, unless it is there already and current."""
    made = initrd(arch, tools=True)
    sources = (guest.INIT, DEVICES, Path(__file__))
    if made.exists() and made.stat().st_mtime > max(path.stat().st_mtime for path in sources):
        return
    made.parent.mkdir(parents=True, exist_ok=True)
    files = _unpack(arch)
    shutil.copy(next((files / "boot").glob("vmlinuz-*")), kernel(arch))
    base = gzip.compress(guest.archive(_files(files)), mtime=0)
    initrd(arch).write_bytes(base)
    made.write_bytes(base + gzip.compress(guest.archive(_tool_files(files)), mtime=0))


def _unpack(arch: Arch) -> Path:
    """Download and unpack the packages; they are large, so an earlier download is kept."""
    store = lab_folder() / "packages" / f"{arch}-full"
    files = store / "files"
    if files.exists():
        return files
    flavour = FLAVOURS[arch]
    apt = guest.private_apt(store, flavour.debian, flavour.suite)
    subprocess.run(["apt-get", *apt, "-qq", "update"], check=True)
    command = ["apt-cache", *apt, "depends", flavour.kernel_package]
    told = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    names = [*re.findall(r"Depends: (linux-image-\S+)", told), "busybox-static", *flavour.tools]
    subprocess.run(["apt-get", *apt, "-qq", "download", *names], check=True, cwd=store)
    for package in sorted(store.glob("*.deb")):
        subprocess.run(["dpkg", "-x", str(package), str(files)], check=True)
    return files


def _files(files: Path) -> dict[str, guest.Entry]:
    """Busybox, init, and each module behind the ones it needs."""
    tree: dict[str, guest.Entry] = dict.fromkeys(
        ("bin", "dev", "mod", "proc", "sys"), (guest.FOLDER, b"")
    )
    tree["init"] = (guest.FILE, guest.INIT.read_bytes())
    tree["devices.sh"] = (guest.FILE, DEVICES.read_bytes())
    tree["bin/busybox"] = (guest.FILE, next(files.glob("**/bin/busybox")).read_bytes())
    tree.update({f"bin/{applet}": (guest.LINK, b"busybox") for applet in APPLETS})
    modules: dict[str, bytes] = {}
    found = {_name(path.name): path for path in files.rglob("*.ko*")}
    for module in MODULES:
        modules |= dict(_with_needs(_name(module), found))
    tree.update({f"mod/{name}.ko": (guest.FILE, data) for name, data in modules.items()})
    tree["mod/order"] = (guest.FILE, "".join(f"{name}.ko\n" for name in modules).encode())
    return tree


def _tool_files(files: Path) -> dict[str, guest.Entry]:
    """Collect modetest with the libraries it loads; nothing where it was not fetched."""
    tree: dict[str, guest.Entry] = dict.fromkeys(("lib", "lib64"), (guest.FOLDER, b""))
    places = {"modetest": "bin", "ld-linux-x86-64.so.2": "lib64"}
    for name in (*places, "libdrm.so.2", "libc.so.6", "libm.so.6"):
        for path in files.rglob(name):
            if path.is_file():
                tree[f"{places.get(name, 'lib')}/{name}"] = (guest.FILE, path.read_bytes())
    return tree


def _with_needs(name: str, found: dict[str, Path]) -> Iterator[tuple[str, bytes]]:
    """A module behind the modules it needs; nothing for one that is built into the kernel."""
    if name not in found:
        return
    path = found[name]
    data = lzma.decompress(path.read_bytes()) if path.suffix == ".xz" else path.read_bytes()
    needs = re.search(rb"\0depends=([^\0]*)\0", data)
    for needed in (needs[1].decode() if needs else "").split(","):
        yield from _with_needs(_name(needed), found)
    yield name, data


def _name(file_name: str) -> str:
    """Spell a module the way the kernel does."""
    return file_name.partition(".")[0].replace("-", "_")


if __name__ == "__main__":
    for arch_name in FLAVOURS:
        build(arch_name)
