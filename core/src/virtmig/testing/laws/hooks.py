"""Laws of hooks: in the documented order, from what is loaded by then, and silent."""

from __future__ import annotations

import time
import warnings
from typing import Any

from virtmig.errors import LoadRefused, shown
from virtmig.testing.draw import Draw, RandomDraw
from virtmig.testing.kit import law
from virtmig.testing.laws.live import LiveKit, unlike_attributes
from virtmig.testing.laws.marks import OF, MarkLaws
from virtmig.testing.laws.refusing import RefusalLaws
from virtmig.testing.looking import core, own
from virtmig.testing.process import audited, changes, shared_state, unusual
from virtmig.testing.report import LawBroken
from virtmig.testing.watching import calls_of, early_looks, logged, printed
from virtmig.virtio.order import LOAD, SAVE, Step, walk
from virtmig.virtio.state import VirtioState
from virtmig.virtio.subsections import TAILS

TIMED = 3
"""Loads of which the quickest is looked at."""
SLOW = 0.02
"""Seconds from which on a load of a small state is worth a note."""
ASKED_ANYWHERE = ("describe_driver", "create_device", "create_transport", "has_extra_state")
"""Hooks that have no place in the order."""


class HookLaws(RefusalLaws, MarkLaws, LiveKit):
    """What holds for the hooks of every plugin with live objects."""

    @law
    def test_order(self) -> None:
        """Hooks are called in the documented order, each by the core alone."""
        for number in range(4):
            draw = RandomDraw(number)
            bench = self.bench()
            setting = bench.draw_state(draw)
            device = bench.scrambled(setting, draw)
            with calls_of(self.subject.plugin) as saving:
                state = bench.save(device)
            self._ordered(saving, self._expected(SAVE, state), "saving")
            other = bench.fresh(setting)
            with calls_of(self.subject.plugin) as loading:
                self.put(other, state)
            self._ordered(loading, self._expected(LOAD, state), "loading")

    def _expected(self, steps: tuple[Step, ...], state: VirtioState) -> list[str]:
        """The calls of this plugin's hooks in a walk over the documented steps."""
        bench = self.bench()
        tails = state.subsections
        sent = [name for name, field in TAILS.items() if getattr(tails, field.name) is not None]
        bound: Any = self.subject.bound
        found: list[str] = []
        outer = bench.drivers.device.driver.outer is not None
        for step, key in walk(steps, len(state.queues), sent, outer=outer):
            name = step.name
            if step.per.value == "subsection" and key == "virtio/extra_state":
                name = "save_extra_state" if steps is SAVE else "load_extra_state"
            if name in OF[bench.subject.kind] and bound.has(name):
                found.append(name)
        return found

    def _ordered(self, calls: list[str], expected: list[str], what: str) -> None:
        made = [name for name in calls if name not in ASKED_ANYWHERE]
        if made != expected:
            do = "call no hook yourself: the core calls each one when its turn comes"
            text = f"{what}: {shown(made)}; documented: {shown(expected)}"
            raise LawBroken(text, do=do, field="hooks")

    @law
    def test_reads_nothing_unloaded(self) -> None:
        """A load hook reads nothing that the documented order restores later."""
        self.each(self._reads_nothing_unloaded, 20)

    def _reads_nothing_unloaded(self, draw: Draw) -> None:
        bench = self.bench()
        setting = bench.draw_state(draw)
        device = bench.fresh(setting)
        state = bench.save(bench.scrambled(setting, draw)) if draw.boolean() else setting
        with early_looks() as found:
            try:
                bench.load(device, state)
            except LoadRefused:
                return
        if found:
            do = "do what needs it in post_load, where everything is loaded"
            raise LawBroken(f"it looks and hides the error: {found[0]}", do=do, field="load hook")

    @law
    def test_core_is_left_alone(self) -> None:
        """After a load, what belongs to the core is what it is without this plugin."""
        self.each_random(self._core_is_left_alone, 20)

    def _core_is_left_alone(self, draw: Draw) -> None:
        bench = self.bench()
        setting = bench.draw_state(draw)
        state = bench.save(bench.scrambled(setting, draw))
        device, plain = self.loaded(state, setting), bench.negotiated(state)
        for name, ours, expected in unlike_attributes(core(device), core(plain)):
            do = "leave what the core restores alone; keep what you need in attributes of your own"
            text = f"{shown(ours)} after a load, {shown(expected)} in the state"
            raise LawBroken(text, do=do, field=name)

    @law
    def test_silent(self) -> None:
        """Hooks print nothing, and log no warning: the output of the command is an answer."""
        draw = RandomDraw(5)
        bench = self.bench()
        setting = bench.draw_state(draw)
        device = bench.scrambled(setting, draw)
        with printed() as said, logged() as warned:
            self.subject.describe()
            self.put(bench.fresh(setting), bench.save(device))
        do = "say it by logging, below the level of a warning, or not at all"
        if said[0] and not warned:  # without a handler, logging prints what is a warning
            raise LawBroken(f"printed {shown(said[0])}", do=do, field="hooks")
        if warned:
            record = warned[0]
            text = f"logged {shown(record.getMessage())} as {record.levelname}"
            raise LawBroken(f"{text} ({record.filename}:{record.lineno})", do=do, field="hooks")

    @law
    def test_no_side_effects(self) -> None:
        """Hooks work on their objects alone: they touch no file, no network and no process."""
        bench, draw = self.bench(), RandomDraw(7)
        setting = bench.draw_state(draw)
        device = bench.scrambled(setting, draw)
        view = self.subject.driver.view
        package = self.subject.module.partition(".")[0]
        with unusual(), warnings.catch_warnings(record=True) as warned, audited(package) as done:
            warnings.simplefilter("always")
            before = {**shared_state(), "virtmig": self.subject.core}
            self.subject.describe()
            bench.created(setting)
            state = bench.save(device)
            self.put(bench.fresh(setting), state)
            if view is not None:
                view(next(iter(bench.parts(state).values())))
            done.extend(changes(before, shared_state()))
        for text in (*done, *(f"warns of {one.message}" for one in warned)):
            do = "take what a hook needs from the device and the state, and leave the rest alone"
            raise LawBroken(f"a hook {text}", do=do, field="hooks")
        self._lasting(setting, draw)

    def _lasting(self, setting: VirtioState, draw: Draw) -> None:
        """What hooks leave in the plugin object, and hooks that wait, are worth a note."""
        bench, plugin = self.bench(), self.subject.plugin
        state = bench.save(bench.scrambled(setting, draw))
        device, held = bench.fresh(setting), own(plugin)
        taken: list[float] = []
        for _ in range(TIMED):
            start = time.perf_counter()
            self.put(device, state)
            taken.append(time.perf_counter() - start)
        for name, *_ in unlike_attributes(held, own(plugin)):
            self.note(f"{type(plugin).__name__}.{name} changes in a load: all devices share it")
        if min(taken) > SLOW:
            self.note(f"a load takes {min(taken) * 1000:.0f} ms: does a hook wait for something?")
