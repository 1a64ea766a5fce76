"""`virtmig plugins new`: a plugin from the template, ready to be filled in."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

import click

from virtmig.cli import common
from virtmig.hooks.discovery import DEVICES, TRANSPORTS, scan
from virtmig.hooks.known import DISTRIBUTIONS, same_id
from virtmig.scaffold import Refused
from virtmig.scaffold.names import Names, names_of
from virtmig.scaffold.readme import README, readme
from virtmig.scaffold.rendering import answers_in, need_copier, render, write_base

NEXT = ('pip install -e ".[test]"', "pytest")


@click.command("new")
@click.argument("name")
@click.option("--transport", is_flag=True, help="Make a plugin for a bus, not for a device.")
@click.option(
    "--path",
    "parent",
    type=click.Path(file_okay=False, path_type=Path),
    default=Path(),
    help="Where to make the folder; default: here.",
)
@click.option("--defaults", is_flag=True, help="Ask nothing, and take what is proposed.")
@click.option(
    "--data",
    "pairs",
    metavar="QUESTION=ANSWER",
    multiple=True,
    help="Answer a question, e.g. device_id=42. Repeatable.",
)
def command(
    *, name: str, transport: bool, parent: Path, defaults: bool, pairs: tuple[str, ...]
) -> None:
    """Make a plugin for the device NAME, such as virtio-echo, with tests that pass.

    NAME is what QEMU calls the device in a stream. The folder is a whole distribution: an example
    as its state, hooks, tests, README, tox.ini and CI. Needs `pip install "virtmig[new]"`.
    """
    with common.refusals():
        need_copier()
        names = names_of(name)
        _check_free(names, TRANSPORTS if transport else DEVICES)
        folder = parent / names.distribution
        if folder.exists():
            raise Refused(f"{folder} exists already; remove it, or choose another --path")
        kind = "transport" if transport else "device"
        given = {**_answers(pairs), "name": name, "kind": kind}
        files = render(given, folder, ask=_asks(defaults=defaults))
        write_base(folder, files)
        (folder / README).write_text(readme(folder)[1])
        number = answers_in(folder).get("device_id")
    _tell(names, folder, kind)
    _warn_of_id(names, number)


def _check_free(names: Names, group: str) -> None:
    for one in scan().of(group):
        if one.name == names.driver:
            text = f"{one.owner} is installed here, and brings {one.name} already"
            raise Refused(f"{text}; to make another, first: pip uninstall {one.distribution}")
    if names.driver in DISTRIBUTIONS:
        text = f"{names.driver} is one of QEMU's own devices, and has a plugin"
        raise Refused(f"{text}: pip install {DISTRIBUTIONS[names.driver]}")


def _asks(*, defaults: bool) -> bool:
    """Whether questions are put; says how, or why they are not though nobody asked for that."""
    if defaults:
        return False
    if sys.stdin.isatty():
        common.say("An answer is proposed for each question: Enter takes it, or change it first.")
        return True
    how = "other answers are given with --data QUESTION=ANSWER"
    common.warn(
        f"the input is no terminal, so it is not read, and what is proposed is taken: {how}"
    )
    return False


def _warn_of_id(names: Names, number: int | None) -> None:
    """Warn of the id of another device; one that another program serves has the same by right."""
    owners = same_id(names.driver, number) if number is not None else []
    if owners and names.driver.startswith("virtio-"):
        common.warn(f"device id {number} is that of {owners[0]}: see describe_driver in live.py")


def _answers(pairs: Sequence[str]) -> dict[str, str]:
    found: dict[str, str] = {}
    for pair in pairs:
        question, equals, answer = pair.partition("=")
        if not equals:
            raise Refused(f"--data {pair!r} is not of the form QUESTION=ANSWER")
        if question in ("name", "kind"):
            raise Refused(f"--data {question}=... is said by NAME and --transport")
        found[question] = answer
    return found


def _tell(names: Names, folder: Path, kind: str) -> None:
    """Say what was made, and what to do with it."""
    common.say(f"{folder}: a plugin for the {kind} {names.driver}, with an example as its state.")
    common.say("See it work:")
    for line in (f"cd {folder}", *NEXT):
        common.say(f"    {line}")
    common.say(f"Then replace the example: start in src/{names.package}/state.py.")
