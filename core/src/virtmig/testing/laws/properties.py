"""Laws of properties: what a device is comes with the state, and no device becomes another one."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import attrs

from virtmig.errors import EncodeError, LoadRefused, shown
from virtmig.testing.diff import equal
from virtmig.testing.draw import Draw
from virtmig.testing.kit import law
from virtmig.testing.laws.live import UNNAMED, same_parts
from virtmig.testing.laws.objects import ENOUGH, ObjectLaws
from virtmig.testing.report import LawBroken
from virtmig.virtio.state import VirtioState
from virtmig.wire.layout import layout_for


class PropertyLaws(ObjectLaws):
    """What holds for record fields that tell what a device is."""

    @law
    def test_properties(self) -> None:
        """A device is created with a state's properties; another one refuses, or becomes so."""
        if not self.properties:
            return
        for name, pairs in self.given_and_made().items():
            plain = name.rpartition(".")[2]
            always_one = all(equal(made, pairs[0][1]) for _, made in pairs)
            if plain in self.properties and len(pairs) >= ENOUGH and always_one:
                text = f"for each of {len(pairs)} states, which have other values, the create hook "
                text += f"made a device with {shown(pairs[0][1])}"
                do = f"take {plain!r} from the state in the create hook; or take it out of "
                do += "`properties`, if a guest changes it"
                raise LawBroken(text, do=do, field=name)
        self.each_random(self._another_one)

    def _another_one(self, draw: Draw) -> None:
        bench = self.bench()
        setting, other = bench.draw_state(draw), bench.draw_state(draw)
        state = bench.save(bench.scrambled(setting, draw))
        if not self.comes_back(state, setting):
            return
        theirs = bench.parts(other)
        for path, part in bench.parts(state).items():
            for name, changed in self._changed(part, theirs.get(path)):
                self._refuses(bench.put(state, {path: changed}), setting, name)

    def _changed(self, part: Any, other: Any) -> Iterator[tuple[str, Any]]:
        """The record with one property at a time as another one has it, and what it decides."""
        if type(part) is not type(other):
            return
        for field in layout_for(part).all_fields:
            mine, value = getattr(part, field.name), getattr(other, field.name)
            given = mine is not None and value is not None
            if field.name in self.properties and given and not equal(mine, value):
                taken = {name: getattr(other, name) for name in decided_by(part, field.name)}
                yield field.name, attrs.evolve(part, **{field.name: value}, **taken)

    def _refuses(self, state: VirtioState, setting: VirtioState, name: str) -> None:
        """A device of `setting` refuses the state, or becomes what the state says."""
        bench = self.bench()
        device = bench.fresh(setting)
        try:
            bench.layout.unparse(state, bench.version)
            bench.load(device, state)
        except EncodeError:
            return
        except LoadRefused as error:
            if not error.where.path:
                do = f'say which field it is: DeviceMismatch(..., path="device.{name}")'
                text = f"refused without a path: {error}"
                broken = LawBroken(text, do=do, field=name, first="refusals")
                broken.fault = UNNAMED
                raise broken from error
            return
        for found in same_parts(bench, state, bench.save(device)):
            if found.field.rpartition(".")[2] == name and name not in self.normalised:
                text = found.said("a device that had another one loaded", "and then saved")
                do = "compare it in the load hook and raise DeviceMismatch with its path; or set it"
                raise LawBroken(text, do=do, field=found.name)


def decided_by(record: Any, name: str) -> list[str]:
    """Fields whose length or presence one field decides, as a count does: they change with it."""
    found = [name]
    for field in layout_for(record).all_fields:  # a field looks at earlier ones alone
        reads = {*field.type.reads, *(field.when.reads if field.when is not None else ())}
        if reads & {*found}:
            found.append(field.name)
    return found[1:]
