"""While a conformance class runs, no other installed plugin is found by accident."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from contextlib import contextmanager
from typing import Any

from virtmig.errors import NoDriver
from virtmig.hooks import discovery
from virtmig.hooks.discovery import Installed, scan

NO_DRIVER = "_no_driver"
"""The function of `discovery` that makes the error for a driver that is not there."""
_named: list[frozenset[str]] = []
"""The names that may be found, innermost last; empty outside of conformance classes."""


class NotNamed(NoDriver):
    """A test asked for a plugin that is installed and that it did not name."""


@contextmanager
def only(*names: str) -> Generator[None]:
    """Let discovery find only the drivers of these names; asking for another says why not."""
    if _named:
        with _naming(frozenset(names)):
            yield
        return
    refuse: Any = getattr(discovery, NO_DRIVER)

    def no_driver(group: str, name: str, found: Sequence[Installed]) -> NoDriver:
        for one in scan().of(group):
            if one.name == name:
                text = f"{one} is installed, but the test class does not name it"
                return NotNamed(text, hint=f"if the test needs it, write: uses = ({name!r},)")
        made: NoDriver = refuse(group, name, found)
        return made

    discovery.limits.append(_is_named)
    setattr(discovery, NO_DRIVER, no_driver)
    try:
        with _naming(frozenset(names)):
            yield
    finally:
        setattr(discovery, NO_DRIVER, refuse)
        discovery.limits.remove(_is_named)


@contextmanager
def _naming(names: frozenset[str]) -> Generator[None]:
    _named.append(names)
    try:
        yield
    finally:
        _named.pop()


def _is_named(one: Installed) -> bool:
    return one.name in _named[-1]


@contextmanager
def everything() -> Generator[None]:
    """Inside `only`: let discovery see all that is installed, for the kit's own needs."""
    with _naming(frozenset(one.name for one in scan().drivers)):
        yield
