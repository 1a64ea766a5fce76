"""Streams that virtmig took out of, or put into, another container: real QEMUs run on from them."""

from __future__ import annotations

import socket
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.qemu.case import Case
from tests.qemu.corpus import prepare, reach
from tests.qemu.devices import blk, net
from tests.qemu.machine import QemuFailed, installs
from tests.qemu.test_boot_on import assert_goes_on, ticks
from virtmig.containers.libvirt import HEADER, read_image
from virtmig.containers.qcow2 import MAGIC
from virtmig.errors import UnsupportedContainer
from virtmig.hooks.registry import Registry
from virtmig.reading import Decoded, read_devices
from virtmig.stream.opening import open_stream

if TYPE_CHECKING:
    from tests.qemu.machine import Install, Qemu

pytestmark = pytest.mark.qemu

COMMON = "pc-q35-7.2"  # a machine type that three of the four versions have
CASE = Case("containers", "x86", COMMON, (*blk("pci"), *net("pci")))
IMAGE = (
    *("-drive", "file=disk0.qcow2,if=none,id=d0,format=qcow2"),
    *("-device", "virtio-blk-pci,id=blk0,drive=d0"),
)
SNAPSHOTS = ("first", "second")
INSTALLS = {install.version: install for install in installs()}


def virtmig(*argv: str | Path) -> None:
    """Run the command as a user would."""
    command = [sys.executable, "-m", "virtmig", *map(str, argv)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def needed(*versions: str) -> list[Install]:
    """These QEMUs, or the test is left out."""
    if missing := [version for version in versions if version not in INSTALLS]:
        pytest.skip(f"no QEMU {', '.join(missing)}")
    return [INSTALLS[version] for version in versions]


def load(target: Qemu, path: Path, *, offset: int = 0, mapped: bool = True) -> None:
    """Load a stream that may lie behind something else in its file."""
    if not offset:
        target.load(path, ("mapped-ram",) if mapped else ())
        return
    target.put(path, "in.mig")
    target.qmp.command(
        "migrate-set-capabilities", capabilities=[{"capability": "mapped-ram", "state": True}]
    )
    target.qmp.command("migrate-incoming", uri=f"file:in.mig,offset={offset}")
    deadline = time.monotonic() + 60
    while target.status() == "inmigrate":
        assert time.monotonic() < deadline
        time.sleep(0.05)


def goes_on(install: Install, source: Qemu, before: str, path: Path, **how: object) -> None:
    """A fresh machine loads the stream, and its guest goes on with good I/O."""
    with prepare(CASE, install) as target:
        target.put(source.work / "disk0.img")
        target.start(incoming=True)
        load(target, path, **how)  # type: ignore[arg-type]
        target.cont()
        assert_goes_on(before, target)


def test_a_plain_stream_as_mapped_ram_and_back_is_loaded_by_all_that_can(scratch: Path) -> None:
    """From QEMU 7.2, which has no mapped-ram: to two that have, and to itself again."""
    old, new, newest = needed("7.2", "10.0", "11.1")
    saved, mapped, image, plain = (scratch / name for name in ("a.mig", "b.map", "c", "d.mig"))
    xml = scratch / "x.xml"
    xml.write_text("<domain type='qemu'/>")
    with prepare(CASE, old) as source:
        reach(CASE, source)
        source.save(saved)
        before = source.serial
        source.quit()
        virtmig("convert", saved, "-o", mapped, "--to", "mapped-ram")
        goes_on(new, source, before, mapped)
        goes_on(newest, source, before, mapped)
        virtmig("convert", mapped, "-o", image, "--to", "libvirt-sparse", "--xml", xml)
        start = HEADER + read_image(image.read_bytes()[:HEADER], 0).length
        goes_on(new, source, before, image, offset=start)
        virtmig("convert", image, "-o", plain, "--to", "qemu")
        goes_on(old, source, before, plain, mapped=False)


@pytest.mark.parametrize("version", ["10.0", "11.1"])
def test_a_mapped_ram_stream_as_a_plain_one_is_loaded_by_an_older_qemu(
    version: str, scratch: Path
) -> None:
    (new, old) = needed(version, "7.2")
    saved, plain = scratch / "a.map", scratch / "b.mig"
    with prepare(CASE, new) as source:
        reach(CASE, source)
        source.save(saved, ("mapped-ram",))
        before = source.serial
        source.quit()
        virtmig("convert", saved, "-o", plain, "--to", "qemu")
        goes_on(old, source, before, plain, mapped=False)


def test_a_snapshot_in_a_disk_image_is_what_qemu_itself_loads(
    install: Install, scratch: Path
) -> None:
    """Two snapshots: each is taken out, compared with what loadvm gives, and run on from."""
    case = replace(CASE, machine="q35", devices=(*IMAGE, *net("pci")))
    image = scratch / "disk0.qcow2"
    with prepare(case, install) as source:
        make = ["qemu-img", "create", "-q", "-f", "qcow2", str(source.work / image.name), "64M"]
        subprocess.run(make, check=True)
        reach(case, source)
        consoles: list[str] = []
        for name in SNAPSHOTS:
            source.wait_serial(rf"TICK {len(ticks(source.serial)) + 1} .*\n")
            monitor(source, "stop")
            monitor(source, f"savevm {name}")
            consoles.append(source.serial)
            monitor(source, "cont")
        source.quit()
        subprocess.run(["cp", str(source.work / image.name), str(image)], check=True)
    assert image.read_bytes()[:4] == MAGIC
    for name, before in zip(SNAPSHOTS, consoles, strict=True):
        taken = scratch / f"{name}.mig"
        virtmig("convert", image, "--snapshot", name, "-o", taken)
        compare_with_loadvm(case, install, image, name, taken)
        run_on(case, install, image, taken, before)


def monitor(machine: Qemu, command: str) -> None:
    """A command of the human monitor, which says nothing if all went well."""
    words = {"command-line": command}
    told = machine.qmp.command("human-monitor-command", **words)
    if told:
        raise QemuFailed(f"{command}: {told}")


def compare_with_loadvm(case: Case, install: Install, image: Path, name: str, taken: Path) -> None:
    """QEMU loads the snapshot itself and saves: the same as if it loads what was taken out.

    It does not save quite what it loaded, so both are saved by a QEMU that loaded.
    """
    paths = [taken.with_suffix(".loadvm"), taken.with_suffix(".incoming")]
    for path, words in zip(paths, (["-S", "-loadvm", name], []), strict=True):
        with prepare(case, install) as machine:
            machine.put(image)
            machine.args += words
            machine.start(incoming=not words)
            if not words:
                machine.load(taken)
            machine.save(path)
            machine.quit()
    with open_stream(paths[0]) as theirs, open_stream(paths[1]) as ours:
        assert [one.idstr for one in ours.sections] == [one.idstr for one in theirs.sections]
        pairs = zip(ours.sections, theirs.sections, strict=True)
        virtio = [pair for pair in pairs if "/virtio-" in pair[0].idstr]
        assert len(virtio) == 2
        for one, other in virtio:
            assert ours.payload(one) == theirs.payload(other), one.idstr


def run_on(case: Case, install: Install, image: Path, taken: Path, before: str) -> None:
    """A fresh machine, its disk as it was then, loads the stream, and the guest goes on."""
    with prepare(case, install) as target:
        target.put(image)
        back = ["qemu-img", "snapshot", "-a", taken.stem, str(target.work / image.name)]
        subprocess.run(back, check=True)
        target.start(incoming=True)
        target.load(taken)
        target.cont()
        assert_goes_on(before, target)


def test_the_main_channel_of_multifd_shows_its_devices_and_where_ram_went(
    install: Install, scratch: Path
) -> None:
    """Each channel is recorded as it comes through a socket."""
    case = replace(CASE, machine="q35")
    with prepare(case, install) as source:
        reach(case, source)
        source.qmp.command("stop")
        main, *others = record_channels(source, scratch)
        source.quit()
    assert len(others) == 2
    with open_stream(main) as stream:
        devices = read_devices(stream, Registry())
        assert [type(one) for one in devices] == [Decoded, Decoded]
        assert "multifd" in stream.ram().why_absent("pc.ram")
    for channel in others:
        with pytest.raises(UnsupportedContainer, match="one channel of a multifd"):
            open_stream(channel)


def record_channels(source: Qemu, folder: Path) -> list[Path]:
    """A multifd migration with two channels into files; that of the stream is the first one."""
    paths: list[Path] = []
    with socket.create_server(("127.0.0.1", 0)) as server, ThreadPoolExecutor(3) as pool:
        wanted = [{"capability": "multifd", "state": True}]
        source.qmp.command("migrate-set-capabilities", capabilities=wanted)
        source.qmp.command("migrate-set-parameters", **{"multifd-channels": 2})
        source.qmp.command("migrate", uri=f"tcp:127.0.0.1:{server.getsockname()[1]}")
        for number in range(3):
            paths.append(folder / f"channel{number}")
            pool.submit(record, server.accept()[0], paths[-1])
    return sorted(paths, key=lambda path: path.read_bytes()[:4] != b"QEVM")


def record(channel: socket.socket, path: Path) -> None:
    """All that comes through a channel."""
    with channel, path.open("wb") as file:
        while content := channel.recv(1 << 20):
            file.write(content)
