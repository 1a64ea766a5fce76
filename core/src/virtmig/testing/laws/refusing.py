"""The law of refusals: each says why, and names the field that does not fit."""

from __future__ import annotations

import difflib
import functools
import itertools
import re

from virtmig.errors import DeviceMismatch, LoadRefused, shown, told
from virtmig.formats.tables import records
from virtmig.testing.crash import came_from
from virtmig.testing.draw import Draw
from virtmig.testing.drawn import CORE_PARTS
from virtmig.testing.kit import law
from virtmig.testing.laws.live import UNNAMED, LiveKit
from virtmig.testing.near import Tried
from virtmig.testing.report import LawBroken
from virtmig.wire.layout import layout_of

PARTS = {"device": "state", "outer": "outer", "config": "config"}
"""Parts of a state whose fields are a driver's own, so that a refusal has to name one, and the
attribute of the driver that declares each."""
MANY = 6
"""Times as many examples as of other laws: few states are refused, each for another reason."""


class RefusalLaws(LiveKit):
    """What holds for each DeviceMismatch of a plugin."""

    @law
    def test_refusals(self) -> None:
        """A refusal says why, and which field it is that does not fit."""
        self.each_random(self._refusals, MANY * self.examples)
        tried = Tried(self.properties)
        self.each_random(functools.partial(self._near_refusals, tried=tried), self.examples)

    def _near_refusals(self, draw: Draw, tried: Tried) -> None:
        bench = self.bench()
        for state in self.near_states(draw, tried):
            try:
                bench.load(bench.fresh(state), state)
            except LoadRefused as error:
                self._says_why(error)

    def _refusals(self, draw: Draw) -> None:
        bench = self.bench()
        pair = bench.draw_state(draw), bench.draw_state(draw)
        for state, setting in itertools.product(pair, pair):
            try:
                bench.load(bench.fresh(setting), state)
            except LoadRefused as error:
                self._says_why(error)

    def _says_why(self, error: LoadRefused) -> None:
        path = error.where.path
        hook = f"load hooks of {self.subject.name}"
        if not isinstance(error, DeviceMismatch) and came_from(error, self.subject.package):
            do = "raise DeviceMismatch: the other kinds of LoadRefused are the core's own"
            raise LawBroken(f"a {told(error)}", do=do, field=path or hook)
        if not error.reason.strip():
            do = 'say what does not fit: DeviceMismatch("this device has ...", path="device.field")'
            raise LawBroken("a refusal without a reason", do=do, field=path or hook)
        part, _, rest = path.partition(".")
        if part.partition("[")[0] not in CORE_PARTS:
            self._names_a_part(error, hook)
        elif part in PARTS:
            self._names_a_field(error, part, rest)

    def _names_a_part(self, error: LoadRefused, where: str) -> None:
        """A path begins with the part of the state that the field is in."""
        path = error.where.path
        if not came_from(error, self.subject.package):
            return
        near = self._in_a_part(path or error.reason)
        do = f'write path="{near}"' if near else "write the part of the state and the field"
        do += ", as `virtmig inspect --json` shows it"
        text = f"a refusal names {path!r}, no part of a state" if path else "refused without a path"
        broken = LawBroken(f"{text}: {shown(error.reason)}", do=do, field=path or near or where)
        broken.fault = "" if path else UNNAMED
        raise broken from error

    def _in_a_part(self, text: str) -> str:
        """The whole path of the first field that a path or a reason names: `device.pumps`."""
        known = {part: self._names_in(part) for part in PARTS}
        for word in re.findall(r"\w+", text):
            for part, names in known.items():
                if word in names:
                    same = re.match(rf"{word}\b[\w.\[\]]*$", text)
                    return f"{part}.{text if same else word}"
        return ""

    def _names_in(self, part: str) -> set[str]:
        """Names of all fields and subsections in a part of the state: `device`."""
        root = getattr(self.subject.driver, PARTS[part], None)
        layouts = [layout_of(cls) for cls in (records(root) if root is not None else ())]
        return {name for one in layouts for name in (*(f.name for f in one.all_fields), *one.tails)}

    def _names_a_field(self, error: LoadRefused, part: str, rest: str) -> None:
        """The path of a field in a part of the driver's own ends with the name of one."""
        known = self._names_in(part)
        last = rest if rest in known else rest.rpartition(".")[2].partition("[")[0]
        if last in known:
            return
        near = difflib.get_close_matches(last, sorted(known), 1)
        do = f"write {near[0]!r}" if near else "name a field as `virtmig inspect --json` does"
        if others := [one for one in PARTS if last in self._names_in(one)]:
            do = f"write '{others[0]}.{last}', the part that has such a field"
        path = error.where.path
        found = f"a refusal names {path!r}, no field of that part: {shown(error.reason)}"
        raise LawBroken(found, do=do, field=path)
