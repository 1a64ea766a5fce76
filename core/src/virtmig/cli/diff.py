"""`virtmig diff A B`: what one stream says that the other does not."""

from __future__ import annotations

import click

from virtmig.cli import common
from virtmig.comparing import telling
from virtmig.comparing.streams import Asked, compare
from virtmig.hooks.registry import Registry
from virtmig.reading import Options


@click.command("diff")
@click.argument("a", type=click.Path(dir_okay=False))
@click.argument("b", type=click.Path(dir_okay=False))
@click.option(
    "--ignore",
    multiple=True,
    metavar="GLOB",
    help="Leave out differences at [IDSTR:]PATH, * for any text. Repeatable.",
)
@click.option("--rings", is_flag=True, help="Read the rings' own indices from guest memory too.")
@common.as_json
@common.reading_options
def command(  # noqa: PLR0913  an option each
    a: str, b: str, *, ignore: tuple[str, ...], rings: bool, as_json: bool, given: Options
) -> int:
    """Compare the state in A and B, field by field, and say what each difference means.

    Devices are matched by idstr, then by what fits. Sections that virtmig does not understand are
    compared as bytes; RAM is not compared. Exit code 0: no difference, 1: some.
    """
    registry = Registry()
    with common.opened(a, shown=True) as one, common.opened(b, shown=True) as other:
        asked = Asked(options=given, ignore=ignore, rings=rings)
        found = compare(one, other, registry, asked)
    if as_json:
        common.print_json({"a": a, "b": b, **telling.view(found)})
    else:
        for line in telling.lines(found):
            common.say(line)
    common.report_errors(registry.broken)
    return 0 if found.same else 1
