"""The law of attached sections: the device that a section without virtio belongs to."""

from __future__ import annotations

import difflib

from virtmig.hooks.discovery import scan
from virtmig.hooks.known import DEVICE_IDS, DISTRIBUTIONS
from virtmig.testing.kit import Kit, law
from virtmig.testing.report import LawBroken

NEAR = 0.85


class ParentLaws(Kit):
    """What holds for the description of a section without virtio."""

    @law
    def test_parent(self) -> None:
        """The parent is the virtio device at whose path the section lies, and not the section."""
        driver = self.subject.driver
        do = "write the vmsd name of the virtio device at whose path the section lies"
        if driver.parent in ("", driver.name):
            found = f"the parent is {driver.parent!r}"
            raise LawBroken(found, do=do, field="SectionDriver.parent")
        known = {*DEVICE_IDS, *DISTRIBUTIONS, *(one.name for one in scan().drivers)}
        if driver.parent in known:
            return
        found = f"no device is known by the name of its parent, {driver.parent!r}"
        for near in difflib.get_close_matches(driver.parent, sorted(known), 1, NEAR):
            raise LawBroken(found, do=f"did you mean {near!r}?", field="SectionDriver.parent")
        self.note(f"SectionDriver.parent: {found}; is that how QEMU spells it?")
