"""`virtmig plugins golden`: a section of a real device, for the tests of its plugin."""

from __future__ import annotations

from pathlib import Path

import click

from virtmig.cli import common
from virtmig.scaffold import Refused
from virtmig.scaffold.project import entry_points
from virtmig.testing.goldens import add_golden


@click.command("golden")
@common.file_argument
@click.argument("idstr", default="")
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
@click.option("--command", "command_line", default="", help="Command line of that QEMU.")
def command(  # noqa: PLR0913  each is an entry of the manifest
    *, file: str, idstr: str, folder: Path, name: str, arch: str, qemu: str, command_line: str
) -> None:
    """Copy one section of the stream FILE into the goldens of a plugin.

    The section is compressed and entered in manifest.toml, and the plugin's tests read it from then
    on. Nothing else of the stream is kept, as the rest is the guest's memory. Without IDSTR it is
    the one section of the device whose plugin is in this folder.
    """
    with common.refusals():
        idstr = idstr or _only_section(file)
    about = {"arch": arch, "qemu": qemu, "command": command_line}
    said = {key: value for key, value in about.items() if value}
    golden = add_golden(folder, file, idstr, name=name, **said)
    common.say(f"{folder / golden.file}: {len(golden.payload()):,} bytes of {idstr}")


def _only_section(file: str) -> str:
    """The section of the device that the plugin in this folder is for."""
    names = {one.name for one in entry_points(Path()) if one.kind != "transport"}
    with common.opened(file) as stream:
        found = [one.idstr for one in stream.sections if one.idstr.rpartition("/")[2] in names]
    if len(found) == 1:
        return found[0]
    wanted = " or ".join(sorted(names)) or "what a transport carries"
    if not found:
        text = f"{file} has no section of {wanted}"
        raise Refused(f"{text}; `virtmig sections {file}` lists what it has")
    raise Refused(f"{file} has {len(found)} sections of {wanted}: name one of {', '.join(found)}")
