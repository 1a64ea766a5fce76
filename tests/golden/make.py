"""Make the goldens anew: sections cut out of streams that the corpus generator makes.

    python -m tests.golden.make FOLDER

FOLDER is where `python -m tests.qemu.corpus FOLDER` keeps its streams; those missing are made
first, which needs all four versions of QEMU. Written are `sections.tar.xz`, with the payload of
each section and the truth of each machine, and `manifest.toml`, which says what each one is.
"""

from __future__ import annotations

import hashlib
import io
import json
import shlex
import sys
import tarfile
from pathlib import Path
from typing import TYPE_CHECKING

from tests.golden.extract import RawSection, sections
from tests.qemu import corpus, guest, truth
from tests.qemu.cases import VERSIONS, all_cases
from tests.qemu.machine import Arch, installs

if TYPE_CHECKING:
    from collections.abc import Iterator

HERE = Path(__file__).parent
EVERYWHERE = (
    *("q35", "q35-packed", "q35-net2", "q35-rootport", "q35-net-filters"),
    *("q35-inflight-read-packed", "ccw", "ccw-legacy"),
)
SOMEWHERE = {
    "5.2": (
        *("pc-2.3", "pc-2.4", "pc-2.5", "pc-2.6", "pc-2.8", "pc-4.0", "pc-4.2", "pc-5.2-legacy"),
        *("pc-unstarted", "pc-firmware-ringsize", "q35-net2-unstarted", "q35-net2-one-used"),
        *("q35-net2-rss", "q35-many"),
        *("ccw-2.4", "ccw-2.6", "ccw-2.9", "ccw-2.12", "ccw-4.0", "ccw-net2-unstarted"),
    ),
    "7.2": (
        *("pc-legacy", "q35-legacy", "q35-novectors", "q35-packed-unbound", "q35-blk4"),
        *("q35-blk4-two-used", "q35-net4-two-used", "q35-net2-packed", "q35-net-failed"),
        *("q35-net-overflow", "q35-net-novlan", "q35-net-plain", "q35-linkdown", "q35-many"),
        *("q35-inflight-read", "q35-inflight-write-blk4", "q35-inflight-read-legacy"),
        *("ccw-packed", "ccw-net2", "ccw-blk4", "ccw-revision1", "ccw-firmware"),
        *("ccw-packed-firmware", "ccw-inflight-read", "ccw-inflight-write-packed", "ccw-many"),
    ),
    "10.0": (
        *("pc-unstarted", "q35-net2-unstarted", "q35-net1-tap", "q35-net2-rss", "q35-highmem"),
        *("q35-rootport-transitional", "q35-mapped-ram", "q35-ignore-shared", "q35-net-promisc"),
        *("ccw-5.2", "ccw-inflight-read-blk4-packed", "ccw-unstarted"),
    ),
    "11.1": (
        *("pc-5.2", "pc-firmware", "q35-unbound", "q35-packed-firmware", "q35-net2-rss"),
        *("q35-net4", "q35-blk4-packed", "q35-inflight-read-blk4", "q35-many"),
        *("ccw-7.2", "ccw-net2-packed", "ccw-inflight-read-blk4-packed", "ccw-net-filters"),
        *("ccw-many-unstarted",),
    ),
}
PLUGINS = ("virtio-net", "virtio-blk")
# sections no plugin here knows, kept from one machine of each kind as examples
FOREIGN = ("virtio-rng", "virtio-balloon", "virtio-console", "virtio-scsi")
FOREIGN_FROM = ("x86-7.2-q35-many", "s390x-7.2-ccw-many", "s390x-11.1-ccw-many-unstarted")


def main(argv: list[str]) -> int:
    """Write the archive and the manifest."""
    if len(argv) != 1:
        print(__doc__, file=sys.stderr)
        return 2
    names = list(wanted())
    if not make_streams(Path(argv[0]), names):
        return 1
    members: dict[str, bytes] = {}
    entries = [machine_entry(Path(argv[0]) / name, members) for name in names]
    write_archive(HERE / "sections.tar.xz", members)
    (HERE / "manifest.toml").write_text(HEADER + "".join(entries))
    return 0


def wanted() -> Iterator[str]:
    """Name the streams to cut sections out of."""
    cases = all_cases()
    for version in VERSIONS:
        for name in (*EVERYWHERE, *SOMEWHERE[version]):
            yield f"{cases[version, name].arch}-{version}-{name}"


def make_streams(folder: Path, names: list[str]) -> bool:
    """Make the streams that are missing; tell whether all are there."""
    for arch in guest.FLAVOURS:
        guest.build(arch)
    folder.mkdir(parents=True, exist_ok=True)
    found = {one.version: one for one in installs()}
    for (version, name), case in all_cases().items():
        if f"{case.arch}-{version}-{name}" in names and version in found:
            print(corpus.attempt(case, found[version], folder), flush=True)
    missing = [name for name in names if not (folder / f"{name}.mig").exists()]
    if missing:
        print(f"missing: {' '.join(missing)}", file=sys.stderr)
    return not missing


HEADER = """\
# Written by make.py. Each machine's sections lie in sections.tar.xz, as does what its monitor said:
# in MACHINE/truth.json, by the devices' ids on the command line.
generator = "python -m tests.golden.make"
"""
MACHINE = """
[machine."{name}"]
arch = "{arch}"
qemu = "{qemu}"
machine = "{machine}"
command = {command}
"""
SECTION = """
[[machine."{name}".section]]
file = "{file}"
idstr = "{idstr}"
instance_id = {instance_id}
version_id = {version_id}
size = {size}
sha256 = "{sha256}"
"""


def machine_entry(stem: Path, members: dict[str, bytes]) -> str:
    """Describe one machine and its sections; add their bytes to the archive's members."""
    name = stem.name
    told = json.loads(stem.with_name(f"{name}.truth.json").read_text())
    arch: Arch = "x86" if name.startswith("x86") else "s390x"
    entry = MACHINE.format(
        name=name,
        arch=arch,
        qemu=truth.version(told),
        machine=told["machine"],
        command=json.dumps(shlex.join(told["command"])),
    )
    stream = stem.with_name(f"{name}.mig").read_bytes()
    for number, section in enumerate(kept(name, sections(stream))):
        file = f"{name}/{number}-{section.idstr.split('/')[-1]}.bin"
        members[file] = section.payload
        entry += section_entry(name, file, section)
    members[f"{name}/truth.json"] = json.dumps(truth.digest(told)).encode()
    return entry


def kept(name: str, found: list[RawSection]) -> list[RawSection]:
    """Pick the sections worth keeping."""
    devices = (*PLUGINS, *(FOREIGN if name in FOREIGN_FROM else ()))
    return [section for section in found if section.idstr.split("/")[-1] in devices]


def section_entry(name: str, file: str, section: RawSection) -> str:
    """Describe one section."""
    return SECTION.format(
        name=name,
        file=file,
        idstr=section.idstr,
        instance_id=section.instance_id,
        version_id=section.version_id,
        size=len(section.payload),
        sha256=hashlib.sha256(section.payload).hexdigest(),
    )


def write_archive(path: Path, members: dict[str, bytes]) -> None:
    """Pack the members; the same members give the same file."""
    with tarfile.open(path, "w:xz", preset=9) as archive:
        for name, content in members.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
