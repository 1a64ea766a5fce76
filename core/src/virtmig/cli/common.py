"""What several subcommands share: options, opening a stream, printing JSON."""

from __future__ import annotations

import json
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager
from functools import wraps
from typing import Any, TypeVar

import click

from virtmig.errors import NoDriver, VirtmigError, printable
from virtmig.formats.view import SCHEMA
from virtmig.guest.memory import GuestMemory, guest_memory
from virtmig.reading import Found, Options, Undecoded, check_facts
from virtmig.scaffold import Refused
from virtmig.stream.opening import Stream, open_stream
from virtmig.virtio.defects import Release, release_of

T = TypeVar("T")


class OutputPath(click.Path):
    """A file or folder that is written; a file is put in its place when it is whole."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        if value == "-":
            reason = "standard output is none of the files that can be written"
            self.fail(f"{reason}: in a pipe, use `virtmig filter`; a file - is ./-", param, ctx)
        return super().convert(value, param, ctx)


output_file = OutputPath(dir_okay=False)
as_json = click.option("--json", "as_json", is_flag=True, help="Print JSON.")
plain_file_argument = click.argument("file", type=click.Path(dir_okay=False))
_SNAPSHOT = f"{__name__}.snapshot"


def _keep_snapshot(context: click.Context, _: click.Parameter, value: str) -> None:
    context.meta[_SNAPSHOT] = value


def file_argument(command: Callable[..., T]) -> Callable[..., T]:
    """FILE, whatever holds the stream; `opened` knows which snapshot was asked for."""
    snapshot = click.option(
        "--snapshot",
        metavar="NAME",
        default="",
        expose_value=False,
        callback=_keep_snapshot,
        help="Which snapshot, if FILE is a disk image.",
    )
    return plain_file_argument(snapshot(command))


def reading_options(command: Callable[..., T]) -> Callable[..., T]:
    """Options for what the stream itself does not say; the command gets them as `given`."""

    @wraps(command)
    def with_given(*, facts: dict[str, str], transports: dict[str, str], **rest: Any) -> T:
        return command(given=Options(facts, transports), **rest)

    fact = click.option(
        "--fact",
        "facts",
        metavar="NAME=VALUE",
        multiple=True,
        callback=_pairs,
        help="What the stream does not say, e.g. host_byteorder=big. Repeatable.",
    )
    transport = click.option(
        "--transport",
        "transports",
        metavar="IDSTR=NAME",
        multiple=True,
        callback=_pairs,
        help="Transport driver of a device whose path does not tell. Repeatable.",
    )
    return fact(transport(with_given))


def _pairs(_: click.Context, __: click.Parameter, values: Sequence[str]) -> dict[str, str]:
    found: dict[str, str] = {}
    for text in values:
        name, equals, value = text.rpartition("=")
        if not equals:
            raise click.BadParameter(f"{text!r} is not of the form NAME=VALUE")
        found[name] = value
    return found


@contextmanager
def opened(
    file: str, *, partial: bool = False, shown: bool = False
) -> Generator[Stream, None, None]:
    """The stream in a file; errors of the file as a whole name it. `partial`: see `open_stream`.

    What there is to know of how whole the file is, is told. shown: the command's answer says so.
    """
    context = click.get_current_context(silent=True)
    snapshot = context.meta.get(_SNAPSHOT, "") if context else ""
    try:
        stream = open_stream(file, snapshot=snapshot, partial=partial)
    except VirtmigError as error:
        raise error.in_section(file) from error.__cause__
    with stream:
        if stream.remark and not shown:
            warn(stream.remark)
        yield stream


def one_idstr(idstrs: Sequence[str], wanted: str) -> str:
    """The idstr that is wanted, or the only one that ends with it: `virtio-net`."""
    matches = [one for one in idstrs if one == wanted] or [
        one for one in idstrs if one.endswith(wanted)
    ]
    if len(matches) != 1:
        names = ", ".join(idstrs) or "none"
        problem = "several sections end" if matches else "no section ends"
        raise click.BadParameter(f"{problem} with {wanted!r}; there are: {names}")
    return matches[0]


def print_json(data: dict[str, Any]) -> None:
    """A JSON document, with the version of its schema."""
    click.echo(json.dumps({"schema": SCHEMA, **data}, indent=2))


def as_release(_: click.Context, __: click.Parameter, value: str | None) -> Release | None:
    """The version of QEMU that an option names, as a callback."""
    try:
        return None if value is None else release_of(value)
    except VirtmigError as error:
        raise click.BadParameter(str(error)) from None


class Refusal(click.ClickException):
    """Wrong usage that needs no reminder of how the command is called."""

    exit_code = 2


@contextmanager
def refusals() -> Generator[None, None, None]:
    """What is refused because of what was asked for is wrong usage, told in one line."""
    try:
        yield
    except Refused as error:
        raise Refusal(str(error)) from None


def memory_of(stream: Stream) -> tuple[GuestMemory | None, str]:
    """Guest memory, or None and the reason why it cannot be read."""
    memory = guest_memory(stream)
    return (memory, "") if memory.available else (None, memory.why_not)


def exit_code(devices: Sequence[Found], given: Options) -> int:
    """0 if all that a driver is installed for was understood; else that of the worst error.

    A device without a driver is listed and stays bytes: that is no failure as long as any
    device could be read.
    """
    check_facts(given, devices)
    errors = [device.error for device in devices if isinstance(device, Undecoded)]
    serious = [error for error in errors if not isinstance(error, NoDriver)]
    if serious:
        return max(error.exit_code for error in serious)
    return NoDriver.exit_code if errors and len(errors) == len(devices) else 0


def cut_code(stream: Stream, file: str) -> int:
    """The exit code of a stream that ends too early and was opened all the same, which is told."""
    if stream.cut is None:
        return 0
    report_errors([stream.cut.in_section(file)])
    return stream.cut.exit_code


def say(line: str) -> None:
    """Print one line for people, whatever names out of a stream it holds."""
    click.echo(printable(line))


def warn(line: str) -> None:
    """Print a line beside the answer that does not end the command."""
    click.echo(f"virtmig: warning: {printable(line)}", err=True)


def report_errors(errors: Sequence[VirtmigError]) -> None:
    """Print errors that did not end the command."""
    for error in errors:
        click.echo(f"virtmig: {type(error).__name__}: {error}", err=True)
