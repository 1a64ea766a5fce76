"""`virtmig edit FILE -o OUT`: other values in a stream, judged before they are written."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click
from click.shell_completion import CompletionItem

from virtmig.cli import common
from virtmig.cli.apart import INPUT, OUTPUT, input_name, keep_apart
from virtmig.cli.asking import edit_options
from virtmig.editing import log, telling
from virtmig.editing.completing import complete_drop, complete_set
from virtmig.editing.devices import decoded
from virtmig.editing.plan import EditPlan, plan_edits
from virtmig.editing.requests import Request
from virtmig.editing.writing import write_json, write_plan
from virtmig.errors import VirtmigError
from virtmig.hooks.registry import Registry
from virtmig.reading import Options, read_devices
from virtmig.stream.opening import open_stream
from virtmig.wire.meaning import Risk


def _completions(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[Any]:
    """What `incomplete` can become, from the devices of the file on the command line.

    An option whose value is not typed yet ends click's parsing, and the file is then left over.
    """
    device = str(ctx.params.get("device") or "")
    file = ctx.params.get("file") or next(iter(ctx.args), "")
    if not Path(file).is_file():  # standard input is not to be waited for
        return []
    try:
        with open_stream(file) as stream:
            if param.name in ("renames", "device"):
                names = [one.idstr for one in stream.sections]
                found = [name for name in names if name.startswith(incomplete)]
            else:
                devices = decoded(read_devices(stream, Registry()))
                complete = complete_set if param.name == "sets" else complete_drop
                found = complete(devices, incomplete, device)
    except (VirtmigError, OSError):  # nothing to offer; the command itself will say why
        return []
    return [CompletionItem(one) for one in found]


@click.command("edit")
@common.file_argument
@click.option("-o", "--output", type=common.output_file, help="Stream to write.")
@edit_options(_completions)
@click.option("--unsafe", is_flag=True, help="Allow what a running guest driver may be hurt by.")
@click.option("--dry-run", is_flag=True, help="Show what would change; write nothing.")
@click.option(
    "--undo",
    "undo_file",
    type=click.Path(dir_okay=False),
    help="Where the patch that takes it back goes (default: OUTPUT.undo.json).",
)
@click.option(
    "--log", "log_file", type=click.Path(dir_okay=False), help="List each changed byte there."
)
@common.as_json
@common.reading_options
def command(  # noqa: PLR0913  an option each
    file: str,
    *,
    output: str | None,
    dry_run: bool,
    unsafe: bool,
    undo_file: str | None,
    log_file: str | None,
    as_json: bool,
    given: Options,
    requests: list[Request],
) -> None:
    """Change values in the stream FILE, and write it to OUTPUT.

    PATH is what `inspect --json` shows below `state`, such as device.mac or queues[2].num;
    common.guest_features is all words of accepted features together. Whatever is not asked for
    stays as it is, byte for byte. Each change is safe, conditional or unsafe for a guest that runs
    on, with the reason; an unsafe one is refused without --unsafe.
    """
    if output is None and not dry_run:
        raise click.UsageError("say where to write with -o, or use --dry-run")
    if not requests:
        raise click.UsageError("nothing is asked for: use --set, --rename or another")
    undo = _undo(file, output, undo_file) if output is not None and not dry_run else ""
    files = {INPUT: input_name(file), OUTPUT: output, "--undo": undo or undo_file}
    keep_apart({**files, "--log": log_file}, in_place=True)
    registry = Registry()
    with common.opened(file) as stream:
        plan = plan_edits(stream, registry, requests, given)
        inside = stream.container
        entries = [dict(log.as_json(one)) for one in log.entries(stream, plan)]
        undo = undo if plan.changes or plan.edits.payloads else ""
        allowed = unsafe or plan.risk is not Risk.UNSAFE
        logged = {"file": file, "output": output, "bytes": entries}
        logs = {log_file: logged} if log_file is not None and allowed else {}
        if output is not None and not dry_run and allowed:
            write_plan(stream, plan, output, undo, logs, unsafe=unsafe)
        else:
            for path, data in logs.items():
                write_json(path, data)
    written = output if allowed and not dry_run else None
    data = {"file": file, "written": written, "undo": undo if written and undo else None}
    if as_json:
        common.print_json({**data, **telling.view(plan), "bytes": entries})
    else:
        _print(plan, written, undo, inside)
    common.report_errors(registry.broken)
    plan.permit(unsafe=unsafe)


def _undo(file: str, output: str, wanted: str | None) -> str:
    """Where the undo patch goes: never over that of an earlier edit of the same file."""
    undo = wanted or f"{output}.undo.json"
    same = Path(output).exists() and Path(file).exists() and Path(output).samefile(file)
    if wanted is None and same and Path(undo).exists():
        reason = f"{undo} takes an earlier edit of {file} back"
        raise click.UsageError(f"{reason}: keep it, and name another one with --undo")
    return undo


def _print(plan: EditPlan, written: str | None, undo: str, inside: str) -> None:
    for line in telling.lines(plan):
        common.say(line)
    what = f"the stream back to the byte, with {inside} around it anew" if inside else "it back"
    back = f"; {undo} takes {what}" if undo else ""
    common.say(f"wrote {written}{back}" if written else "nothing was written")
