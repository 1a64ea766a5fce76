"""`virtmig filter`: edits and checks of a stream on its way through a pipe."""

from __future__ import annotations

import json
import os
import stat
import sys
import tempfile
from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import attrs
import click

from virtmig.cli import common
from virtmig.cli.apart import INPUT, OUTPUT, STDERR, STDIN, STDOUT, keep_apart
from virtmig.cli.asking import edit_options
from virtmig.editing import log, telling
from virtmig.editing.requests import Request
from virtmig.editing.writing import write_json
from virtmig.errors import VirtmigError, printable
from virtmig.filtering.passage import Record, Report, Wish, Witness, take_through
from virtmig.formats.view import SCHEMA, error_view
from virtmig.hooks.registry import Registry
from virtmig.reading import Options
from virtmig.stream.flow import Flow
from virtmig.stream.writing import replaced

OSERROR = 3
"""What the command ends with where a file cannot be read or written, as all of ours do."""
NO_STREAM = b"virtmig filter: no stream was passed on\n"
"""What a reader gets of a stream that nothing was passed on of. QEMU waits for the first byte of
one for ever, even when its writer is gone."""


class FilterCommand(click.Command):
    """A command whose standard output is waited at for a stream, however wrong it is called."""

    def make_context(self, *arguments: Any, **more: Any) -> click.Context:
        try:
            return super().make_context(*arguments, **more)
        except click.exceptions.Exit:  # --help
            raise
        except BaseException:
            _tell_reader()
            raise

    def invoke(self, ctx: click.Context) -> Any:
        """Call the command, which leaves its flow in the context."""
        code = OSERROR
        try:
            code = super().invoke(ctx)
        finally:
            flow = ctx.find_object(Flow)
            if code and (flow is None or not flow.passed):
                _tell_reader()
        return code


def _tell_reader() -> None:
    """Write what is no stream, where QEMU may wait; a file is better left empty."""
    with suppress(OSError):  # it is closed, or nobody reads
        mode = os.fstat(STDOUT).st_mode
        if stat.S_ISFIFO(mode) or stat.S_ISSOCK(mode):
            os.write(STDOUT, NO_STREAM)


@click.command("filter", cls=FilterCommand)
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
    files = {"--undo": undo_file, "--log": log_file}
    if bool(requests) == check_only:
        raise click.UsageError("ask for a change, such as --set, or for --check; not for both")
    _refuse(files)
    registry = Registry()
    wish = Wish(requests=requests, options=given, unsafe=unsafe)
    witness = _Witness(undo_file, log_file, bool(requests), as_json)
    with output_alone() as sink:
        click.get_current_context().obj = flow = Flow(STDIN, sink)
        return _run(flow, registry, wish, witness)


def _refuse(files: Mapping[str, str | None]) -> None:
    """Refuse what cannot be read from or written to, while the source can still be told."""
    if None in (sys.stdin, sys.stdout, sys.stderr):
        raise click.UsageError("standard input, output and error all have to be open")
    if os.isatty(STDIN) or os.isatty(STDOUT):
        raise click.UsageError("put it into a pipe: ... | virtmig filter ... | ...")
    keep_apart({INPUT: STDIN, OUTPUT: STDOUT, **files})
    for path in filter(None, files.values()):
        _can_write(path)


def _can_write(path: str) -> None:
    """Refuse a file that cannot be replaced, or has no room for a byte."""
    replaced(Path(path))
    try:
        with tempfile.TemporaryFile(dir=Path(path).resolve().parent) as file:
            file.write(b"?")
    except OSError as error:
        error.filename = path
        raise


@attrs.frozen
class _Witness:
    """Leaves the files and the report; what cannot be written keeps the stream incomplete."""

    undo_file: str | None
    log_file: str | None
    asked: bool
    """Whether a change was asked for."""
    as_json: bool

    def keep(self, record: Record) -> None:
        """Leave the files."""
        if self.undo_file is not None:
            write_json(self.undo_file, record.undo)
        if self.log_file is not None:
            write_json(self.log_file, {"bytes": _bytes(record)})

    def tell(self, report: Report) -> None:
        """Say what is passed on, and what was found."""
        if self.as_json:
            told = json.dumps({"schema": SCHEMA, **_view(report)}, indent=2)
            click.echo(told, err=True)
            return
        for line in telling.lines(report.judged.plan) if self.asked else ():
            _say(line)
        checked = report.judged.checked
        for name in checked.as_bytes:
            _say(f"{name}  kept as bytes: no driver is installed")
        for error in checked.refused:
            _say(f"virtmig: warning: a live device refuses this: {error}")
        _say(f"machine {report.machine or 'not named'}, {len(checked.loaded)} devices loaded")


def _view(report: Report) -> dict[str, Any]:
    checked = report.judged.checked
    return {
        "machine": report.machine,
        **telling.view(report.judged.plan),
        "loaded": list(checked.loaded),
        "as_bytes": list(checked.as_bytes),
        "refused": [error_view(error) for error in checked.refused],
        "bytes": _bytes(report.record),
    }


def _bytes(record: Record) -> list[Mapping[str, object]]:
    return [log.as_json(one) for one in record.changed]


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


def _run(flow: Flow, registry: Registry, wish: Wish, witness: Witness) -> int:
    try:
        take_through(flow, registry, wish, witness)
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


def _say(line: str) -> None:
    """Print a line for people, where it is not taken for a part of the stream."""
    click.echo(printable(line), err=True)
