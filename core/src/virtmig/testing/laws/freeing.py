"""The law of devices that are freed: nothing holds on to them, and nothing fails by then."""

from __future__ import annotations

import contextlib
import gc
import types
import weakref
from collections.abc import Iterator
from typing import Any

from virtmig.errors import LoadRefused
from virtmig.testing.draw import RandomDraw
from virtmig.testing.kit import law
from virtmig.testing.laws.live import LiveKit
from virtmig.testing.report import LawBroken
from virtmig.testing.watching import unraised


class FreeingLaws(LiveKit):
    """What holds for a live object that nobody uses any more."""

    @law
    def test_let_go(self) -> None:
        """A device that nobody uses any more is freed: the plugin does not hold on to it."""
        bench = self.bench()
        setting = bench.draw_state(RandomDraw(2))
        device = bench.scrambled(setting, RandomDraw(3))
        state = bench.save(device)
        other = bench.fresh(setting)
        with contextlib.suppress(LoadRefused):
            bench.load(other, state)
        held = [weakref.ref(device), weakref.ref(other)]
        kind = type(bench.live(device)).__name__
        self.__dict__.pop("for_state", None)
        with unraised(self.subject.package) as failed:
            del device, other
            gc.collect()
        for text in failed:
            do = "let nothing out of __del__, or do without it: the core tells when to clean up"
            raise LawBroken(f"while it was freed: {text}", do=do, field=f"{kind}.__del__")
        holders = [holder for one in held for holder in _holders(one())]
        if holders:
            do = "keep no list or cache of devices in the plugin or its modules"
            found = f"after the last use it is still in a {type(holders[0]).__name__}"
            raise LawBroken(found, do=do, field=kind)


def _holders(live: Any) -> list[Any]:
    """What refers to a live object from outside of itself.

    Objects of its own circle do not count: early releases of CPython 3.13 can fail to free one.
    """
    circle = {id(one) for one in (live, *_circle(live))}
    frames = types.FrameType
    found = gc.get_referrers(live) if live is not None else []
    return [one for one in found if id(one) not in circle and not isinstance(one, frames)]


def _circle(live: Any) -> Iterator[Any]:
    """What belongs to a live object, and may refer back to it."""
    for one in (live, getattr(live, "transport", None), getattr(live, "device", None)):
        if one is not None:
            yield from (one, vars(one))
