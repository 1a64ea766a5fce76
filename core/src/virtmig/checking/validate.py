"""All that is wrong with one distribution: what can be seen first, then what its import shows."""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import attrs

from virtmig.checking.causes import told_once
from virtmig.checking.installs import stale_findings
from virtmig.checking.probing import Probed, probe
from virtmig.checking.static import static_findings
from virtmig.checking.subject import Subject, of_folder, of_installed, of_wheel
from virtmig.environment import LOAD, import_seconds
from virtmig.errors import PluginError
from virtmig.hooks.contract import Finding
from virtmig.hooks.discovery import DEVICES, KINDS, Installed, normal, scan

UNLOADABLE = {"entry-point", "module-missing", "no-drivers"}
"""Findings after which nothing is left to import, or it is known to fail."""


@attrs.frozen
class Verdict:
    """A distribution, its drivers as far as they could be asked, and what is wrong."""

    subject: Subject
    probed: list[Probed]
    findings: list[Finding]


def validate(target: str) -> Verdict:
    """Check a distribution that is installed, or a project's folder, or a wheel."""
    path = Path(target)
    if path.suffix == ".whl" and path.is_file():
        with tempfile.TemporaryDirectory() as scratch:
            return judge(of_wheel(path, Path(scratch)))
    if (path / "pyproject.toml").is_file():
        subject = of_folder(path.resolve())
        return judge(subject, stale_findings(path, subject.name))
    if path.exists() and "/" in target:
        raise PluginError(f"{target} is no wheel, and no folder with a pyproject.toml")
    return judge(of_installed(target, scan()))


def judge(subject: Subject, known: Iterable[Finding] = ()) -> Verdict:
    """Both kinds of findings, and the conflicts with what is installed. known: more of them."""
    found = [*static_findings(subject), *known]
    broken = {one.what.partition(" = ")[0] for one in found if one.code in UNLOADABLE}
    points = [one for one in subject.points if one.group in KINDS and one.name not in broken]
    others = [one for one in scan().drivers if normal(one.distribution) != normal(subject.name)]
    probed = probe([*points, *_rivals(points, others)], import_seconds(), subject.path)
    mine, rivals = probed[: len(points)], probed[len(points) :]
    for one in mine:
        found += [attrs.evolve(finding, distribution=subject.name) for finding in one.findings]
    found += _claimed(subject, others)
    found += shared([*rivals, *mine], subject.name)
    return Verdict(subject, mine, told_once(found))


def _rivals(points: Sequence[Installed], others: Sequence[Installed]) -> list[Installed]:
    """Installed drivers that could claim the same: they have to be asked, too."""
    groups = {one.group for one in points}
    return [one for one in others if one.group in groups]


def _claimed(subject: Subject, others: Sequence[Installed]) -> Iterator[Finding]:
    """Names that another distribution has taken."""
    for mine in subject.points:
        for one in others:
            if one.name == mine.name and one.group in KINDS:
                what = f"{one.kind} {one.name}: {one.owner} brings it too, so neither is used"
                do = f"uninstall one of the two, or leave it out of {LOAD.name}"
                yield Finding(
                    code="name-taken", where=mine.value, what=what, do=do, distribution=subject.name
                )


def shared(probed: Sequence[Probed], owner: str = "") -> Iterator[Finding]:
    """What two drivers of different names claim both; the later one is said to be at fault.

    owner: look only for what this distribution has to do with.
    """
    for number, one in enumerate(probed):
        for other in probed[:number]:
            names = {one.source.distribution, other.source.distribution}
            if one.source.name == other.source.name or (owner and owner not in names):
                continue
            yield from _overlap(one, other)


def _overlap(one: Probed, other: Probed) -> Iterator[Finding]:
    both = f"{other.source} and {one.source}"
    claims = [tuple(place) for place in one.facts.get("claims", ())]
    for path, machine in other.facts.get("claims", ()):
        if (path, machine) in claims:
            place = f"path {path!r}" if path else f"machines like {machine!r} without paths"
            what = f"{place}: {both} claim it, so neither is used"
            do = "make path_pattern of one narrower, or uninstall it"
            yield Finding(
                code="path-taken", where=one.source.value, what=what, do=do,
                distribution=one.source.distribution,
            )  # fmt: skip
            return
    if len({pair.source.name.startswith("vhost-") for pair in (one, other)}) > 1:
        return  # one device, served inside QEMU or by another program
    number = one.facts.get("device_id")
    if (
        number is not None
        and number == other.facts.get("device_id")
        and one.source.group == DEVICES
    ):
        what = f"virtio device id {number}: {both} have it"
        do = "right only if QEMU has two devices of that id"
        yield Finding(
            code="device-id-shared", severity="note", where=one.source.value, what=what, do=do,
            distribution=one.source.distribution,
        )  # fmt: skip
