"""Build the guests (x86, s390x, arm64): a Debian kernel, an initrd of busybox and virtio modules.

Packages are fetched by apt with a configuration of its own, because the wanted architecture and
release need not be those of this machine; nothing is installed and root is not needed.
"""

from __future__ import annotations

import gzip
import re
import shutil
import stat
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from tests.qemu.machine import lab_folder

if TYPE_CHECKING:
    from tests.qemu.machine import Arch

SUITE = "bookworm"
MIRROR = "http://deb.debian.org/debian"
KEYRING = "/usr/share/keyrings/debian-archive-keyring.gpg"
INIT = Path(__file__).with_name("init.sh")
APPLETS = (
    *("cat", "cut", "dd", "echo", "ifconfig", "insmod", "ip", "md5sum", "mount", "ping"),
    *("rmmod", "seq", "sh", "sleep", "taskset", "tr", "vconfig", "yes"),
)
# In the order they must be inserted in. Some are built into one of the kernels.
MODULES = (
    *("failover", "net_failover", "virtio", "virtio_ring"),
    *("virtio_pci_legacy_dev", "virtio_pci_modern_dev", "virtio_pci", "virtio_mmio"),
    *("virtio_blk", "virtio_net", "rng-core", "virtio-rng", "virtio_balloon", "virtio_console"),
    *("scsi_common", "scsi_mod", "virtio_scsi"),
    *("llc", "stp", "garp", "mrp", "8021q", "macvlan"),
)


@dataclass(frozen=True)
class Flavour:
    """What differs between the guests of the architectures."""

    debian: str
    kernel_package: str
    tools: tuple[str, ...] = ("ethtool", "libmnl0", "libc6")


FLAVOURS: dict[Arch, Flavour] = {
    "x86": Flavour("amd64", "linux-image-cloud-amd64"),
    "s390x": Flavour("s390x", "linux-image-s390x"),
    "arm64": Flavour("arm64", "linux-image-cloud-arm64"),
}


def kernel(arch: Arch) -> Path:
    """The kernel image of the guest."""
    return lab_folder() / "guests" / f"vmlinuz-{arch}"


def initrd(arch: Arch, *, tools: bool = False) -> Path:
    """The initial RAM disk; with `tools` it holds ethtool too (and takes more memory)."""
    return lab_folder() / "guests" / f"initrd-{arch}{'-tools' if tools else ''}.gz"


def build(arch: Arch) -> None:
    """Build one guest into the lab folder, unless it is there already and current."""
    made = initrd(arch, tools=True)
    if made.exists() and made.stat().st_mtime > max(
        p.stat().st_mtime for p in (INIT, Path(__file__))
    ):
        return
    made.parent.mkdir(parents=True, exist_ok=True)
    flavour = FLAVOURS[arch]
    files = _unpack(arch, flavour)
    shutil.copy(next((files / "boot").glob("vmlinuz-*")), kernel(arch))
    base = gzip.compress(archive(_base_files(files)), mtime=0)
    initrd(arch).write_bytes(base)
    # The kernel reads several archives back to back as one file tree.
    made.write_bytes(base + gzip.compress(archive(_tool_files(files)), mtime=0))


# -- packages


def _unpack(arch: Arch, flavour: Flavour) -> Path:
    """Download the packages of one guest and unpack them side by side."""
    store = lab_folder() / "packages" / arch
    apt = private_apt(store, flavour.debian)
    subprocess.run(["apt-get", *apt, "-qq", "update"], check=True)
    told = subprocess.run(
        ["apt-cache", *apt, "depends", flavour.kernel_package],
        check=True,
        capture_output=True,
        text=True,
    ).stdout
    found = re.search(r"Depends: (linux-image-\S+)", told)
    if found is None:
        message = f"{flavour.kernel_package} names no kernel: {told}"
        raise RuntimeError(message)
    names = [found[1], "busybox-static", *flavour.tools]
    for old in store.glob("*.deb"):
        old.unlink()
    subprocess.run(["apt-get", *apt, "-qq", "download", *names], check=True, cwd=store)
    files = store / "files"
    shutil.rmtree(files, ignore_errors=True)
    for package in sorted(store.glob("*.deb")):
        subprocess.run(["dpkg", "-x", str(package), str(files)], check=True)
    return files


def private_apt(store: Path, architecture: str, suite: str = SUITE) -> list[str]:
    """Options that give apt its own lists, sources and architecture under `store`."""
    for folder in ("lists/partial", "cache/archives/partial", "parts"):
        (store / folder).mkdir(parents=True, exist_ok=True)
    (store / "status").touch()
    (store / "sources.list").write_text(
        f"deb [arch={architecture} signed-by={KEYRING}] {MIRROR} {suite} main\n"
    )
    settings = {
        "APT::Architecture": architecture,
        "APT::Architectures": architecture,
        "Dir::State::Lists": store / "lists",
        "Dir::State::Status": store / "status",
        "Dir::Cache": store / "cache",
        "Dir::Etc::SourceList": store / "sources.list",
        "Dir::Etc::SourceParts": store / "parts",
        "APT::Sandbox::User": "root",  # the store need not be readable for user _apt
    }
    return [f"-o{name}={value}" for name, value in settings.items()]


# -- the initial RAM disk

Entry = tuple[int, bytes]  # mode, content (of a link: its target)
FILE, FOLDER, LINK = stat.S_IFREG | 0o755, stat.S_IFDIR | 0o755, stat.S_IFLNK | 0o777


def _base_files(files: Path) -> dict[str, Entry]:
    """Busybox, the modules and the init program."""
    tree: dict[str, Entry] = dict.fromkeys(("bin", "dev", "mod", "proc", "sys"), (FOLDER, b""))
    tree["init"] = (FILE, INIT.read_bytes())
    tree["bin/busybox"] = (FILE, (files / "bin/busybox").read_bytes())
    tree.update({f"bin/{applet}": (LINK, b"busybox") for applet in APPLETS})
    present = []
    for module in MODULES:
        for path in (files / "lib/modules").rglob(f"{module}.ko"):
            tree[f"mod/{path.name}"] = (FILE, path.read_bytes())
            present.append(path.name)
    tree["mod/order"] = (FILE, "".join(f"{name}\n" for name in present).encode())
    return tree


def _tool_files(files: Path) -> dict[str, Entry]:
    """Collect ethtool with the libraries it loads, at the paths its loader looks at."""
    tree: dict[str, Entry] = {"lib": (FOLDER, b""), "lib64": (FOLDER, b"")}
    for pattern in ("sbin/ethtool", "usr/sbin/ethtool"):
        for path in files.glob(pattern):
            tree["bin/ethtool"] = (FILE, path.read_bytes())
    for name in ("libmnl.so.0", "libc.so.6", "libm.so.6"):
        path = next(path for path in files.rglob(name))
        tree[f"lib/{name}"] = (FILE, path.resolve().read_bytes())
    for pattern in ("ld-linux-x86-64.so.2", "ld64.so.1", "ld-linux-aarch64.so.1"):
        for path in files.rglob(pattern):
            loader = path if path.is_file() else next(files.rglob("ld-*.so*"))
            folder = "lib64" if "x86" in pattern else "lib"
            tree[f"{folder}/{pattern}"] = (FILE, loader.read_bytes())
    return tree


def archive(tree: dict[str, Entry]) -> bytes:
    """Pack a tree in the `newc` form of cpio, the one the kernel reads. Same input, same bytes."""
    parts = []
    for number, (name, (mode, content)) in enumerate([*tree.items(), ("TRAILER!!!", (0, b""))], 1):
        # inode, mode, uid, gid, links, mtime, size, four device numbers, name size, checksum
        numbers = [number, mode, 0, 0, 1, 0, len(content), 0, 0, 0, 0, len(name) + 1, 0]
        header = b"070701" + b"".join(b"%08x" % value for value in numbers)
        parts += [_padded(header + name.encode() + b"\0"), _padded(content)]
    return b"".join(parts)


def _padded(data: bytes) -> bytes:
    return data + bytes(-len(data) % 4)


if __name__ == "__main__":
    for arch_name in FLAVOURS:
        build(arch_name)
