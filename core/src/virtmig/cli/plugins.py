"""`virtmig plugins`: installed drivers, where they come from, and whether they work."""

from __future__ import annotations

from typing import Any

import click

from virtmig.cli import common
from virtmig.errors import PluginError
from virtmig.hooks.discovery import DEVICES, TRANSPORTS, Installed, installed
from virtmig.hooks.registry import Registry


@click.command("plugins")
@common.as_json
def command(*, as_json: bool) -> int:
    """List the installed drivers: distribution, version, entry point, and what is wrong."""
    registry = Registry()
    rows = [_row(registry, one) for group in (TRANSPORTS, DEVICES) for one in installed(group)]
    if as_json:
        common.print_json({"plugins": rows})
    else:
        _print(rows)
    return PluginError.exit_code if any(row["error"] for row in rows) else 0


def _row(registry: Registry, one: Installed) -> dict[str, Any]:
    error = ""
    try:
        if one.group == DEVICES:
            registry.device(one.name)
        else:
            registry.transport("", "", one.name)
    except PluginError as failure:
        error = str(failure)
    return {
        "kind": one.group.removeprefix("virtmig.").removesuffix("s"),
        "name": one.name,
        "distribution": one.distribution,
        "version": one.version,
        "entry_point": one.value,
        "error": error,
    }


def _print(rows: list[dict[str, Any]]) -> None:
    if not rows:
        common.say("no drivers; pip install virtmig-pci virtmig-ccw virtmig-net virtmig-blk")
    for row in rows:
        owner = f"{row['distribution']} {row['version']}"
        common.say(f"{row['kind']:<10} {row['name']:<16} {owner:<24} {row['entry_point']}")
        if row["error"]:
            common.say(f"{'':<10} {row['error']}")
