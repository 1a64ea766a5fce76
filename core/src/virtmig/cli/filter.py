"""`virtmig filter`: edits and checks of a stream on its way through a pipe."""

from __future__ import annotations

import json
import os
import sys
import tempfile
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager
from pathlib import Path

import click

from virtmig.cli import common
from virtmig.cli.apart import INPUT, OUTPUT, STDERR, STDIN, STDOUT, keep_apart
from virtmig.cli.asking import edit_options
from virtmig.editing import log, telling
from virtmig.editing.requests import Request
from virtmig.editing.writing import write_json
from virtmig.errors import VirtmigError, printable
from virtmig.filtering.passage import Report, Wish, take_through
from virtmig.formats.view import SCHEMA, error_view
from virtmig.hooks.registry import Registry
from virtmig.reading import Options
from virtmig.stream.flow import Flow

OSERROR = 3
"""What the command ends with where a file cannot be read or written, as all of ours do."""


@click.command("filter")
@edit_options()
@click.option("--check", "check_only", is_flag=True, help="Change nothing, only check.")
@click.option(
    "--unsafe",
    is_flag=True,
    help="Allow what a running guest driver may be hurt by, or a live device refuses.",
)
@click.option(
    "--undo",
    "undo_file",
    type=click.Path(dir_okay=False),
    help="Write the patch that takes it back.",
)
@click.option(
    "--log", "log_file", type=click.Path(dir_okay=False), help="List each changed byte there."
)
@click.option("--json", "as_json", is_flag=True, help="Print the report as JSON, on stderr too.")
@common.reading_options
def command(  # noqa: PLR0913  an option each
    *,
    requests: Sequence[Request],
    check_only: bool,
    unsafe: bool,
    undo_file: str | None,
    log_file: str | None,
    as_json: bool,
    given: Options,
) -> int:
    """Pass a stream from standard input to standard output, and change or check it on the way.

    RAM is passed on as it comes, in a few MiB of memory. The device state behind it is held back
    until all of it is there, decoded, changed and loaded into live devices; if any of that fails,
    the stream ends in front of it, no QEMU takes it, and the exit code is not 0. Requests are those
    of `virtmig edit`. The report goes to standard error.
    """
    if bool(requests) == check_only:
        raise click.UsageError("ask for a change, such as --set, or for --check; not for both")
    if None in (sys.stdin, sys.stdout, sys.stderr):
        raise click.UsageError("standard input, output and error all have to be open")
    if os.isatty(STDIN) or os.isatty(STDOUT):
        raise click.UsageError("put it into a pipe: ... | virtmig filter ... | ...")
    keep_apart({INPUT: STDIN, OUTPUT: STDOUT, "--undo": undo_file, "--log": log_file})
    for path in filter(None, (undo_file, log_file)):
        _can_write(path)
    registry = Registry()
    wish = Wish(requests=requests, options=given, unsafe=unsafe)

    def on_known(report: Report) -> None:
        """Leave the files and the report; what cannot be written keeps the stream incomplete."""
        if undo_file is not None:
            write_json(undo_file, report.undo)
        if log_file is not None:
            write_json(log_file, {"bytes": [dict(log.as_json(one)) for one in report.changed]})
        _tell(report, as_json=as_json)

    with output_alone() as sink:
        return _run(Flow(STDIN, sink), registry, wish, on_known)


def _can_write(path: str) -> None:
    """Refuse a file that cannot be written while the source can still be told."""
    try:
        with tempfile.TemporaryFile(dir=Path(path).resolve().parent):
            pass
    except OSError as error:
        error.filename = path
        raise


@contextmanager
def output_alone() -> Generator[int, None, None]:
    """Standard output, for the stream alone: what a plugin prints goes to standard error."""
    sys.stdout.flush()
    sink = os.dup(STDOUT)
    os.dup2(STDERR, STDOUT)
    try:
        yield sink
    finally:
        os.dup2(sink, STDOUT)
        os.close(sink)


def _run(flow: Flow, registry: Registry, wish: Wish, on_known: Callable[[Report], None]) -> int:
    try:
        take_through(flow, registry, wish, on_known)
    except BrokenPipeError:
        _last(f"the reader left when {flow.passed} bytes of the stream were passed on")
        return OSERROR
    except (VirtmigError, OSError) as error:
        held = f"stopped behind {flow.passed} bytes: the device state was held back"
        if not _last(held if flow.passed else "nothing was passed on"):
            return error.exit_code if isinstance(error, VirtmigError) else OSERROR
        raise
    common.report_errors(registry.broken)
    return 0


def _last(text: str) -> bool:
    """Say why it ends here; whether that could be said: standard error may be a full disk."""
    try:
        _say(f"virtmig: {text}")
    except OSError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), STDERR)  # what is left of it goes nowhere
        return False
    return True


def _tell(report: Report, *, as_json: bool) -> None:
    """Say what is passed on, and what was found."""
    checked = report.judged.checked
    if as_json:
        data = {
            "machine": report.machine,
            **telling.view(report.judged.plan),
            "loaded": list(checked.loaded),
            "as_bytes": list(checked.as_bytes),
            "refused": [error_view(error) for error in checked.refused],
            "bytes": [dict(log.as_json(one)) for one in report.changed],
        }
        click.echo(json.dumps({"schema": SCHEMA, **data}, indent=2), err=True)
        return
    for line in telling.lines(report.judged.plan) if report.undo["sections"] else ():
        _say(line)
    for name in checked.as_bytes:
        _say(f"{name}  kept as bytes: no driver is installed")
    for error in checked.refused:
        _say(f"virtmig: warning: a live device refuses this: {error}")
    _say(f"machine {report.machine or 'not named'}, {len(checked.loaded)} devices loaded")


def _say(line: str) -> None:
    """Print a line for people, where it is not taken for a part of the stream."""
    click.echo(printable(line), err=True)
