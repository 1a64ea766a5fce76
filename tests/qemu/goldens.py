"""Fill the goldens of plugins: real sections out of a folder of streams.

    python -m tests.qemu.goldens [--fresh] CORPUS... [PLUGIN...]

CORPUS is what `python -m tests.qemu.device_corpus` or `corpus` wrote; PLUGIN is a folder of
`plugins/` (default: all but those that `tests/golden` serves). Of each driver every case is taken
once for each QEMU version, without doubles, until the plugin's folder is full; the most unlike
come first. `--fresh` empties the folders first. The plugins have to be installed.
"""

from __future__ import annotations

import hashlib
import json
import lzma
import shlex
import shutil
import sys
import tomllib
from collections import Counter, defaultdict
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from tests.qemu.golden_truth import WIDE, truth_of
from tests.qemu.machine import BINARIES
from tests.qemu.truth import version as exact_version
from virtmig.stream.opening import open_stream
from virtmig.testing.goldens import Golden, add_golden, read_goldens

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from virtmig.stream.sections import Section

ROOT = Path(__file__).resolve().parents[2]
SERVED = {"virtio-net", "virtio-blk", "virtio-pci", "virtio-ccw", "virtio-mmio"}
PER_DRIVER = 24
PER_PLUGIN = 100_000  # bytes, packed
OWN_AT_ONCE, OTHERS_AT_ONCE = 12, 2
# words in the names of cases that are made for a device, beside those of its own name
OWN_WORDS = {
    "virtio-console": ("serial",),
    "virtio-input": ("multitouch",),
    "scsi-disk": ("scsi", "scsi4"),
    "virtio-scsi": ("scsi4",),
    "virtio-mem-device-early": ("mem",),
}
GROUPS = ("virtmig.devices", "virtmig.sections")
GENERATOR = "python -m tests.qemu.goldens"


@dataclass(frozen=True)
class Candidate:
    """One section of one stream that a driver is for."""

    stream: Path
    arch: str
    qemu: str
    case: str
    idstr: str
    sha256: str
    packed: int  # bytes
    suffix: str  # tells sections of one driver in one stream apart
    wide: bool  # all 64 features are in it

    @property
    def name(self) -> str:
        return f"{self.arch}-{self.qemu}-{self.case}{self.suffix}"

    @property
    def kind(self) -> str:
        """Kind of machine: x86-q35, arm64-virt, ..."""
        return f"{self.arch}-{self.case.split('-')[0]}"


def drivers_of(plugin: Path) -> list[str]:
    """The vmsd names that a plugin brings drivers for; none for a transport."""
    project = tomllib.loads((plugin / "pyproject.toml").read_text())["project"]
    points = project.get("entry-points", {})
    return [name for group in GROUPS for name in points.get(group, ())]


def candidates(corpora: Iterable[Path], wanted: set[str]) -> dict[str, list[Candidate]]:
    """All sections of the wanted drivers, by driver."""
    found: dict[str, list[Candidate]] = defaultdict(list)
    for path in sorted(path for corpus in corpora for path in corpus.glob("*.mig")):
        if path.with_name(f"{path.stem}.truth.json").exists():  # else it is being written
            for driver, candidate in _of_stream(path, wanted):
                found[driver].append(candidate)
    return found


def _of_stream(path: Path, wanted: set[str]) -> Iterator[tuple[str, Candidate]]:
    arch, qemu, case = path.stem.split("-", 2)
    with open_stream(path) as stream:
        by_name: dict[str, dict[str, Section]] = defaultdict(dict)
        for section in stream.sections:
            by_name[section.idstr.rpartition("/")[2]].setdefault(section.idstr, section)
        for driver in wanted & by_name.keys():
            several = len(by_name[driver]) > 1
            for number, (idstr, section) in enumerate(by_name[driver].items()):
                payload = bytes(stream.payload(section))
                yield (
                    driver,
                    Candidate(
                        *(path, arch, qemu, case, idstr, hashlib.sha256(payload).hexdigest()),
                        packed=len(lzma.compress(payload, preset=9)),
                        suffix=f"-{number}" if several else "",
                        wide=WIDE.encode() in payload,
                    ),
                )


def in_turn(found: list[Candidate], driver: str) -> Iterator[Candidate]:
    """All candidates, the most unlike those before first.

    Each case once before any comes again; and of those the ones made for this device first, but
    not so many of one kind of machine that other kinds have no place.
    """
    left = sorted(found, key=lambda one: ("unstarted" in one.case, one.name))
    taken: Counter[str] = Counter()

    def rank(one: Candidate) -> tuple[int, int, bool, int]:
        own = bool(set(one.case.split("-")) & {*driver.split("-"), *OWN_WORDS.get(driver, ())})
        crowd = taken[one.kind] // (OWN_AT_ONCE if own else OTHERS_AT_ONCE)
        return taken[f"{one.case}{one.suffix}"], crowd, not own, taken[one.qemu]

    while left:
        best = min(left, key=rank)
        left.remove(best)
        taken.update([f"{best.case}{best.suffix}", best.kind, best.qemu])
        yield best


def fill(plugin: Path, found: Mapping[str, list[Candidate]], *, fresh: bool) -> str:
    """Bring the folder of one plugin up to date; return what to tell."""
    folder = plugin / "tests" / "goldens"
    if fresh and folder.exists():
        shutil.rmtree(folder)
    held = {golden.sha256 for golden in read_goldens(folder)}
    room = PER_PLUGIN - sum(file.stat().st_size for file in folder.glob("*.xz"))
    for driver in drivers_of(plugin):
        left = PER_DRIVER - sum(_is_of(golden, driver) for golden in read_goldens(folder))
        for one in in_turn(found.get(driver, []), driver):
            if left > 0 and one.sha256 not in held and one.packed <= room:
                add(folder, one, driver)
                held.add(one.sha256)
                left, room = left - 1, room - one.packed
    goldens = read_goldens(folder)
    return f"{plugin.name}: {len(goldens)} goldens, {PER_PLUGIN - room} bytes"


def _is_of(golden: Golden, driver: str) -> bool:
    return golden.idstr.rpartition("/")[2] == driver


def add(folder: Path, one: Candidate, driver: str) -> None:
    """Copy one section, with what is known of it."""
    told = json.loads(one.stream.with_name(f"{one.stream.stem}.truth.json").read_text())
    taken = {golden.name for golden in read_goldens(folder)}
    add_golden(
        *(folder, one.stream, one.idstr),
        name=f"{one.name}-{driver}" if one.name in taken else one.name,
        arch=one.arch,
        qemu=exact_version(told),
        **({"machine": told["machine"]} if "machine" in told else {}),
        command=shlex.join(told.get("command") or (BINARIES[one.arch], *told["args"])),
        generator=GENERATOR,
        truth=truth_of(told, one.idstr, driver, wide=one.wide),
    )


def main(argv: list[str]) -> int:
    """Fill the folders that the command line names."""
    words = [word for word in argv if word != "--fresh"]
    known = {path.parent.name: path.parent for path in ROOT.glob("plugins/*/pyproject.toml")}
    plugins = [known[word] for word in words if word in known]
    corpora = [Path(word) for word in words if word not in known]
    if not corpora or not all(corpus.is_dir() for corpus in corpora):
        print(__doc__, file=sys.stderr)
        return 2
    plugins = plugins or [known[name] for name in sorted(known.keys() - SERVED)]
    found = candidates(corpora, {name for plugin in plugins for name in drivers_of(plugin)})
    for plugin in plugins:
        print(fill(plugin, found, fresh="--fresh" in argv))
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
