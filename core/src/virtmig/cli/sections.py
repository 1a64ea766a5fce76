"""`virtmig sections FILE`: what the stream is made of."""

from __future__ import annotations

from typing import Any

import click

from virtmig.cli import common
from virtmig.formats.view import section_view
from virtmig.stream.opening import Stream
from virtmig.stream.sections import Section


@click.command("sections")
@common.file_argument
@common.as_json
def command(file: str, *, as_json: bool) -> int:
    """List the sections of FILE, virtio or not: where each lies and how large it is.

    Live sections (ram) are listed where they start; their parts are not walked.
    """
    with common.opened(file, partial=True, shown=True) as stream:
        rows = [_row(section) for section in (*stream.live, *stream.sections)]
        if as_json:
            common.print_json({"file": file, **_head(stream), "sections": rows})
            return common.cut_code(stream, file)
        head = _head(stream)
        head["capabilities"] = ", ".join(head["capabilities"])
        for name, value in head.items():
            common.say(f"{name:<14}{_shown(value)}")
        click.echo(f"\n{'kind':<6} {'id':>4} {'payload at':>12} {'size':>9} {'ver':>4}  idstr")
        for row in rows:
            size = "live" if row["size"] is None else row["size"]
            instance = f" #{row['instance_id']}" if row["instance_id"] else ""
            common.say(
                f"{row['kind']:<6} {row['section_id']:>4} {row['start']:>#12x} {size:>9} "
                f"{row['version_id']:>4}  {row['idstr']}{instance}"
            )
    return common.cut_code(stream, file)


def _shown(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return str(value) or "none"


def _head(stream: Stream) -> dict[str, Any]:
    configuration = stream.configuration
    return {
        "machine": stream.machine,
        "container": stream.container,
        "capabilities": list(configuration.capabilities) if configuration else [],
        "page_size": stream.page_size,
        "description": stream.description is not None,
        "remark": stream.remark,
    }


def _row(section: Section) -> dict[str, Any]:
    full = section.kind.name == "FULL"
    return {
        **section_view(section),
        "kind": section.kind.name,
        "section_id": section.section_id,
        "start": section.start,
        "size": section.size if full else None,
        "footer": section.footer,
    }
