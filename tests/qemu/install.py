"""Install what the QEMU tests need on a Debian machine, as root, with apt as the only source.

    python -m tests.qemu.install           QEMU of this system, and the guests
    python -m tests.qemu.install --all     also the other versions, each in a chroot of its own

Chroots and guests are kept in ~/.cache/virtmig-lab, or where VIRTMIG_LAB says. What is there
already is not made again.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from tests.qemu import guest
from tests.qemu.machine import installs, lab_folder, read_version

X86, ARM = "qemu-system-x86", "qemu-system-arm"
S390X_NEW, S390X_OLD = "qemu-system-s390x", "qemu-system-misc"  # a package of its own since trixie


@dataclass(frozen=True)
class Release:
    """A Debian release that ships a QEMU we want, for a chroot."""

    suite: str
    qemu: str
    s390x_package: str
    backports: bool = False

    @property
    def folder(self) -> Path:
        """Where the chroot goes."""
        return lab_folder() / f"root-{'bpo' if self.backports else self.suite}"


RELEASES = (
    Release("bullseye", "5.2", S390X_OLD),
    Release("bookworm", "7.2", S390X_OLD),
    Release("trixie", "10.0", S390X_NEW),
    Release("trixie", "11.1", S390X_NEW, backports=True),
)


def main(argv: list[str]) -> int:
    """Install; the exit status tells whether QEMU is usable afterwards."""
    if argv not in ([], ["--all"]):
        print(__doc__, file=sys.stderr)
        return 2
    install_host(all_versions=bool(argv))
    if argv:
        present = {read_version(Path("/"))}
        for release in RELEASES:
            if release.qemu not in present:
                install_chroot(release)
    for arch in guest.FLAVOURS:
        guest.build(arch)
    for found in installs():
        print(f"QEMU {found.version} in {found.root}")
    return 0 if installs() else 1


def install_host(*, all_versions: bool) -> None:
    """Install this system's QEMU for all architectures."""
    tools = {"ip": "iproute2", **({"mmdebstrap": "mmdebstrap"} if all_versions else {})}
    missing = [package for program, package in tools.items() if shutil.which(program) is None]
    if read_version(Path("/")) is None:
        missing += [X86, ARM, S390X_NEW if _known(S390X_NEW) else S390X_OLD]
    if not Path(guest.KEYRING).exists():
        missing += ["debian-archive-keyring"]
    if missing:
        _apt("update")
        _apt("install", "-y", "--no-install-recommends", *missing)


def _known(package: str) -> bool:
    """Whether apt could install a package of that name."""
    _apt("update")
    told = subprocess.run(
        ["apt-cache", "show", package], capture_output=True, text=True, check=False
    )
    # the older releases have it as a virtual name, without a version
    return "Version:" in told.stdout


def _apt(*words: str) -> None:
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    subprocess.run(["apt-get", "-qq", *words], check=True, env=environment)


def install_chroot(release: Release) -> None:
    """Make a minimal system of that release with its QEMU inside."""
    root = release.folder
    if read_version(root) is None:
        shutil.rmtree(root, ignore_errors=True)
        root.parent.mkdir(parents=True, exist_ok=True)
        _bootstrap(release, root)
    tun = root / "dev/net/tun"
    if not tun.exists():  # for the cases with several queue pairs
        tun.parent.mkdir(parents=True, exist_ok=True)
        subprocess.run(["mknod", str(tun), "c", "10", "200"], check=False)


def _bootstrap(release: Release, root: Path) -> None:
    packages = f"{X86},{ARM},{release.s390x_package}"
    sources = [f"deb [signed-by={guest.KEYRING}] {guest.MIRROR} {release.suite} main"]
    options = ["--variant=apt", f"--include={packages}"]
    if release.backports:
        # Backports are updated for ever, so their index may be past its date on a slow mirror.
        trust = f"signed-by={guest.KEYRING} check-valid-until=no"
        sources.append(f"deb [{trust}] {guest.MIRROR} {release.suite}-backports main")
        options.append(f'--aptopt=APT::Default-Release "{release.suite}-backports"')
    command = ["mmdebstrap", "--quiet", *options, release.suite, str(root), *sources]
    subprocess.run(command, check=True)


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
