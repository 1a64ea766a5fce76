"""`virtmig convert FILE -o OUT`: the same stream in another kind of file, or for another QEMU."""

from __future__ import annotations

from pathlib import Path

import click

from virtmig.cli import common
from virtmig.containers.converting import Domain, Form, form_of, forms, write_as
from virtmig.errors import NoDriver
from virtmig.formats import cbor
from virtmig.hooks.registry import Registry
from virtmig.reading import Options, check_facts, read_devices
from virtmig.repairing import telling
from virtmig.repairing.generations import Fitted, fit
from virtmig.stream.opening import Stream
from virtmig.virtio.defects import Release, Target

CBOR = "cbor"


def _list_forms(context: click.Context, _: click.Parameter, value: bool) -> None:  # noqa: FBT001
    if value:
        for form in forms():
            suffixes = f" ({', '.join(form.suffixes)})" if form.suffixes else ""
            click.echo(f"{form.name:<16} {form.doc}{suffixes}")
        context.exit()


@click.command("convert")
@common.file_argument
@click.option("-o", "--output", required=True, type=common.output_file, help="New file.")
@click.option("--to", "to", default="", metavar="FORM", help="What OUTPUT is; else by its suffix.")
@click.option(
    "--xml",
    type=click.Path(dir_okay=False),
    help="The domain's XML for a libvirt image of a stream that comes from none.",
)
@click.option("--paused", is_flag=True, help="With --xml: the guest is not to run on at once.")
@click.option(
    "--to-qemu",
    "release",
    callback=common.as_release,
    metavar="VERSION",
    help="The QEMU that is to load it, such as 7.2: what it does not know yet is left out.",
)
@click.option(
    "--machine",
    default="",
    metavar="TYPE",
    help="With --to-qemu: the machine type that it is started with, if not that of the stream.",
)
@click.option(
    "--forms",
    is_flag=True,
    is_eager=True,
    expose_value=False,
    callback=_list_forms,
    help="List all forms and end.",
)
@common.as_json
@common.reading_options
def command(  # noqa: PLR0913  an option each
    file: str,
    *,
    output: str,
    to: str,
    xml: str | None,
    paused: bool,
    release: Release | None,
    machine: str,
    as_json: bool,
    given: Options,
) -> None:
    """Write the stream in FILE into another kind of file; its devices stay as they are.

    FORM is `qemu` if neither --to nor the suffix says another one. With --to-qemu the stream is
    made loadable by another version of QEMU, if that loses nothing of the guest's state; if it
    would, the device, the field and the value are named, and nothing is written (exit code 5).
    """
    form = form_of(to, output)
    domain = Domain(xml=None if xml is None else Path(xml).read_bytes(), running=not paused)
    if release is None and machine:
        raise click.UsageError("--machine goes with --to-qemu")
    if release is not None and form.name == CBOR:
        raise click.UsageError("a CBOR file is loaded by no QEMU: --to-qemu makes a stream")
    fitted = None
    with common.opened(file) as stream:
        was = stream.container or "a plain stream"
        if form.name == CBOR:
            _pack(stream, file, output, given)
        else:
            if release is not None:
                fitted = _fitted(stream, form, Target(release=release, machine=machine), given)
            write_as(output, stream, form, domain, fitted.edits if fitted else None)
    size = Path(output).stat().st_size
    if as_json:
        about = {"container": stream.container, "to": form.name, "bytes": size}
        if fitted is not None:
            about |= {"changes": list(fitted.changes), "options": list(fitted.options)}
            about |= {**telling.view(fitted.seen)}
        common.print_json({"file": file, "output": output, **about})
    else:
        for line in telling.fitted_lines(fitted) if fitted is not None else ():
            common.say(line)
        common.say(f"wrote {output}: {form.name}, {size} bytes, from {was}")


def _fitted(stream: Stream, form: Form, target: Target, given: Options) -> Fitted:
    """What makes the stream loadable by a QEMU; an error if state would be, or may be, lost."""
    fitted = fit(stream, Registry(), target, given, mapped=form.mapped)
    check_facts(given, fitted.seen.devices)
    for one in fitted.seen.unread:
        if not isinstance(one.error, NoDriver):
            raise one.error
        common.warn(f"{one.section.idstr} was not looked at: {one.error.reason}")
    if fitted.seen.blocking:
        raise telling.refusal(fitted.seen)
    return fitted


def _pack(stream: Stream, file: str, output: str, given: Options) -> None:
    """Devices alone; RAM is not read for it."""
    stream.refuse_own(output, ["RAM"])
    devices = read_devices(stream, Registry(), given)
    cbor.write(output, cbor.pack(stream, Path(file).name, devices))
