"""The law of module tables: what a plugin's modules hold is the same before and after its work."""

from __future__ import annotations

import contextlib
import warnings
from typing import Any

from virtmig.errors import shown
from virtmig.testing.draw import Draw, RandomDraw
from virtmig.testing.kit import Kit, law
from virtmig.testing.report import LawBroken
from virtmig.testing.tables import module_tables

EXAMPLES = 3


class TableLaws(Kit):
    """What holds for the modules of every plugin."""

    def bench(self) -> Any:
        """Draws states of the driver under test."""
        raise NotImplementedError

    @law
    def test_tables_stay(self) -> None:
        """Hooks and views change no list, dictionary or set of the plugin's modules."""
        before = self.subject.tables
        for number in range(EXAMPLES):
            with warnings.catch_warnings(action="ignore"), contextlib.suppress(Exception):
                self._work(RandomDraw(number))  # what fails is for the other laws to tell
        for name, now in module_tables(self.subject.top).items():
            if name in before and before[name] != now:
                do = "keep it in the live object: all devices of the process, and all streams that "
                do += "it reads, share a module; for a cache of what never changes: functools.cache"
                found = f"{shown(before[name])} when it was imported, {shown(now)} by now"
                raise LawBroken(found, do=do, field=name)

    def _work(self, draw: Draw) -> None:
        bench = self.bench()
        state = bench.draw_state(draw)
        if self.subject.driver.view is not None:
            with contextlib.suppress(Exception):
                self.subject.driver.view(next(iter(bench.parts(state).values())))
        if hasattr(bench, "scrambled"):
            saved = bench.save(bench.scrambled(state, draw))
            bench.load(bench.fresh(state), saved)
