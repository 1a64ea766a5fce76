"""Make the sample streams of this folder anew, from a real QEMU with a real guest.

    python -m samples.capture [FOLDER]       from the root of the repository

needs what `python -m tests.qemu.install` installs. Guest memory stays out of the streams: it lies
in a shared file, and the capability x-ignore-shared leaves it there. What is left is small; on x86,
most of it would be firmware, so the smallest one is used and the network card has no boot ROM.
"""

from __future__ import annotations

import hashlib
import json
import shlex
import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from tests.qemu import guest, truth
from tests.qemu.cases import Case
from tests.qemu.corpus import prepare, reach
from tests.qemu.devices import Args, blk, net, shared_memory
from tests.qemu.machine import installs

if TYPE_CHECKING:
    from tests.qemu.machine import Install

HERE = Path(__file__).parent
VERSION = "7.2"


def machine(name: str, arch_case: Case, bus: str, net_props: str, extra: Args) -> Case:
    """Describe a machine with a disk, a network and an entropy device, which has no plugin here."""
    devices = (
        *shared_memory(arch_case.memory),
        *blk(bus),
        *net(bus, net_props),
        *("-device", f"virtio-rng-{bus},id=rng0"),
        *extra,
    )
    return replace(arch_case, name=name, devices=devices)


X86 = Case("", "x86", "q35,memory-backend=ram", (), capabilities=("x-ignore-shared",))
S390X = replace(X86, arch="s390x", machine="s390-ccw-virtio,memory-backend=ram")
SAMPLES = (
    machine("x86-q35", X86, "pci", "romfile=", ("-bios", "qboot.rom")),
    machine("s390x", S390X, "ccw", "", ()),
)

HEADER = """\
# Written by capture.py. The x86 stream holds the machine's firmware, 64 KiB: qboot, GPL-2.0, as in
# Debian's package qemu-system-data (its source is in Debian's source package qemu).
"""
ENTRY = """
[[sample]]
file = "{file}"
qemu = "{qemu}"
machine = "{machine}"
guest = "Linux of Debian 12 doing disk and network I/O"
command = {command}
capabilities = {capabilities}
sha256 = "{sha256}"
truth = "{truth}"
generator = "samples/capture.py"
"""


def main(argv: list[str]) -> None:
    """Capture all samples and write the manifest."""
    folder = Path(argv[0]) if argv else HERE
    found = next((one for one in installs() if one.version == VERSION), None)
    if found is None:
        message = f"the samples are made with QEMU {VERSION}, which is not installed"
        raise SystemExit(message)
    for arch in guest.FLAVOURS:
        guest.build(arch)
    entries = [capture(case, found, folder) for case in SAMPLES]
    (folder / "manifest.toml").write_text(HEADER + "".join(entries))


def capture(case: Case, install: Install, folder: Path) -> str:
    """Save one sample and its truth; return its entry in the manifest."""
    stream = folder / f"{case.name}.mig"
    with prepare(case, install) as qemu:
        reach(case, qemu)
        qemu.qmp.command("stop")
        told = truth.ask(qemu)
        qemu.save(stream, case.capabilities)
        version = truth.version(told)
        qemu.quit()
        command = qemu.argv()
    content = {"machine": told["machine"], "devices": truth.digest(told)}
    truth_file = folder / f"{case.name}.truth.json"
    truth_file.write_text(json.dumps(content, indent=1) + "\n")
    return ENTRY.format(
        file=stream.name,
        qemu=version,
        machine=told["machine"],
        command=json.dumps(shlex.join(command)),
        capabilities=json.dumps(list(case.capabilities)),
        sha256=hashlib.sha256(stream.read_bytes()).hexdigest(),
        truth=truth_file.name,
    )


if __name__ == "__main__":
    main(sys.argv[1:])
