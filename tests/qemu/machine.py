"""Start, drive, save and resume one QEMU.

Everything a machine needs (kernel, initrd, disk, sockets, streams) lies in one private work folder,
and QEMU runs with that folder as its current directory. So command lines hold bare file names only,
read the same on the host and inside a chroot, and can be printed into manifests as they are.
"""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import subprocess
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Self

from tests.qemu.qmp import Qmp, QmpClosed

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from types import TracebackType

Arch = Literal["x86", "s390x", "arm64"]
BINARIES: dict[Arch, str] = {
    "x86": "qemu-system-x86_64",
    "s390x": "qemu-system-s390x",
    "arm64": "qemu-system-aarch64",
}
BOOT_SECONDS = 180.0
MIGRATE_SECONDS = 120.0
FULL_SPEED = 10**11  # bytes a second; QEMU's default bandwidth limit slows a save to a file


class QemuFailed(Exception):
    """QEMU ended, or stayed in a wrong state; carries what it printed."""


class QemuTimeout(QemuFailed):
    """QEMU runs, but what we wait for does not happen."""


@dataclass(frozen=True)
class Install:
    """One installed QEMU: of this system (`root` is `/`), or inside a chroot."""

    version: str
    root: Path

    @property
    def in_chroot(self) -> bool:
        """Whether running it needs chroot(8), and so the rights of root."""
        return self.root != Path("/")

    def command(self, work: Path, argv: Sequence[str]) -> list[str]:
        """The full command line that runs `argv` with the work folder as its directory."""
        inside = "/" + str(work.relative_to(self.root))
        chroot = ["chroot", str(self.root)] if self.in_chroot else []
        # The death signal ends QEMU even if this process is killed and cannot clean up.
        return [
            *("setpriv", "--pdeathsig", "KILL", *chroot),
            *("sh", "-c", 'cd "$0" && exec "$@"', inside, *argv),
        ]


class Qemu:
    """A running QEMU; a context manager, so that no process and no file is left behind."""

    def __init__(self, install: Install, arch: Arch, args: Iterable[str]) -> None:
        """Make the work folder. Nothing runs before `start`."""
        self.install = install
        self.arch = arch
        self.args = list(args)
        self.work = Path(tempfile.mkdtemp(prefix="virtmig-", dir=install.root / "tmp"))
        self._process: subprocess.Popen[bytes] | None = None
        self._qmp: Qmp | None = None

    def __enter__(self) -> Self:
        """Return the machine itself, not yet started."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """End QEMU whatever state it is in, and remove the work folder."""
        self.kill()
        shutil.rmtree(self.work, ignore_errors=True)

    # -- starting and ending

    def put(self, source: Path, name: str | None = None) -> None:
        """Place a private copy of a file into the work folder."""
        subprocess.run(
            ["cp", "--sparse=always", str(source), str(self.work / (name or source.name))],
            check=True,
        )

    def argv(self, *, incoming: bool = False) -> list[str]:
        """Write the command line, the same on every machine."""
        return [
            *(BINARIES[self.arch], *self.args),
            *("-display", "none", "-monitor", "none", "-serial", "file:serial"),
            *("-chardev", "socket,id=qmp,path=qmp,server=on,wait=off"),
            *("-mon", "chardev=qmp,mode=control"),
            *(("-S", "-incoming", "defer") if incoming else ()),
        ]

    def start(self, *, incoming: bool = False) -> None:
        """Start QEMU; with `incoming` it waits, stopped, for `load`."""
        with (self.work / "stderr").open("wb") as stderr:
            self._process = subprocess.Popen(
                self.install.command(self.work, self.argv(incoming=incoming)),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=stderr,
            )
        self._wait(self._connect, 20, "open its monitor")

    def _connect(self) -> bool:
        """Try to reach the monitor; a QEMU that ends early may leave a socket nobody serves."""
        with contextlib.suppress(QmpClosed):
            self._qmp = Qmp.connect(self.work / "qmp", 0)
        return self._qmp is not None

    def quit(self) -> None:
        """Ask QEMU to end and wait for it, so that its disk images are free."""
        with contextlib.suppress(QmpClosed):  # it may close the monitor before it answers
            self.qmp.command("quit")
        if self._process is not None:
            self._process.wait(20)

    def kill(self) -> None:
        """End QEMU at once; harmless if it ended already."""
        if self._qmp is not None:
            self._qmp.close()
            self._qmp = None
        if self._process is not None and self._process.poll() is None:
            self._process.kill()
            self._process.wait(20)

    # -- watching

    @property
    def qmp(self) -> Qmp:
        """The monitor of the started machine."""
        if self._qmp is None:
            message = "QEMU is not started"
            raise QemuFailed(message)
        return self._qmp

    @property
    def serial(self) -> str:
        """All the guest has written to its console so far."""
        path = self.work / "serial"
        return path.read_bytes().decode(errors="replace") if path.exists() else ""

    @property
    def stderr(self) -> str:
        """All QEMU has complained about so far."""
        return (self.work / "stderr").read_text(errors="replace").strip()

    def status(self) -> str:
        """The run state, such as `running`, `paused`, `io-error`."""
        return str(self.qmp.command("query-status")["status"])

    def wait_serial(self, pattern: str, seconds: float = BOOT_SECONDS) -> str:
        """Wait until the console matches `pattern`; return the whole console."""
        self._wait(
            lambda: re.search(pattern, self.serial) is not None, seconds, f"print {pattern!r}"
        )
        return self.serial

    def wait_status(self, wanted: str, seconds: float = BOOT_SECONDS) -> None:
        """Wait until the run state is `wanted`."""
        self._wait(lambda: self.status() == wanted, seconds, f"be {wanted}")

    def _wait(self, done: Callable[[], bool], seconds: float, what: str) -> None:
        deadline = time.monotonic() + seconds
        while not done():
            if self._process is not None and self._process.poll() is not None:
                message = f"QEMU {self.install.version} ended: {self.stderr}"
                raise QemuFailed(message)
            if time.monotonic() > deadline:
                tail = self.serial[-400:]
                message = f"QEMU {self.install.version} did not {what} in {seconds:.0f} s: {tail}"
                raise QemuTimeout(message)
            time.sleep(0.05)

    # -- streams

    def save(
        self, path: Path, capabilities: Iterable[str] = (), *, stop: bool = True
    ) -> dict[str, Any]:
        """Save the guest's stream to `path`; return QEMU's migration report.

        The guest is stopped before, or, without `stop`, by QEMU itself near the end.
        """
        names = tuple(capabilities)
        if stop and self.status() in ("running", "io-error"):
            self.qmp.command("stop")
        self._set_capabilities(names)
        self.qmp.command("migrate-set-parameters", **{"max-bandwidth": FULL_SPEED})
        self.qmp.command("migrate", uri=_uri(names, "cat >", "out.mig"))
        report: dict[str, Any] = {}

        def ended() -> bool:
            report.update(self.qmp.command("query-migrate"))
            return report.get("status") in ("completed", "failed", "cancelled")

        self._wait(ended, MIGRATE_SECONDS, "save its stream")
        if report["status"] != "completed":
            message = f"QEMU {self.install.version} could not save: {report} {self.stderr}"
            raise QemuFailed(message)
        shutil.move(self.work / "out.mig", path)
        return report

    def load(self, path: Path, capabilities: Iterable[str] = ()) -> None:
        """Load the stream at `path` into a machine started with `incoming`; it stays stopped."""
        names = tuple(capabilities)
        self.put(path, "in.mig")
        self._set_capabilities(names)
        self.qmp.command("migrate-incoming", uri=_uri(names, "cat", "in.mig"))
        try:
            self._wait(lambda: self.status() != "inmigrate", MIGRATE_SECONDS, "load the stream")
        except QmpClosed as error:  # a refused stream ends QEMU; its words are what we want to see
            self.kill()
            message = f"QEMU {self.install.version} refused the stream: {self.stderr}"
            raise QemuFailed(message) from error
        (self.work / "in.mig").unlink()

    def cont(self) -> None:
        """Let the guest run."""
        self.qmp.command("cont")

    def _set_capabilities(self, names: tuple[str, ...]) -> None:
        wanted = [{"capability": name, "state": True} for name in names]
        if wanted:
            self.qmp.command("migrate-set-capabilities", capabilities=wanted)


def _uri(capabilities: tuple[str, ...], pipe: str, name: str) -> str:
    """A mapped-ram stream is written at offsets, so it needs a file; others go through a pipe."""
    return f"file:{name}" if "mapped-ram" in capabilities else f"exec:{pipe} {name}"


def read_version(root: Path) -> str | None:
    """The version of the QEMU under `root` as `major.minor`; None if it lacks any of ours."""
    if not all((root / "usr/bin" / binary).exists() for binary in BINARIES.values()):
        return None
    prefix = ["chroot", str(root)] if root != Path("/") else []
    told = subprocess.run(
        [*prefix, BINARIES["x86"], "--version"], capture_output=True, text=True, check=False
    ).stdout
    found = re.search(r"version (\d+\.\d+)", told)
    return found[1] if found else None


def lab_folder() -> Path:
    """Where guests and chroots are kept."""
    default = Path.home() / ".cache" / "virtmig-lab"
    return Path(os.environ.get("VIRTMIG_LAB", default)).resolve()


def installs() -> list[Install]:
    """Every usable QEMU: that of this system, and (for root) those in the lab's chroots."""
    chroots = sorted(lab_folder().glob("root-*")) if os.geteuid() == 0 else []
    found = [
        Install(version, root) for root in [Path("/"), *chroots] if (version := read_version(root))
    ]
    return sorted(found, key=lambda install: [int(part) for part in install.version.split(".")])
