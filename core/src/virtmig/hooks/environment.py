"""The environment variables that virtmig reads, each declared once; the reference lists them."""

from __future__ import annotations

import os

import attrs

from virtmig.errors import PluginError


@attrs.frozen
class Variable:
    """One environment variable. values: what it may hold and what that means."""

    name: str
    values: str
    purpose: str

    @property
    def text(self) -> str | None:
        """What it is set to now; None if it is not set."""
        return os.environ.get(self.name)


LOAD = Variable(
    "VIRTMIG_LOAD_PLUGINS",
    "names of distributions or drivers, with commas between; unset: all; empty: none",
    "Use only these plugins, as if no others were installed.",
)
TRACE = Variable(
    "VIRTMIG_TRACE_PLUGINS",
    "`1`: to standard error; unset, empty or `0`: off; else the name of a file to append to",
    "Write a line for every import of a plugin and every call of a hook.",
)
IMPORT_SECONDS = Variable(
    "VIRTMIG_IMPORT_SECONDS",
    "a number above 0; unset: 10",
    "Give up a plugin whose import takes longer than so many seconds.",
)
VARIABLES = (LOAD, TRACE, IMPORT_SECONDS)


def import_seconds() -> float:
    """How long the import of one plugin may take."""
    text = IMPORT_SECONDS.text or "10"
    try:
        seconds = float(text)
    except ValueError:
        seconds = 0.0
    if not 0 < seconds <= 86400:  # NaN is refused too; a lock takes no endless time
        text = f"{IMPORT_SECONDS.name}={text!r} is no number of seconds between 0 and a day"
        raise PluginError(text)
    return seconds
