"""`virtmig load FILE`: real sections through the documented procedure into live devices."""

from __future__ import annotations

from typing import Any

import attrs
import click

from virtmig.cli import common
from virtmig.errors import NoDriver, VirtmigError
from virtmig.formats.view import error_view, section_view
from virtmig.guest.memory import GuestMemory
from virtmig.hooks.registry import Registry
from virtmig.live.blueprint import create
from virtmig.live.procedure import virtio_load, virtio_save
from virtmig.reading import Attached, Found, Options, Undecoded, read_devices
from virtmig.stream.editing import Edits
from virtmig.stream.opening import Stream
from virtmig.stream.sections import Section
from virtmig.virtio.order import Step, label
from virtmig.virtio.subsections import TAILS


@attrs.define(eq=False)
class Outcome:
    """What became of one device."""

    section: Section
    steps: list[tuple[Step, int | str, str]] = attrs.field(factory=list[Any])
    error: VirtmigError | None = None
    payload: bytes | None = None
    verdict: str = "loaded"


@click.command("load")
@common.file_argument
@click.option("--trace", is_flag=True, help="Print each documented step as it is done.")
@click.option(
    "--save",
    "save_to",
    type=common.output_file,
    help="Save the live devices again, into a complete stream.",
)
@common.as_json
@common.reading_options
def command(
    file: str,
    *,
    trace: bool,
    save_to: str | None,
    as_json: bool,
    given: Options,
) -> int:
    """Load every virtio device of FILE into a live object, hook by hook.

    With --save, OUT is a complete stream with every virtio section re-encoded from the live
    devices; sections of other devices, and of those without a driver, are copied.
    """
    registry = Registry()
    with common.opened(file) as stream:
        devices = read_devices(stream, registry, given)
        memory, why_not = common.memory_of(stream)
        outcomes = [_pass(stream, device, memory, save=save_to is not None) for device in devices]
        code = max([common.exit_code(devices, given), *map(_code, outcomes)])
        if save_to is not None and code == 0:
            payloads = {o.section: o.payload for o in outcomes if o.payload is not None}
            stream.write(save_to, Edits(payloads=payloads))
    saved = save_to if code == 0 else None
    if as_json:
        _print_json(file, outcomes, why_not, saved)
    else:
        _print(outcomes, why_not, saved, trace=trace)
    if save_to is not None and saved is None:
        click.echo(f"virtmig: {save_to} was not written", err=True)
    common.report_errors(registry.broken)
    return code


def _code(outcome: Outcome) -> int:
    error = outcome.error
    return 0 if error is None or isinstance(error, NoDriver) else error.exit_code


def _pass(stream: Stream, device: Found, memory: GuestMemory | None, *, save: bool) -> Outcome:
    """Load one device, and save it again if asked to."""
    outcome = Outcome(device.section)
    if isinstance(device, Undecoded):
        outcome.error, outcome.verdict = device.error, "kept as bytes"
        return outcome
    if isinstance(device, Attached):
        outcome.verdict = "no virtio core, kept as it is"
        return outcome

    def on_step(step: Step, key: int | str, note: str) -> None:
        outcome.steps.append((step, key, note))

    drivers = device.drivers
    try:
        live = create(drivers, device.state, device.endian)
        virtio_load(live, drivers, device.state, memory, on_step)
        if save:
            state = virtio_save(live, drivers, on_step)
            outcome.payload = drivers.envelope.unparse(state, device.section.version_id)
            same = outcome.payload == stream.payload(device.section)
            outcome.verdict = "saved, identical" if same else "saved, CHANGED"
    except VirtmigError as error:
        outcome.error, outcome.verdict = error.in_section(device.section.idstr), "refused"
    return outcome


def _print(outcomes: list[Outcome], why_not: str, saved: str | None, *, trace: bool) -> None:
    if why_not:
        common.say(f"note: indices are not checked against guest memory: {why_not}")
    for outcome in outcomes:
        common.say(f"{outcome.section.idstr}  {outcome.verdict}")
        if outcome.error is not None:
            common.say(f"  {type(outcome.error).__name__}: {outcome.error}")
        for step, key, note in outcome.steps:
            if trace:
                text = note or (TAILS[key].doc if isinstance(key, str) and key else step.text)
                common.say(f"  {step.party.value:<17} {label(step, key):<42} {text}".rstrip())
            elif "broken" in note:
                common.say(f"  {note}")
    if saved is not None:
        common.say(f"wrote {saved}")


def _print_json(file: str, outcomes: list[Outcome], why_not: str, saved: str | None) -> None:
    devices = [
        {
            **section_view(outcome.section),
            "verdict": outcome.verdict,
            "error": error_view(outcome.error) if outcome.error else None,
            "trace": [
                {"step": label(step, key), "party": step.party.value, "note": note}
                for step, key, note in outcome.steps
            ],
        }
        for outcome in outcomes
    ]
    common.print_json({"file": file, "memory": why_not, "saved": saved, "devices": devices})
