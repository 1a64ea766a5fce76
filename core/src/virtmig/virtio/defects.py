"""What keeps a QEMU from loading a state, as data: how it is recognised, and how it is mended.

Most are defects of QEMU: it writes what it, or a later version, does not read. A driver declares
those of its own device (`DeviceDriver.defects`); those of all devices are in `virtmig.repairing`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from typing import Any, Literal

import attrs

from virtmig.errors import BadValue, shown
from virtmig.wire.meaning import Verdict

Release = tuple[int, ...]
"""A version of QEMU as numbers that compare: (10, 0, 13)."""

OLDEST: Release = (5, 2)
"""The oldest QEMU that is known well enough to make streams for it."""


def release_of(text: str) -> Release:
    """`10.0.13` as numbers; `BadValue` if it is no version of QEMU."""
    if not re.fullmatch(r"\d{1,3}(\.\d{1,3}){1,2}", text):
        raise BadValue(f"{shown(text)} is no version of QEMU", hint="such as 7.2 or 10.0.13")
    return tuple(int(part) for part in text.split("."))


def release_text(release: Release) -> str:
    """The reverse of `release_of`."""
    return ".".join(map(str, release))


def release_in(machine: str) -> Release | None:
    """The version at the end of a machine type's name; None if it has none."""
    found = re.search(r"-(\d{1,3}(?:\.\d{1,3}){1,2})$", machine)
    return release_of(found[1]) if found else None


@attrs.frozen(kw_only=True)
class Target:
    """The QEMU that a stream is for.

    release: its version; None: nothing is known of it, so only what no version loads is mended.
    machine: the machine type that the stream will name, which is the one it is started with.
    """

    release: Release | None = None
    machine: str = ""

    def older_than(self, release: str) -> bool:
        """Whether it is known to be older than this version."""
        return self.release is not None and self.release < release_of(release)

    def older_machine_than(self, release: str) -> bool:
        """Whether its machine type is known to be older than this version."""
        machine = self.machine_release
        return machine is not None and machine < release_of(release)

    @property
    def machine_release(self) -> Release | None:
        """The version in the machine type's name; None if it has none."""
        return release_in(self.machine)

    def __str__(self) -> str:
        return f"QEMU {release_text(self.release)}" if self.release else "any QEMU"


@attrs.frozen(kw_only=True)
class Patient:
    """A state that is looked at.

    idstr: of its section. state: `VirtioState`, or `SectionState` of a section without virtio.
    driver: the description of the device type, or of the section. target: who is to load it.
    """

    idstr: str
    state: Any
    driver: Any
    target: Target


@attrs.frozen(kw_only=True)
class Diagnosis:
    """One place where a state has a defect.

    path: of the field. found: what stands there. mended: the whole state without the defect, or
    None if it cannot be mended. why_not: then the reason, and what else can be done.
    """

    path: str
    found: str
    mended: Any = None
    why_not: str = ""


@attrs.frozen(kw_only=True)
class Defect:
    """One way in which a state is not loaded as it was saved.

    name: short, and stays. title: what is wrong, in one line. written_by: which QEMU writes it.
    since, before: the first QEMU that does not load it, and the first that does again; both empty:
    none does. by_target: `find` looks at the target itself. harm: the load fails, may fail, or goes
    on and something is lost. mend: what is changed, and why that is right; empty if nothing can be.
    cannot: what cannot be mended, and why. verdict: what the mended state means for the guest, and
    why. find: the places in a state; of these one at most has a mended state, with all of them
    mended that can be.
    """

    name: str
    title: str
    written_by: str
    since: str = ""
    before: str = ""
    by_target: bool = False
    harm: Literal["refused", "chance", "lost"] = "refused"
    mend: str = ""
    cannot: str = ""
    verdict: Verdict | None = None
    find: Callable[[Patient], Iterable[Diagnosis]]

    def concerns(self, release: Release | None) -> bool:
        """Whether that QEMU is known not to load it."""
        if release is None:
            return not (self.since or self.before or self.by_target)
        started = not self.since or release >= release_of(self.since)
        return started and (not self.before or release < release_of(self.before))

    @property
    def concerned(self) -> str:
        """Which QEMU does not load it, in words."""
        if self.by_target:
            return "older than what is found"
        if self.since and self.before:
            return f"{self.since} up to before {self.before}"
        if self.before:
            return f"older than {self.before}"
        return f"{self.since} and newer" if self.since else "all"


@attrs.frozen
class RingSize:
    """How long a ring can be: descriptors, and the property of the device that changes it."""

    default: int
    option: str = ""


@attrs.frozen(kw_only=True)
class DefaultChange:
    """An option of a device whose default depends on the machine type.

    since: the version of machine types from which on it is `after`; before, it is `before`.
    transport: of the devices that have it; empty: of any. The two hardwares differ, and a target
    refuses a stream of the other kind unless it is started with the other value.
    """

    option: str
    since: str
    before: str
    after: str
    transport: str = ""

    def needed(self, old: Release | None, new: Release | None) -> str:
        """`option=value` for a target of machine release `new`; empty if the default is right."""
        if old is None or new is None:
            return ""
        changed = release_of(self.since)
        if (old < changed) is (new < changed):
            return ""
        return f"{self.option}={self.before if old < changed else self.after}"
