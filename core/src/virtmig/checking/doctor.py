"""All that is wrong with the installed plugins, one by one and with each other."""

from __future__ import annotations

import platform
from collections.abc import Iterator, Sequence
from importlib import metadata
from typing import Any

import attrs

import virtmig
from virtmig.checking.causes import told_once
from virtmig.checking.installs import linked_folder, stale_findings
from virtmig.checking.modules import find_module, package_folder, top_of
from virtmig.checking.probing import Probed, probe
from virtmig.checking.static import static_findings
from virtmig.checking.subject import of_installed
from virtmig.checking.validate import shared
from virtmig.environment import LOAD, VARIABLES, import_seconds
from virtmig.errors import PluginError
from virtmig.hooks.contract import Finding
from virtmig.hooks.discovery import (
    KINDS,
    TRANSPORTS,
    Installed,
    Scan,
    chosen,
    find,
    normal,
    scan,
    wanted_names,
)
from virtmig.hooks.known import BUSES, DISTRIBUTIONS

DEPENDENCIES = ("attrs", "cbor2", "click", "packaging", "pluggy")


@attrs.frozen
class Report:
    """What there is, the drivers as far as they could be asked, and what is wrong."""

    environment: dict[str, Any]
    probed: list[Probed]
    findings: list[Finding]


def examine() -> Report:
    """Look at everything that is installed and may be used."""
    found = scan()
    usable = chosen(found.drivers)
    probed = probe(usable, import_seconds())
    findings = [Finding(code="metadata", what=one.reason, do=one.hint) for one in found.broken]
    findings += _left_out(found, usable)
    findings += _no_transport(found)
    findings += _conflicts(usable)
    for name in sorted({one.distribution for one in usable}):
        findings += _of_one(name, found)
    for linked in {one.distribution: one for one in usable}.values():
        if folder := linked_folder(linked):
            findings += stale_findings(folder, linked.distribution)
    for one in probed:
        owner = one.source.distribution
        findings += [attrs.evolve(finding, distribution=owner) for finding in one.findings]
    findings += shared(probed)
    return Report(_environment(usable), probed, told_once(findings))


def _of_one(name: str, found: Scan) -> list[Finding]:
    try:
        return static_findings(of_installed(name, found))
    except PluginError as error:
        return [Finding(code="metadata", what=error.reason, do=error.hint, distribution=name)]


def _left_out(found: Scan, usable: Sequence[Installed]) -> Iterator[Finding]:
    """What `VIRTMIG_LOAD_PLUGINS` does, so that nobody wonders where drivers are."""
    if LOAD.text is None:
        return
    hidden = sorted({one.distribution for one in found.drivers} - {o.distribution for o in usable})
    if hidden:
        text = f"{LOAD.name}={LOAD.text!r} leaves out {', '.join(hidden)}"
        yield Finding(code="left-out", severity="note", where=LOAD.name, what=text, do="unset it")
    known = {normal(name) for one in found.drivers for name in (one.name, one.distribution)}
    for name in sorted(wanted_names() - known):
        text = f"{name!r} is neither an installed plugin nor a driver of one"
        do = "see virtmig plugins list for the names"
        yield Finding(code="name-unknown", severity="warning", where=LOAD.name, what=text, do=do)


def _no_transport(found: Scan) -> Iterator[Finding]:
    """Device plugins alone read no device: each sits on a bus."""
    if not found.of(TRANSPORTS):
        buses = ", ".join(DISTRIBUTIONS[bus] for bus in BUSES)
        text = "no driver of a bus is installed, so no section of a virtio device is read"
        do = f"pip install the one of your machines: {buses}"
        yield Finding(code="no-transport", severity="note", what=text, do=do)


def _conflicts(usable: Sequence[Installed]) -> Iterator[Finding]:
    """Names and import packages that two distributions have."""
    for group, name in sorted({(one.group, one.name) for one in usable}):
        several = [one for one in usable if one.group == group]
        try:
            find(group, name, several)
        except PluginError as error:
            yield Finding(
                code="name-taken", where=group, what=error.reason, do=error.hint or "keep one"
            )
    for name in sorted({one.name for one in usable}):
        groups = {one.group for one in usable if one.name == name}
        if len(groups) > 1:
            text = f"{name} is in {' and '.join(sorted(groups))}"
            yield Finding(code="name-in-groups", where=name, what=text, do="keep one")
    owners = _package_owners(usable)
    for top in sorted({top_of(one.value) for one in usable}):
        spec = find_module(top)
        if len(owners[top]) > 1 and spec is not None and spec.origin is not None:
            text = f"{' and '.join(sorted(owners[top]))} both have the import package {top}"
            do = "one has overwritten files of the other: uninstall both, install one"
            yield Finding(code="package-shared", where=top, what=text, do=do)


def _package_owners(usable: Sequence[Installed]) -> dict[str, set[str]]:
    """Who brings each import package of a driver, by entry points and by lists of files."""
    owners: dict[str, set[str]] = {}
    for one in usable:
        owners.setdefault(top_of(one.value), set()).add(one.distribution)
    for distribution in metadata.distributions():
        try:
            tops = {path.parts[0] for path in distribution.files or () if len(path.parts) > 1}
            for top in tops & set(owners):
                owners[top].add(str(distribution.metadata["Name"]))
        except Exception:  # noqa: BLE001, S112  damaged; told by others
            continue
    return {top: {normal(name) for name in names} for top, names in owners.items()}


def _environment(usable: Sequence[Installed]) -> dict[str, Any]:
    """Where and with what all this runs."""
    return {
        "python": platform.python_version(),
        "virtmig": virtmig.__version__,
        "file": str(package_folder("virtmig")),
        "dependencies": {name: _version(name) for name in DEPENDENCIES},
        "variables": {one.name: one.text for one in VARIABLES if one.text is not None},
        "plugins": [
            {
                "distribution": one.distribution,
                "version": one.version,
                "editable": bool(linked_folder(one)),
            }
            for _, one in sorted({one.distribution: one for one in usable}.items())
        ],
        "groups": list(KINDS),
    }


def _version(name: str) -> str:
    try:
        return metadata.version(name)
    except Exception:  # noqa: BLE001  damaged metadata fail in many ways
        return ""
