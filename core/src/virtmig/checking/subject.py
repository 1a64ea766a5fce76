"""One distribution that is checked: installed, a project's folder, or a wheel."""

from __future__ import annotations

import configparser
import email.parser
import tomllib
import zipfile
from collections.abc import Iterable, Iterator, Mapping
from importlib import metadata
from pathlib import Path
from typing import Any

import attrs

from virtmig.checking.modules import find_module
from virtmig.errors import PluginError, printable, told
from virtmig.hooks.contract import Finding
from virtmig.hooks.corerange import on_core
from virtmig.hooks.discovery import KINDS, Installed, Scan, normal
from virtmig.hooks.known import DISTRIBUTIONS

LICENCES = ("License-Expression", "License", "License-File")
OURS = "virtmig."


@attrs.frozen(kw_only=True)
class Subject:
    """A distribution as its metadata describes it.

    points: its entry points in groups of ours, known or not. requires: of the core. place: what
    holds the metadata, for messages. path: where its modules are, if they are not installed. base:
    what paths in messages are relative to. findings: what was wrong with the metadata itself.
    """

    name: str
    version: str = ""
    points: tuple[Installed, ...] = ()
    python: str = ""
    readme: bool = False
    licence: bool = False
    requires: tuple[str, ...] = ()
    place: str = ""
    path: tuple[str, ...] = ()
    base: str = ""
    findings: tuple[Finding, ...] = ()

    def shown(self, file: Path) -> str:
        """A path for a message, as short as it can be."""
        places = [self.base] if self.base else []
        for one in self.points:
            spec = find_module(one.value.partition(":")[0].partition(".")[0].strip(), self.path)
            within = list(spec.submodule_search_locations or ()) if spec is not None else []
            places += [str(Path(folder).parent) for folder in within]
        for place in places:
            if file.is_relative_to(place):
                return printable(str(file.relative_to(place)))
        return printable(str(file))


def of_installed(name: str, scan: Scan) -> Subject:
    """The installed distribution of this name, be there drivers in it or not."""
    wanted = normal(name)
    points = tuple(one for one in scan.drivers if normal(one.distribution) == wanted)
    try:
        found = metadata.distribution(points[0].distribution if points else name)
        return _of_metadata(found.metadata, points=(*points, *_elsewhere(found)))
    except metadata.PackageNotFoundError:
        if not points:
            raise _not_there(name, scan) from None
        error = "its METADATA is not there"
    except Exception as problem:
        if not points:
            raise PluginError(f"{name}: its metadata cannot be read: {told(problem)}") from problem
        error = f"its METADATA cannot be read: {told(problem)}"
    finding = Finding(
        code="metadata", where=points[0].folder, what=error, do="install the distribution again"
    )
    return Subject(name=points[0].distribution, points=points, findings=(finding,))


def _not_there(name: str, scan: Scan) -> PluginError:
    """The error that says what a name is, if it is none of a distribution that is installed."""
    owners = [one.distribution for one in scan.drivers if one.name == name]
    hints = [f"the driver {name} is of {one}: virtmig plugins validate {one}" for one in owners]
    text = f"{name} is neither installed nor a folder nor a wheel"
    if Path(name).is_dir():
        text = f"{name} is not installed, and the folder of this name has no pyproject.toml"
    elif Path(name).exists():
        text = f"{name} is not installed, and the file of this name is no wheel"
    elif name in DISTRIBUTIONS and not owners:
        hints = [f"the driver {name} is of {DISTRIBUTIONS[name]}, which is not installed"]
    return PluginError(text, hint="; ".join(hints))


def _elsewhere(distribution: metadata.Distribution) -> Iterator[Installed]:
    """Entry points in groups that look like ours and are none."""
    for one in distribution.entry_points:
        if one.group.startswith(OURS) and one.group not in KINDS:
            name = distribution.metadata["Name"]
            yield Installed(one.group, one.name, one.value, name, distribution.version)


def _of_metadata(about: Any, **more: Any) -> Subject:
    """What METADATA says; it is an email message, its text being the readme."""
    if "Name" not in about:
        raise ValueError("it has no name")
    return Subject(
        name=str(about["Name"]),
        version=str(about["Version"] or ""),
        python=str(about.get("Requires-Python", "")),
        readme="Description" in about or bool(about.get_payload().strip()),
        licence=any(key in about for key in LICENCES),
        requires=on_core(about.get_all("Requires-Dist") or ()),
        place="METADATA",
        **more,
    )


def of_wheel(path: Path, scratch: Path) -> Subject:
    """A built wheel, unpacked into the folder `scratch`."""
    try:
        with zipfile.ZipFile(path) as archive:
            archive.extractall(scratch)
        (about,) = scratch.glob("*.dist-info/METADATA")
        found = email.parser.Parser().parsestr(about.read_text("utf-8"))
        lines = about.with_name("entry_points.txt")
        groups = _groups(lines.read_text("utf-8") if lines.exists() else "")
        subject = _of_metadata(found, path=(str(scratch),), base=str(scratch))
    except (OSError, ValueError, zipfile.BadZipFile, configparser.Error) as error:
        raise PluginError(f"{path} cannot be read as a wheel: {told(error)}") from error
    return attrs.evolve(subject, points=_entries(groups, subject, subject.requires))


def _groups(text: str) -> dict[str, dict[str, str]]:
    parser = configparser.ConfigParser(delimiters="=", interpolation=None, strict=False)
    setattr(parser, "optionxform", str)  # noqa: B010  names keep their letters
    parser.read_string(text)
    return {group: dict(parser.items(group)) for group in parser.sections()}


def _entries(
    groups: Mapping[str, Any], subject: Subject, requires: tuple[str, ...]
) -> tuple[Installed, ...]:
    return tuple(
        Installed(group, name, str(value), subject.name, subject.version, requires)
        for group, points in groups.items()
        if group.startswith(OURS)
        for name, value in sorted(_table(points).items())
    )


def _table(value: Any) -> dict[str, Any]:
    """A table of TOML; empty if it is something else."""
    found: dict[str, Any] = value if issubclass(type(value), dict) else {}
    return found


def of_folder(folder: Path) -> Subject:
    """A project with a pyproject.toml; nothing is built."""
    file = folder / "pyproject.toml"
    try:
        table = _table(tomllib.loads(file.read_text("utf-8")).get("project"))
    except (OSError, ValueError) as error:
        raise PluginError(f"{file} cannot be read: {told(error)}") from error
    if not isinstance(table.get("name"), str):
        raise PluginError(f"{file} has no table [project] with a name")
    version = str(table.get("version", "0"))
    requires = on_core(one for one in table.get("dependencies", ()) if isinstance(one, str))
    subject = Subject(
        name=table["name"],
        version=version,
        python=str(table.get("requires-python", "")),
        readme="readme" in table,
        licence="license" in table,
        requires=requires,
        place="pyproject.toml",
        path=tuple(str(one) for one in (folder / "src", folder) if one.is_dir()),
        base=str(folder),
        findings=tuple(_dynamic(table.get("dynamic", ()))),
    )
    return attrs.evolve(
        subject, points=_entries(_table(table.get("entry-points")), subject, requires)
    )


def _dynamic(names: Iterable[Any]) -> Iterable[Finding]:
    for name in sorted({"dependencies", "entry-points"} & {str(one) for one in names}):
        text = f"{name} are made while building, so they are not seen here"
        cure = "validate the built wheel"
        yield Finding(
            code="dynamic", severity="warning", where="pyproject.toml", what=text, do=cure
        )
