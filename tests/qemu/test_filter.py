"""A guest that moves from one QEMU to another through `virtmig filter`, while it runs."""

from __future__ import annotations

import os
import shlex
import socket
import subprocess
import sys
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pytest

from tests.qemu.corpus import prepare, reach
from tests.qemu.machine import FULL_SPEED, MIGRATE_SECONDS, QemuFailed
from tests.qemu.qmp import QmpClosed
from tests.qemu.test_boot_on import MACHINES, assert_goes_on, ticks
from virtmig.stream.opening import open_stream

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.qemu.machine import Install, Qemu

pytestmark = pytest.mark.qemu

FILTER = (sys.executable, "-m", "virtmig", "filter")
PROMISCUOUS = ("--set", "device.promisc=1")
UNSAFE = ("--device", "virtio-blk", "--set", "common.status-=DRIVER_OK")
BUSES = ["q35", "s390x", "microvm"]


@contextmanager
def filtering(arguments: tuple[str, ...], out: Path) -> Iterator[tuple[subprocess.Popen[str], int]]:
    """A filter that writes to the pipe `out` when that is read; and the end that feeds it."""
    source, feed = os.pipe()
    command = f"exec {shlex.join((*FILTER, *arguments))} > {shlex.quote(str(out))}"
    with subprocess.Popen(
        ["sh", "-c", command], stdin=source, stderr=subprocess.PIPE, text=True
    ) as child:
        os.close(source)
        try:
            yield child, feed
        finally:
            child.kill()


def send(machine: Qemu, feed: int, downtime_ms: int = 300) -> dict[str, Any]:
    """Migrate into an open file, which is closed here then; QEMU's report at the end."""
    limits = {"max-bandwidth": FULL_SPEED, "downtime-limit": downtime_ms}
    machine.qmp.command("migrate-set-parameters", **limits)
    connection = machine.qmp._connection
    send_fds = b'{"execute": "getfd", "arguments": {"fdname": "stream"}}\n'
    socket.send_fds(connection, [send_fds], [feed])
    os.close(feed)
    machine.qmp.command("query-status")  # behind the answer to getfd
    machine.qmp.command("migrate", uri="fd:stream")
    return ended(machine)


def ended(machine: Qemu) -> dict[str, Any]:
    """QEMU's report of a migration when it is over."""
    deadline = time.monotonic() + MIGRATE_SECONDS
    while time.monotonic() < deadline:
        report: dict[str, Any] = machine.qmp.command("query-migrate")
        if report.get("status") in ("completed", "failed", "cancelled"):
            return report
        time.sleep(0.05)
    raise TimeoutError(report)


@contextmanager
def waiting(name: str, install: Install, source: Qemu) -> Iterator[tuple[Qemu, Path]]:
    """A second machine on the same disk that waits for a stream, and the pipe that it waits at."""
    with prepare(MACHINES[name], install) as target:
        (target.work / "disk0.img").unlink()
        os.link(source.work / "disk0.img", target.work / "disk0.img")
        pipe = target.work / "in.fifo"
        os.mkfifo(pipe)
        target.start(incoming=True)
        target.qmp.command("migrate-incoming", uri="exec:cat in.fifo")
        yield target, pipe


def loaded(target: Qemu) -> None:
    """Wait until the stream is loaded."""
    target._wait(lambda: target.status() != "inmigrate", MIGRATE_SECONDS, "load the stream")


@pytest.mark.parametrize("name", BUSES)
def test_a_running_guest_moves_through_a_filter(install: Install, name: str) -> None:
    """Nobody stops it: it goes on in the target, where the edit shows in the monitor."""
    with prepare(MACHINES[name], install) as source:
        reach(MACHINES[name], source)
        with (
            waiting(name, install, source) as (target, pipe),
            filtering(PROMISCUOUS, pipe) as (child, feed),
        ):
            assert send(source, feed)["status"] == "completed", source.stderr
            loaded(target)
            _, said = child.communicate(timeout=20)
            assert child.returncode == 0, said
            assert "device.promisc  0 -> 1" in said
            [rules] = target.qmp.command("query-rx-filter", name="net0")
            assert rules["promiscuous"] is True
            before = source.serial
            source.quit()
            target.cont()
            assert_goes_on(before, target)


@pytest.mark.parametrize("downtime_ms", [300, 1], ids=["at once", "pages again"])
@pytest.mark.parametrize("name", BUSES)
def test_a_guest_whose_state_is_refused_goes_on_where_it_was(
    install: Install, name: str, downtime_ms: int
) -> None:
    """The source is told while it still writes, and the target gets no complete stream.

    Also when it stops the guest late, behind long parts with pages that it has sent before.
    """
    with prepare(MACHINES[name], install) as source:
        reach(MACHINES[name], source)
        with (
            waiting(name, install, source) as (target, pipe),
            filtering(UNSAFE, pipe) as (child, feed),
        ):
            report = send(source, feed, downtime_ms)
            _, said = child.communicate(timeout=20)
            assert child.returncode == 5, said
            assert "UnsafeEdit" in said
            assert "the device state was held back" in said
            assert report["status"] == "failed"
            source.wait_status("running")
            with pytest.raises((QmpClosed, QemuFailed)):
                loaded(target)
            assert "load of migration failed" in target.stderr
        before = ticks(source.serial)[-1][0]
        source.wait_serial(rf"TICK {before + 3} .*\n")
        assert {(disk, net) for _, disk, net in ticks(source.serial)} == {("ok", "ok")}


@pytest.mark.parametrize("wrong", [("--set", "device.promise=1"), ("--sett",), ("--check",)])
def test_a_target_does_not_wait_for_a_stream_of_which_nothing_comes(
    install: Install, wrong: tuple[str, ...]
) -> None:
    """QEMU waits for a first byte, and would do so when nobody is left to write one."""
    with prepare(MACHINES["q35"], install) as target:
        pipe = target.work / "in.fifo"
        os.mkfifo(pipe)
        target.start(incoming=True)
        target.qmp.command("migrate-incoming", uri="exec:cat in.fifo")
        with filtering(wrong, pipe) as (child, feed):
            os.close(feed)
            assert child.wait(20) != 0
            with pytest.raises((QmpClosed, QemuFailed)):
                loaded(target)
        assert "Not a migration stream" in target.stderr


def test_a_source_whose_undo_patch_finds_no_room_is_told(install: Install) -> None:
    """It shows when the device state is there, and is as bad as a state that is refused."""
    if install.in_chroot:
        pytest.skip("this QEMU runs in a chroot, where there is no virtmig")
    with prepare(MACHINES["q35"], install) as source:
        reach(MACHINES["q35"], source)
        command = shlex.join(("prlimit", "--fsize=400:400", *FILTER, *PROMISCUOUS))
        source.qmp.command("migrate-set-parameters", **{"max-bandwidth": FULL_SPEED})
        source.qmp.command("migrate", uri=f"exec:{command} --undo undo.json | cat > out.mig")
        assert ended(source)["status"] == "failed"
        assert "undo.json: File too large" in source.stderr
        assert not (source.work / "undo.json").exists()
        source.wait_status("running")


@pytest.mark.parametrize(
    ("arguments", "status", "said"),
    [
        (PROMISCUOUS, "completed", "device.promisc  0 -> 1"),
        (UNSAFE, "failed", "UnsafeEdit"),
        (("--set", "device.promise=1"), "failed", "nearest: device.promisc"),
        (("--set", "device.promisc=1", "--log", "no/such/folder"), "failed", "No such file"),
    ],
    ids=["edited", "unsafe", "misspelt", "unlogged"],
)
def test_a_filter_inside_the_migrate_command(
    install: Install, arguments: tuple[str, ...], status: str, said: str
) -> None:
    """`migrate "exec:virtmig filter ... > FILE"`: QEMU waits for it, and passes on what it says."""
    if install.in_chroot:
        pytest.skip("this QEMU runs in a chroot, where there is no virtmig")
    with prepare(MACHINES["q35"], install) as source:
        reach(MACHINES["q35"], source)
        uri = f"exec:{shlex.join((*FILTER, *arguments))} > out.mig"
        source.qmp.command("migrate-set-parameters", **{"max-bandwidth": FULL_SPEED})
        source.qmp.command("migrate", uri=uri)
        assert ended(source)["status"] == status
        assert said in source.stderr
        if status == "completed":
            with open_stream(source.work / "out.mig") as stream:
                assert stream.ram().end
        else:
            source.wait_status("running")
