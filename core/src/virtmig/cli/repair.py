"""`virtmig repair FILE -o OUT`: the defects that keep a QEMU from loading a stream, mended."""

from __future__ import annotations

import click

from virtmig.cli import common
from virtmig.cli.apart import INPUT, OUTPUT, input_name, keep_apart
from virtmig.editing.plan import EditPlan
from virtmig.editing.writing import write_plan
from virtmig.hooks.registry import Registry
from virtmig.reading import Options
from virtmig.repairing import telling
from virtmig.repairing.treating import examine
from virtmig.virtio.defects import Release, Target
from virtmig.virtio.finishing import Outcome


@click.command("repair")
@common.file_argument
@click.option("-o", "--output", type=common.output_file, help="The mended stream.")
@click.option(
    "--target",
    callback=common.as_release,
    metavar="VERSION",
    help="The QEMU that is to load it, such as 10.0. Without it only what no QEMU loads is mended.",
)
@click.option(
    "--undo",
    type=click.Path(dir_okay=False),
    default="",
    help="Write the patch that takes it back there, for `virtmig edit --patch`.",
)
@click.option(
    "--complete-requests",
    "outcome",
    type=click.Choice(["error", "ok"]),
    help="Finish the requests in flight of disks by hand: with an I/O error, or as if carried out.",
)
@click.option("--unsafe", is_flag=True, help="Allow --complete-requests ok.")
@click.option("--list", "list_only", is_flag=True, help="Say what is wrong, and write nothing.")
@common.as_json
@common.reading_options
def command(  # noqa: PLR0913  an option each
    file: str,
    *,
    output: str | None,
    target: Release | None,
    undo: str,
    outcome: Outcome | None,
    unsafe: bool,
    list_only: bool,
    as_json: bool,
    given: Options,
) -> int:
    """Mend what keeps QEMU from loading FILE: what was written wrong, or the target does not know.

    Nothing else changes, to the last byte. What cannot be mended is said, with the reason; if the
    target would refuse the stream all the same, nothing is written and the exit code is 5. With
    --list the exit code is 1 if there is something to mend.
    """
    if list_only == (output is not None):
        raise click.UsageError("give either -o OUT or --list")
    if outcome is not None and undo:
        raise click.UsageError("--undo takes back what is in sections, not guest memory")
    keep_apart({INPUT: input_name(file), OUTPUT: output, "--undo": undo}, in_place=True)
    registry = Registry()
    with common.opened(file) as stream:
        seen = examine(stream, registry, Target(release=target), given, outcome)
        code = common.exit_code(seen.devices, given)
        notes = telling.notes(stream, seen)
        written = None
        if output is not None and not seen.blocking and not code:
            telling.permit(seen, unsafe=unsafe)
            write_plan(stream, EditPlan(changes=(), edits=seen.edits), output, undo)
            written = output
    if as_json:
        common.print_json({"file": file, **telling.view(seen), "notes": notes, "written": written})
    else:
        for line in (*telling.lines(seen), *notes):
            common.say(line)
        if written is not None:
            common.say(f"wrote {written}")
    common.report_errors([*registry.broken, *(one.error for one in seen.unread)])
    if seen.blocking and not list_only:
        raise telling.refusal(seen)
    if written is None and output is not None:
        click.echo(f"virtmig: {output} was not written", err=True)
    return code or int(list_only and any(finding.concerns for finding in seen.findings))
