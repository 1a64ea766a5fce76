"""Laws of a transport's paths: what it claims, and what it leaves to others."""

from __future__ import annotations

import re

from virtmig.testing.kit import Kit, law
from virtmig.testing.report import LawBroken

OTHERS = {
    "0000:00:03.0": "pci",
    "0000:00:02.1:00.0": "pci",
    "/fe.0.0001": "ccw",
    "": "mmio",
    "virtio-mmio@0000000000000200": "mmio",
    "usb-bus.0/1": "usb",
}
"""Device paths of real streams, and the bus that they are of."""


class PathLaws(Kit):
    """What holds for the paths of every transport."""

    paths: tuple[str, ...] = ()
    not_paths: tuple[str, ...] = ()

    @law
    def test_paths(self) -> None:
        """The path pattern claims whole paths of this bus, and none of another one."""
        driver = self.subject.driver
        do = "write path_pattern so that it matches whole paths of this bus and nothing else"
        for pattern in (driver.path_pattern, driver.pathless_machines):
            try:
                re.compile(pattern)
            except re.error as error:
                raise LawBroken(f"{pattern!r}: {error}", do=do, field="path_pattern") from None
        if not self.paths and not driver.pathless_machines:
            found = "no path is given that it has to claim"
            raise LawBroken(found, do='write paths = ("...",) in the test class', field="paths")
        for path in self.paths:
            if not driver.claims(path, ""):
                found = f"{path!r} is not claimed by {driver.path_pattern!r}"
                raise LawBroken(found, do=do, field="path_pattern")
        for path in (*self.not_paths, *self._foreign()):
            if path not in self.paths and driver.claims(path, ""):
                found = f"{path!r} is claimed by {driver.path_pattern!r}"
                raise LawBroken(found, do=do, field="path_pattern")

    def _foreign(self) -> tuple[str, ...]:
        """Paths of other buses, by the ones that are this one's own, and what no bus has."""
        claimed = {bus for path, bus in OTHERS.items() if path in self.paths}
        claimed |= {bus for bus in OTHERS.values() if self.driver.endswith(bus)}
        foreign = tuple(path for path, bus in OTHERS.items() if bus not in claimed)
        return (*foreign, *(f"{path}/nothing" for path in self.paths))
