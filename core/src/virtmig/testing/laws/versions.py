"""Laws of older versions: their states load, and what they lack gets a value that is known."""

from __future__ import annotations

import functools

import attrs

from virtmig.errors import EncodeError, LoadRefused
from virtmig.live.device import VirtioDevice
from virtmig.testing.draw import Draw
from virtmig.testing.drawn import record_classes
from virtmig.testing.kit import law
from virtmig.testing.laws.live import same_parts
from virtmig.testing.laws.states import StateLaws
from virtmig.testing.older import filled, section_fields, state_as_of, wrongly_taken
from virtmig.testing.report import LawBroken
from virtmig.virtio.state import VirtioState

EXAMPLES = 20


class VersionLaws(StateLaws):
    """What holds for states of older versions."""

    @law
    def test_older_versions(self) -> None:
        """States of each declared version load; what they lack is as implied, or as when fresh."""
        for version in range(self._oldest(), self.bench().version):
            for look in (self._saved_as_older, self._older):
                self.each(functools.partial(look, version=version), EXAMPLES)

    def _oldest(self) -> int:
        return int(self.bench().drivers.device.driver.minimum_version)

    def _older(self, draw: Draw, version: int) -> None:
        """One that is drawn; it may be refused, and for much else than its age."""
        bench = self.bench()
        state = bench.draw_state(draw, version)
        if not self.comes_back(bench.payload(bench.save(bench.scrambled(state, draw)))[0], state):
            return  # not for its age
        device = bench.scrambled(attrs.evolve(state), draw)
        try:
            bench.load(device, state)
        except LoadRefused:
            return
        self._look_at_taken(device, state, version)

    def _saved_as_older(self, draw: Draw, version: int) -> None:
        """One that was saved, without what the version lacks: only for its age it is refused."""
        bench = self.bench()
        setting = bench.draw_state(draw)
        state, _ = bench.payload(bench.save(bench.scrambled(setting, draw)))
        if not self.comes_back(state, setting):
            return  # that is for load_save to tell
        older = state_as_of(state, version)
        if not self._loads_now(state, older, version):
            return
        device = bench.fresh(older)
        try:
            bench.load(device, older)
        except LoadRefused as error:
            text = f"a state of version {version} is refused, and taken as one of version "
            do = f"take the default for what version {version} lacks (None); if the device reads "
            do += f"no such state, minimum_version={version + 1}"
            text = f"{text}{bench.version}: {error}"
            raise LawBroken(text, do=do, field=error.where.path) from error
        self._look_at_taken(device, older, version)

    def _loads_now(self, state: VirtioState, older: VirtioState, version: int) -> bool:
        """Whether it can be written as it is, and loads with what stands for all that it lacks."""
        bench = self.bench()
        fresh = bench.parts(self._fresh(older))
        parts = bench.parts(state).items()
        newest = bench.put(state, {n: filled(part, version, fresh.get(n)) for n, part in parts})
        try:
            bench.layout.unparse(older, version)
            bench.layout.unparse(newest, bench.version)
            bench.load(bench.fresh(newest), newest)
        except (EncodeError, LoadRefused):
            return False
        return True

    def _fresh(self, state: VirtioState) -> VirtioState:
        """What a fresh device saves that was made for an older state."""
        return self.bench().save(self.bench().negotiated(state))

    def _look_at_taken(self, device: VirtioDevice, state: VirtioState, version: int) -> None:
        """What a device that has loaded an older state has for what that lacks."""
        bench, made = self.bench(), self._fresh(state)
        fresh, fields = bench.parts(made), section_fields(record_classes(self.subject.driver))
        saved = self._writable(device, version) if self._is_newest(made) else bench.save(device)
        for found in same_parts(bench, state, saved):
            if found.field.rpartition(".")[2] in self.normalised:
                continue
            if found.one is None:
                broken = wrongly_taken(found, fields, fresh, version)
                if broken is not None:
                    raise broken
                continue
            do = "put back in the load hook what the state has, of each version that is declared"
            text = f"of version {version} {found.said('loaded', 'then saved')}"
            raise LawBroken(text, do=do, field=found.name)

    def _is_newest(self, made: VirtioState) -> bool:
        """Whether a fresh device saves the newest version; an older QEMU's goes on with its own."""
        try:
            self.bench().payload(made)
        except LawBroken:
            return False
        return True

    def _writable(self, device: VirtioDevice, version: int) -> VirtioState:
        """What is saved after a load of an older version; it has to be a state of the newest."""
        try:
            return self.bench().payload(self.bench().save(device))[0]
        except LawBroken as error:
            error.do = (
                f"in a load hook, put the default back for what version {version} lacks (None)"
            )
            raise
