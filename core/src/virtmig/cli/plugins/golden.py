"""`virtmig plugins golden`: a section of a real device, for the tests of its plugin."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from virtmig.cli import common
from virtmig.cli.plugins import bare
from virtmig.errors import StreamError
from virtmig.hooks.discovery import Installed
from virtmig.scaffold import Refused
from virtmig.scaffold.project import entry_points
from virtmig.testing.goldens import Golden, add_golden

ALONE = "the bytes of one section alone are taken with --payload"


@click.command("golden")
@common.file_argument
@click.argument("section", default="")
@click.option(
    "--to",
    "folder",
    type=click.Path(file_okay=False, path_type=Path),
    default=Path("tests/goldens"),
    show_default=True,
    help="Folder of the goldens.",
)
@click.option("--name", default="", help="Its name; default: the machine type, and a number.")
@click.option("--arch", default="", help="Architecture of the guest.")
@click.option("--qemu", default="", help="Version of QEMU that saved it.")
@click.option("--command", default="", help="Command line of that QEMU.")
@click.option(
    "--payload", is_flag=True, help="FILE is no stream, but a section without header and footer."
)
@click.option("--idstr", default="", help="With --payload: its name, as 0000:00:03.0/virtio-echo.")
@click.option(
    "--version", type=click.IntRange(0, 0xFFFFFFFF), help="With --payload: its version_id."
)
@click.option("--machine", default="", help="With --payload: the machine type, if there is one.")
def command(  # noqa: PLR0913  each is an entry of the manifest
    *,
    file: str,
    section: str,
    folder: Path,
    payload: bool,
    idstr: str,
    version: int | None,
    machine: str,
    **about: str,
) -> None:
    """Copy one section of the stream FILE into the goldens of a plugin.

    The section is compressed and entered in manifest.toml, and the plugin's tests read it from then
    on. Nothing else of the stream is kept, as the rest is the guest's memory. SECTION is an idstr,
    or the end of one that is the only such: virtio-net. Without it, it is the one section of the
    device whose plugin is in this folder.

    With --payload, FILE is the bytes of a section alone, of whatever program. What its header would
    have said is told with --idstr and --version.
    """
    said = {key: value for key, value in about.items() if value}
    with common.refusals():
        if payload:
            bare.check_told(section, idstr, version)
            said |= {"machine": machine} if machine else {}
            golden = bare.add(folder, Path(file), idstr, version or 0, said)
        elif idstr or version is not None or machine:
            raise Refused("--idstr, --version and --machine go with --payload: a stream says them")
        else:
            golden = _out_of_stream(folder, file, section, said)
    common.say(f"{folder / golden.file}: {len(golden.payload()):,} bytes of {golden.idstr}")
    _compare(golden, folder)


def _out_of_stream(folder: Path, file: str, section: str, said: dict[str, Any]) -> Golden:
    """Copy the section that is meant."""
    try:
        with common.opened(file) as stream:
            idstrs = list(dict.fromkeys(one.idstr for one in stream.sections))
    except StreamError as error:
        error.hint = "; ".join(filter(None, (error.hint, ALONE)))
        raise
    idstr = common.one_idstr(idstrs, section) if section else _only_section(file, idstrs)
    return add_golden(folder, file, idstr, **said)


def _only_section(file: str, idstrs: list[str]) -> str:
    """The section of the device that the plugin in this folder is for."""
    names = {one.name for one in entry_points(Path()) if one.kind != "transport"}
    found = [one for one in idstrs if _device(one) in names]
    if len(found) == 1:
        return found[0]
    wanted = " or ".join(sorted(names)) or "what a transport carries"
    if not found:
        text = f"{file} has no section of {wanted}"
        raise Refused(f"{text}; `virtmig sections {file}` lists what it has")
    raise Refused(f"{file} has {len(found)} sections of {wanted}: name one of {', '.join(found)}")


def _compare(golden: Golden, folder: Path) -> None:
    """Warn of a golden that goes to the plugin of another device, whose tests would fail of it."""
    names = {one.name for one in _drivers_around(folder)}
    if names and _device(golden.idstr) not in names:
        text = f"{golden.idstr} is no section of {' or '.join(sorted(names))}"
        common.warn(f"{text}, whose plugin {folder} belongs to")


def _drivers_around(folder: Path) -> list[Installed]:
    """The drivers of the plugin that a folder is part of; none if one of them is a transport's.

    A bus is tested with sections of whatever device sits on it.
    """
    for place in folder.resolve().parents:
        if (place / "pyproject.toml").is_file():
            try:
                found = entry_points(place)
            except Refused:  # a project that is no plugin
                return []
            return [] if any(one.kind == "transport" for one in found) else found
    return []


def _device(idstr: str) -> str:
    return idstr.rpartition("/")[2]
