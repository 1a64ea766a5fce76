"""Laws of a device that goes on after a load, or was in use before it."""

from __future__ import annotations

from virtmig.errors import shown
from virtmig.live.device import VirtioDevice
from virtmig.testing.draw import Draw, RandomDraw
from virtmig.testing.inside import innermost
from virtmig.testing.keeping import DEPENDS, EXTRA
from virtmig.testing.kit import law
from virtmig.testing.laws.live import FRESH, LiveKit, attribute_fault, same_parts, unlike_attributes
from virtmig.testing.looking import own, stale
from virtmig.testing.report import LawBroken
from virtmig.testing.watching import another_day
from virtmig.virtio.state import VirtioState

CHANGES = 3
"""Changes of both devices, one after the other."""
CLOCK = "take it from the state alone: two loads of one state differ, as by a clock or by chance"
FORGOTTEN = "nothing_is_forgotten"
"""The law that tells of an attribute that no load puts back, into whatever device."""


class GoingOnLaws(LiveKit):
    """What holds for a device before a load and after it."""

    @law
    def test_goes_on(self) -> None:
        """A device that was loaded goes on as the saved one would have: the same change shows."""
        self.each(self._goes_on)

    def _goes_on(self, draw: Draw) -> None:
        bench = self.bench()
        setting = bench.draw_state(draw)
        device = bench.scrambled(setting, draw)
        state, _ = bench.payload(bench.save(device))
        if not self.comes_back(state, setting):
            return  # that is for load_save to tell
        other = self.loaded(state, setting)
        start = draw.integer(0, 0xFFFF)
        for seed in range(start, start + CHANGES):
            for one in (device, other):
                bench.scramble(one, setting, RandomDraw(seed))
            self._went_on(setting, seed, bench.save(device), bench.save(other))

    def _went_on(
        self, setting: VirtioState, seed: int, one: VirtioState, other: VirtioState
    ) -> None:
        """Both were changed in the same way."""
        for found in same_parts(self.bench(), one, other):
            self._same_each_time(setting, seed)
            text = found.said("after one change in both, the saved device has", "the loaded one")
            do = "save from what the device changes while it runs, not from a copy that the load "
            do += "hook kept"
            raise LawBroken(text, do=do, field=found.name)

    def _same_each_time(self, setting: VirtioState, seed: int) -> None:
        """What `scramble` does has to depend on nothing but what it draws."""
        bench = self.bench()
        one, other = (bench.save(bench.scrambled(setting, RandomDraw(seed))) for _ in range(2))
        for found in same_parts(bench, one, other):
            do = "take every value in scramble from `draw`, and none from `random` or a clock"
            text = found.said("scrambled once", "scrambled again with the same `draw`")
            raise LawBroken(text, do=do, field="scramble")

    @law
    def test_load_replaces(self) -> None:
        """A load into a device that was in use leaves nothing of what was there before."""
        self.each(self._load_replaces)

    def _load_replaces(self, draw: Draw) -> None:
        bench = self.bench()
        setting = bench.draw_state(draw)
        state, _ = bench.payload(bench.save(bench.scrambled(setting, draw)))
        used = bench.in_use(setting, draw)
        self.put(used, state)
        self._same(used, state, setting, "a device in use")
        self.put(used, state)
        self._same(used, state, setting, "a device loaded twice")
        later, _ = bench.payload(bench.save(bench.scrambled(setting, draw)))
        self.put(used, later)
        which = "a device loaded with another state before"
        self._same(used, later, setting, which)

    def _same(
        self, one: VirtioDevice, state: VirtioState, setting: VirtioState, which: str
    ) -> None:
        """A device that the state was loaded into is as a fresh one that is given it."""
        bench, other = self.bench(), self.loaded(state, setting)
        for name, kept, anew in stale(bench.live(one)):
            text = f"{which} has {shown(kept)} cached, but works out {shown(anew)}"
            do = "drop what is cached in the load hook: vars(device).pop(...)"
            raise LawBroken(text, do=do, field=self.called(one, name))
        do = "set every attribute in the load hook, also to nothing: append to none, skip none"
        for found in same_parts(bench, bench.save(one), bench.save(other)):
            do = DEPENDS if found.path == EXTRA else do
            raise LawBroken(
                found.said(f"after one load in both, {which} saves", FRESH), do=do, field=found.name
            )
        mine, theirs = own(bench.live(one)), own(bench.live(other))
        for name, value, expected in unlike_attributes(mine, theirs):
            place, ours, theirs = innermost(name, value, expected)
            text = f"{which} has {shown(ours)}, {FRESH} {shown(theirs)}"
            broken = self.derived_wrong(self.called(one, place), text, do)
            broken.first, broken.fault = FORGOTTEN, broken.fault or attribute_fault(name)
            if self._by_the_clock(state, setting, name):
                broken.do, broken.first, broken.fault = CLOCK, "", f"clock {name}"
            raise broken

    def _by_the_clock(self, state: VirtioState, setting: VirtioState, name: str) -> bool:
        """Whether two loads of one state, a day apart, differ in an attribute of fresh devices."""
        live = self.bench().live
        one = own(live(self.loaded(state, setting)))
        with another_day():
            other = own(live(self.loaded(state, setting)))
        return any(found == name for found, *_ in unlike_attributes(one, other))
