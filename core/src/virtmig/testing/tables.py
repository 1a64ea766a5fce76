"""What a plugin's modules hold that can change, as comparable values."""

from __future__ import annotations

import sys
from collections import deque
from collections.abc import Iterator
from typing import Any

from virtmig.testing.looking import frozen

CHANGE = (list, dict, set, bytearray, deque)


def module_tables(top: str) -> dict[str, Any]:
    """What the modules below a package hold that can change, frozen: `virtmig_echo.live.SEEN`."""
    return {name: frozen(value) for name, value in _held(top)}


def _held(top: str) -> Iterator[tuple[str, Any]]:
    for name, module in sorted(sys.modules.items()):
        if name == top or name.startswith(f"{top}."):
            for key, value in [*vars(module).items()]:
                if not key.startswith("__") and issubclass(type(value), CHANGE):
                    yield f"{name}.{key}", value
