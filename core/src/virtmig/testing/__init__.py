"""The conformance kit: classes that a plugin's tests subclass, and what goes with them.

    from virtmig.testing import DeviceConformance, Draw

Needs pytest (`pip install virtmig[testing]`); with Hypothesis, examples that fail are made small.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from virtmig.testing.device import DeviceConformance
    from virtmig.testing.draw import Draw, RandomDraw
    from virtmig.testing.goldens import Golden, add_golden, read_goldens
    from virtmig.testing.report import LawBroken
    from virtmig.testing.section import SectionConformance
    from virtmig.testing.transport import TransportConformance

__all__ = [
    "DeviceConformance",
    "Draw",
    "Golden",
    "LawBroken",
    "RandomDraw",
    "SectionConformance",
    "TransportConformance",
    "add_golden",
    "read_goldens",
]

_MODULES = {
    "DeviceConformance": "device",
    "Draw": "draw",
    "Golden": "goldens",
    "LawBroken": "report",
    "RandomDraw": "draw",
    "SectionConformance": "section",
    "TransportConformance": "transport",
    "add_golden": "goldens",
    "read_goldens": "goldens",
}


def __getattr__(name: str) -> Any:
    """Import on first use: pytest loads this package in every run, to find its plugin."""
    if name not in _MODULES:
        raise AttributeError(name)
    from importlib import import_module  # noqa: PLC0415  not needed by who needs nothing

    return getattr(import_module(f"virtmig.testing.{_MODULES[name]}"), name)
