"""`virtmig inspect FILE`: every virtio device as a readable tree."""

from __future__ import annotations

import click

from virtmig.cli import common
from virtmig.formats.report import device_lines
from virtmig.formats.view import device_view
from virtmig.hooks.registry import Registry
from virtmig.reading import Options, read_devices


@click.command("inspect")
@common.file_argument
@common.as_json
@click.option("--rings", is_flag=True, help="Read the rings' own indices from guest memory too.")
@common.reading_options
def command(file: str, *, as_json: bool, rings: bool, given: Options) -> int:
    """Show every virtio device of FILE.

    Without --rings no guest memory is read, so the time does not depend on its size.
    """
    registry = Registry()
    with common.opened(file, partial=True, shown=True) as stream:
        devices = read_devices(stream, registry, given)
        memory, why_not = common.memory_of(stream) if rings else (None, "")
        views = [device_view(device, memory) for device in devices]
        if as_json:
            about = {"machine": stream.machine, "container": stream.container}
            notes = {"remark": stream.remark, "cut": str(stream.cut or ""), "memory": why_not}
            common.print_json({"file": file, **about, **notes, "devices": views})
        else:
            _print(stream.machine, len(stream.sections), views, why_not, stream.remark)
    common.report_errors(registry.broken)
    return max(common.exit_code(devices, given), common.cut_code(stream, file))


def _print(machine: str, sections: int, views: list[dict[str, object]], *notes: str) -> None:
    common.say(f"machine {machine or 'not named'}, {len(views)} virtio of {sections} sections")
    for note in filter(None, notes):
        common.say(f"note: {note}")
    for view in views:
        click.echo()
        for line in device_lines(view):
            common.say(line)
