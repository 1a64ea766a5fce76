"""Laws of a transport's paths: what it claims, and what it leaves to others."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator
from typing import Any

from virtmig.testing.bytework import TooLong, alarm
from virtmig.testing.kit import Kit, law
from virtmig.testing.report import LawBroken

OTHERS = {
    "0000:00:03.0": "pci",
    "0000:00:02.1:00.0": "pci",
    "0001:80:1f.7": "pci",
    "/fe.0.0001": "ccw",
    "/0.3.beef": "ccw",
    "": "mmio",
    "virtio-mmio@0000000000000200": "mmio",
    "virtio-mmio@000000000a003c00": "mmio",
    "usb-bus.0/1": "usb",
}
"""Device paths of real streams, and the bus that they are of."""
MACHINES = {
    "virt-10.0": "",
    "virt-2.7": "",
    "pc-q35-9.2": "",
    "pc-i440fx-9.2": "",
    "s390-ccw-virtio-9.2": "ccw",
}
"""Machine types of today, whose devices have a path, and the bus that may claim them without."""
LONG = 48
SECONDS = 1.0
DO = "write path_pattern so that it matches whole paths of this bus and nothing else"


class PathLaws(Kit):
    """What holds for the paths of every transport."""

    paths: tuple[str, ...] = ()
    not_paths: tuple[str, ...] = ()

    @law
    def test_paths(self) -> None:
        """The path pattern claims whole paths of this bus, and none of another one."""
        driver = self.subject.driver
        for pattern in (driver.path_pattern, driver.pathless_machines):
            try:
                re.compile(pattern)
            except re.error as error:
                raise LawBroken(f"{pattern!r}: {error}", do=DO, field="path_pattern") from None
        if not self.paths and not driver.pathless_machines:
            found = "no path is given that it has to claim"
            raise LawBroken(found, do='write paths = ("...",) in the test class', field="paths")
        for path in self.paths:
            if not driver.claims(path, ""):
                found = f"{path!r} is not claimed by {driver.path_pattern!r}"
                raise LawBroken(found, do=DO, field="path_pattern")
        for path in (*self.not_paths, *self._foreign()):
            if path not in self.paths and driver.claims(path, ""):
                found = f"{path!r} is claimed by {driver.path_pattern!r}"
                raise LawBroken(found, do=DO, field="path_pattern")
        self._near_misses(driver)
        self._machines(driver)

    @law
    def test_paths_in_time(self) -> None:
        """Whether a path is claimed is known at once, however long it is."""
        driver = self.subject.driver
        if threading.current_thread() is not threading.main_thread():
            return  # nothing could end it there
        for path in (long for one in self.paths for long in lengthened(one)):
            try:
                with alarm(SECONDS):
                    driver.claims(path, "")
            except TooLong:
                found = f"{driver.path_pattern!r} does not get done with {path[:24]!r}..., "
                found += f"{len(path)} characters"
                do = "repeat nothing that is repeated itself, such as (x+)+: write x+"
                raise LawBroken(found, do=do, field="path_pattern") from None

    def _foreign(self) -> tuple[str, ...]:
        """Paths of other buses, by the ones that are this one's own, and what no bus has."""
        claimed = {bus for path, bus in OTHERS.items() if path in self.paths}
        claimed |= {bus for bus in OTHERS.values() if self.driver.endswith(bus)}
        foreign = tuple(path for path, bus in OTHERS.items() if bus not in claimed)
        return (*foreign, *(f"{path}/nothing" for path in self.paths))

    def _near_misses(self, driver: Any) -> None:
        """What differs from a path of this bus by a sign is none of this bus."""
        for path in self.paths:
            for at, sign in enumerate(path):
                near = f"{path[:at]}_{path[at + 1 :]}"
                if not sign.isalnum() and sign != "_" and driver.claims(near, ""):
                    found = f"{near!r} is claimed as well as {path!r}"
                    do = f"write {re.escape(sign)} at that place of path_pattern: "
                    do += "a dot alone stands for any character"
                    raise LawBroken(found, do=do, field="path_pattern")
        if len(self.paths) == 1:
            for one in re.findall(r"(?<![0-9])[0-9](?![0-9])", self.paths[0]):
                longer = re.sub(rf"(?<![0-9]){one}(?![0-9])", one * 2, self.paths[0])
                if longer not in self.not_paths and not driver.claims(longer, ""):
                    self.note(f"paths: {longer!r} is not claimed; if it is one, mend the pattern")

    def _machines(self, driver: Any) -> None:
        for machine, bus in MACHINES.items():
            if driver.claims("", machine) and not (bus and self.driver.endswith(bus)):
                found = f"without a path, devices of {machine!r} are claimed"
                do = "name the old machine types alone, to their end: virt-2\\.6$; "
                do += "devices of later ones have paths"
                raise LawBroken(found, do=do, field="pathless_machines")


def lengthened(path: str) -> Iterator[str]:
    """Paths that go on and on like this one, and then are none."""
    for match in re.finditer(r"[0-9A-Za-z]+", path):
        end = match.end()
        yield f"{path[:end]}{path[end - 1] * LONG}!{path[end:]}"
        yield f"{path[:end]}{path[end - 1] * LONG}!"
    yield f"{path * 8}!"
