"""Laws of the conformance class itself: what its author set names things that exist."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from pathlib import Path

from virtmig.hooks.discovery import scan
from virtmig.testing.draw import RandomDraw
from virtmig.testing.isolation import everything
from virtmig.testing.kit import law, laws_of
from virtmig.testing.laws.live import LiveKit
from virtmig.testing.looking import CORE, attributes
from virtmig.testing.report import LawBroken

OF_FIELDS = ("not_scrambled", "normalised", "properties", "converted", "rare")
"""Settings that name fields of records."""
SETTINGS = (*OF_FIELDS, "derived", "uses")


class SettingsLaws(LiveKit):
    """What holds for the settings of a conformance class."""

    @law
    def test_settings(self) -> None:
        """Each setting of this class names what the plugin has, and leaves something to try."""
        for setting in SETTINGS:
            self._tuple_of_names(setting)
        if self.examples < 1:
            do = "leave it out, or set a number from 1 on"
            raise LawBroken(f"{self.examples} examples try nothing", do=do, field="examples")
        self._switched_off()
        with everything():
            self._known("uses", {one.name for one in scan().drivers}, "installed driver")
        named = Path(self.goldens or "goldens").name
        if named != "goldens" and not self.golden_folder().is_dir():
            do = "name one that exists, or leave it out for `goldens` beside the test file"
            text = f"there is no folder {named!r} there"
            raise LawBroken(text, do=do, field="goldens")
        fields = set(self.field_names())
        for setting in OF_FIELDS:
            self._known(setting, fields, "field of the driver's records")
        self._derived(fields)
        self._something_left(fields)

    def _switched_off(self) -> None:
        for name in laws_of(type(self).__mro__[1]):
            if not callable(getattr(self, f"test_{name}")):
                do = f"take test_{name} = ... out of the class, and do what the law says"
                raise LawBroken("a law is switched off", do=do, field=f"test_{name}")

    def _tuple_of_names(self, setting: str) -> None:
        value = getattr(self, setting, ())
        if isinstance(value, str) or not all(type(one) is str for one in value):
            do = f'write {setting} = ("name",): a tuple, with a comma also behind a single name'
            raise LawBroken(f"{value!r} is no tuple of names", do=do, field=setting)

    def _known(self, setting: str, known: Iterable[str], what: str) -> None:
        for name in getattr(self, setting, ()):
            if name not in known:
                near = difflib.get_close_matches(name, list(known), 1)
                do = f"write {near[0]!r}" if near else "take it out"
                raise LawBroken(f"{name!r} is no {what}", do=do, field=setting)

    def _derived(self, fields: set[str]) -> None:
        for name in self.derived:
            if name in fields:
                do = "take it out: what is saved is loaded back, and not worked out"
                raise LawBroken(f"{name!r} is a field of the record", do=do, field="derived")
        if not self.derived:
            return
        bench = self.bench()
        setting = bench.draw_state(RandomDraw(1))
        state = bench.save(bench.scrambled(setting, RandomDraw(2)))
        if not self.comes_back(state, setting):
            return  # that is for load_save to tell
        live = bench.live(self.loaded(state, setting))
        self._known("derived", set(attributes(live)) - CORE, f"attribute of {type(live).__name__}")

    def _something_left(self, fields: set[str]) -> None:
        left = fields - set(self.not_scrambled) - set(self.properties)
        if fields and not left and self.not_scrambled:
            do = "let scramble change what a guest can change, and take that out of not_scrambled"
            raise LawBroken("no field is left that may change", do=do, field="not_scrambled")
