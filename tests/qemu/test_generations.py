"""Streams converted for another version of QEMU, with other machine types where it needs them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import pytest

from tests.qemu.case import Case
from tests.qemu.device_case import dev
from tests.qemu.devices import TAP_GUEST, Args, blk, net, tap
from tests.qemu.mending import goes_on, installed, loaded, mended, refusal, save, virtmig

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.qemu

BOTH: Args = (*blk("pci"), *net("pci"))
BALLOON: Args = (*BOTH, *dev("virtio-balloon-pci", "id=balloon0"))


@dataclass(frozen=True)
class Pair:
    """From one QEMU and machine type to another."""

    source: str
    machine: str
    target: str
    new: str
    devices: Args = BOTH
    option: str = ""
    """What one of the target's devices has to be started with, as the command says."""
    started: Args = BOTH
    """The target's devices, with it."""

    def __str__(self) -> str:
        """Give a name for test reports."""
        return f"{self.source}-{self.machine}-to-{self.target}-{self.new}"


PAIRS = (
    Pair("11.1", "pc-q35-11.1", "10.0", "pc-q35-10.0"),
    Pair("11.1", "pc-q35-11.1", "7.2", "pc-q35-7.2"),
    Pair("10.0", "pc-q35-10.0", "7.2", "pc-q35-7.2"),
    Pair("7.2", "pc-q35-7.2", "11.1", "pc-q35-11.1"),
    Pair(
        *("5.2", "pc-q35-4.2", "11.1", "pc-q35-5.2"),
        option="virtio-blk: queue-size=128",
        started=(*blk("pci", "queue-size=128"), *net("pci")),
    ),
    Pair(
        *("5.2", "pc-q35-5.2", "7.2", "pc-q35-7.2"),
        option="virtio-net: vectors=3",
        started=(*blk("pci"), *net("pci", "vectors=3")),
    ),
    Pair(
        *("7.2", "pc-q35-7.2", "11.1", "pc-q35-11.1"),
        devices=BALLOON,
        option="virtio-balloon: vectors=0",
        started=(*BOTH, *dev("virtio-balloon-pci", "id=balloon0", "vectors=0")),
    ),
)
"""Of equal hardware; without the conversion each is refused for its machine type alone."""


@pytest.mark.parametrize("pair", PAIRS, ids=str)
def test_a_guest_goes_on_under_another_machine_type(pair: Pair, scratch: Path) -> None:
    """Renamed, and without what the target does not know, the stream is loaded, and all works."""
    source, target = installed(pair.source), installed(pair.target)
    if source is None or target is None:
        pytest.skip(f"QEMU {pair.source} and {pair.target} are not both installed")
    case = Case("generation", "x86", pair.machine, pair.devices)
    saved = save(case, source, scratch)
    renamed = replace(case, machine=pair.new, devices=pair.started)
    assert "Machine type received" in refusal(renamed, target, saved, saved.stream)
    stream = scratch / "new.mig"
    words = ("--to-qemu", pair.target, "--machine", pair.new)
    done = virtmig("convert", saved.stream, *words, "-o", stream)
    assert done.returncode == 0, done.stderr
    assert pair.option in done.stdout
    with loaded(renamed, target, saved, stream) as machine:
        goes_on(saved, machine)


RSS = Case(
    "rss",
    "x86",
    "pc-q35-7.2",
    (*blk("pci"), *tap("pci", 2, "mq=on,rss=on,hash=on")),
    cpus=2,
    guest=f"{TAP_GUEST} lab_do=rss",
    tools=True,
)


@pytest.mark.parametrize("version", ["10.0", "7.2"])
def test_rss_of_a_new_qemu_in_an_old_one(version: str, scratch: Path) -> None:
    """One machine type that both have: refused for the version of one subsection, and mended."""
    source, target = installed("11.1"), installed(version)
    if source is None or target is None:
        pytest.skip(f"QEMU 11.1 and {version} are not both installed")
    saved = save(RSS, source, scratch)
    assert "version_id 2 is too new" in refusal(RSS, target, saved, saved.stream)
    stream = mended("convert", saved.stream, "--to-qemu", version, "-o", scratch / "new.mig")
    with loaded(RSS, target, saved, stream) as machine:
        goes_on(saved, machine)


def test_a_machine_type_that_the_target_lacks(scratch: Path) -> None:
    """It is refused before anything is written, and the target refuses it too."""
    source, target = installed("11.1"), installed("10.0")
    if source is None or target is None:
        pytest.skip("QEMU 10.0 and 11.1 are not both installed")
    case = Case("generation", "x86", "pc-q35-11.1", BOTH, "unstarted", 64)
    saved = save(case, source, scratch)
    out = scratch / "new.mig"
    done = virtmig("convert", saved.stream, "--to-qemu", "10.0", "-o", out)
    assert done.returncode == 5
    assert "pc-q35-11.1 came with QEMU 11.1" in done.stderr
    assert not out.exists()
