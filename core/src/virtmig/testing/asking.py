"""Which feature bits a plugin's own code asks for, and where it does."""

from __future__ import annotations

import inspect
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from virtmig.live.device import VirtioDevice

WIDTH = 32
"""Bits of `guest_features_lo`."""


class Asked(dict[int, str]):
    """Bits that `has_feature` was asked for, and the first place where it was.

    low: bits that were looked for in the low word, and are not in it.
    """

    def __init__(self, package: Path) -> None:
        super().__init__()
        self.package = package
        self.low: dict[int, str] = {}

    def note(self, bit: int, found: dict[int, str]) -> None:
        """Keep a bit, if it is the plugin that asks for it."""
        at = inspect.currentframe()
        at = at.f_back.f_back if at is not None and at.f_back is not None else None
        path = Path(at.f_code.co_filename) if at is not None else Path()
        if at is not None and path.is_relative_to(self.package):
            place = path.relative_to(self.package.parent)
            found.setdefault(bit, f"{place}:{at.f_lineno} in {at.f_code.co_name}")


_asked: list[Asked] = []
"""Who takes note of what is asked for; empty while nobody does."""


class LowHalf(int):
    """The low word of a guest's features, which takes note of a look at a bit that is not in it."""

    def __rshift__(self, bits: int) -> int:
        if bits >= WIDTH and _asked:
            _asked[-1].note(bits, _asked[-1].low)
        return int(self) >> bits

    def __and__(self, mask: int) -> int:
        bit = mask.bit_length() - 1
        if bit >= WIDTH and mask == 1 << bit and _asked:
            _asked[-1].note(bit, _asked[-1].low)
        return int(self) & mask

    __rand__ = __and__


@contextmanager
def asked_features(package: Path) -> Generator[Asked]:
    """The bits that code of a package asks for inside."""
    found = Asked(package)
    kind: Any = VirtioDevice
    plain = kind.has_feature

    def has_feature(self: VirtioDevice, bit: int) -> bool:
        found.note(bit, found)
        answer: bool = plain(self, bit)
        return answer

    kind.has_feature = has_feature
    _asked.append(found)
    try:
        yield found
    finally:
        kind.has_feature = plain
        _asked.remove(found)
