"""The environment variables that virtmig reads, each declared once; the reference lists them."""

from __future__ import annotations

import os
import re

import attrs

from virtmig.errors import MissingFact, PluginError


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
    "Give up a plugin whose import, or whose `describe_driver`, takes longer than so many seconds.",
)
UNPACK_LIMIT = Variable(
    "VIRTMIG_UNPACK_LIMIT",
    "a number of bytes, K, M, G or T may follow it; unset: 64G",
    "Give up a compressed file, snapshot, pipe or URL that holds more than so many bytes.",
)
UNPACK_RATIO = Variable(
    "VIRTMIG_UNPACK_RATIO",
    "a number above 0; unset: 256",
    "Give up a compressed file that grows to more than so many times its size, and over 1 GiB.",
)
VARIABLES = (LOAD, TRACE, IMPORT_SECONDS, UNPACK_LIMIT, UNPACK_RATIO)


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


def unpack_limit() -> int:
    """How many bytes may come out of a compressed file, a snapshot, a pipe or a URL."""
    return _number(UNPACK_LIMIT, "64G")


def unpack_ratio() -> int:
    """To how many times its size a compressed file may grow."""
    return _number(UNPACK_RATIO, "256")


def _number(variable: Variable, default: str) -> int:
    text = variable.text or default
    found = re.fullmatch(r"([0-9]{1,18})([KMGT]?)", text)
    if found is None or not int(found[1]):
        raise MissingFact(f"{variable.name}={text!r} is no number above 0, with K, M, G or T")
    return int(found[1]) << 10 * " KMGT".index(found[2] or " ")
