"""What all conformance classes have: the driver under test, and how a law is run and told."""

from __future__ import annotations

import functools
import sys
import types
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any, ClassVar, NoReturn, TypeVar

from virtmig.testing import notes
from virtmig.testing.blaming import blame
from virtmig.testing.draw import Draw
from virtmig.testing.drawn import record_classes
from virtmig.testing.isolation import only
from virtmig.testing.report import LawBroken
from virtmig.testing.running import examples, random_examples
from virtmig.testing.subject import Subject, project_of
from virtmig.testing.telling import explain, raised_first, told_first

K = TypeVar("K", bound="Kit")
Law = Callable[[K], None]

CONTRACT = "test_contract"
"""The law that everything else needs: the plugin is found and can be bound."""
FIRST = (
    "contract",
    "settings",
    "distribution",
    "imports",
    "import_does_nothing",
    "driver_is_constant",
    "own_names",
    "hooks_are_marked",
    "entry_points",
    "tables_stay",
    "methods_once",
    "versions",
    "subsection_names",
    "device_id",
    "features",
    "parent",
    "feature_conditions",
    "queue_names",
    "facts",
    "paths",
    "exact",
    "goldens",
    "annotations",
    "each_field_occurs",
    "hostile_counts",
    "made_anew",
    "let_go",
    "save_twice",
    "load_save",
    "each_field_alone",
    "feature_bits",
    "goes_on",
    "load_replaces",
    "every_field_changes",
)
"""The laws that others need, in the order in which a plugin is best mended; then all others."""


class Kit:
    """Base of the conformance classes.

    driver: name of the entry point. goldens: folder of real sections (default: `goldens` beside the
    test file). published: whether a missing golden is a failure instead of a skip. examples: how
    many drawn states each law is tried on. seed: changes which. uses: other installed drivers that
    the tests of this class may find.
    """

    __virtmig_kit__: ClassVar[bool] = True
    kind: ClassVar[str] = ""

    driver: str = ""
    goldens: Path | str | None = None
    published: bool = False
    examples: int = 30
    seed: int = 0
    uses: tuple[str, ...] = ()

    @property
    def subject(self) -> Subject:
        """The plugin under test, found once for each class."""
        cls = type(self)
        if "_virtmig_subject" not in cls.__dict__:
            if not self.driver:
                do = 'write driver = "virtio-..." in the class: the name of the entry point'
                raise LawBroken(f"{cls.__name__} names no driver", do=do, field="driver")
            made = Subject(cls.kind, self.driver, project_of(self._file()))
            setattr(cls, "_virtmig_subject", made)  # noqa: B010
        found: Subject = cls.__dict__["_virtmig_subject"]
        return found

    def each(self, check: Callable[[Draw], None], count: int = 0) -> None:
        """Try `check` on drawn examples; they are the same in each run."""
        examples(check, max(1, count or self.examples), self._seed(check))

    def each_random(self, check: Callable[[Draw], None], count: int = 0) -> None:
        """The same without Hypothesis, for what is counted over all examples."""
        random_examples(check, max(1, count or 2 * self.examples), self._seed(check))

    def _seed(self, check: Callable[[Draw], None]) -> int:
        return zlib.crc32(f"{self.driver} {_name_of(check)} {self.seed}".encode())

    def note(self, text: str) -> None:
        """A line for the report that is no failure."""
        notes.add(f"{self.driver}: {text}")

    def golden_folder(self) -> Path:
        """Where the goldens are."""
        return self._file().parent / (self.goldens or "goldens")

    def _file(self) -> Path:
        """The test file."""
        return Path(getattr(sys.modules[type(self).__module__], "__file__", None) or ".")


def law(method: Law[K]) -> Law[K]:
    """A test method that says what it found as one block, without the kit's own traceback."""
    name = method.__name__.removeprefix("test_")
    text = " ".join((method.__doc__ or "").partition("\n\n")[0].split())

    @functools.wraps(method)
    def test(self: K) -> None:
        __tracebackhide__ = True
        with only(self.driver, *self.uses):
            try:
                _needs_contract(self, method.__name__)
                method(self)
            except LawBroken as error:
                comes_first = _settled(self, name, text, error)
                block = str(error)
            except Exception as error:  # noqa: BLE001  whatever the author's test raises
                comes_first, block = raised_first(type(self), error, name), ""
                if comes_first == name:
                    raise trimmed(error) from None
            else:
                return
        if comes_first != name:
            skip(f"the law `{comes_first}` comes first")
        fail(block)

    vars(test)["law"] = text
    return test


def laws_of(cls: type[Kit]) -> dict[str, str]:
    """The laws of a conformance class by name, with what each says."""
    found = {name: getattr(cls, name) for name in sorted(dir(cls)) if name.startswith("test_")}
    said = {name: getattr(method, "law", "") for name, method in found.items()}
    return {name.removeprefix("test_"): text for name, text in said.items() if text}


def rank(law_name: str) -> int:
    """Where a law, or a test of the author's own, comes in the order of a run."""
    return FIRST.index(law_name) if law_name in FIRST else len(FIRST)


def _name_of(check: Any) -> str:
    """The name of a function, or of what a partial one is made of."""
    return str(getattr(check, "func", check).__qualname__)


def _label(kit: Kit) -> str:
    try:
        return kit.subject.label()
    except LawBroken:
        return kit.driver


def _needs_contract(kit: Kit, method: str) -> None:
    """A plugin that cannot be bound fails one law, not all of them."""
    if method == CONTRACT:
        return
    try:
        sound = kit.subject.unsound is None
    except LawBroken:
        sound = False
    if not sound:
        skip("the law `contract` comes first")


def _settled(kit: Kit, name: str, text: str, error: LawBroken) -> str:
    """Say all that is known of a broken law, and which law tells it; this one, if no other does."""
    _explained(kit, error, name)
    error.law = f"{name}: {text}"
    error.plugin = _label(kit)
    return _other(kit, name, error) or told_first(type(kit), error, name)


def _explained(kit: Kit, error: LawBroken, name: str) -> None:
    """Say which line of the plugin's it was, as soon as the plugin is there."""
    if kit.kind and "bound" in vars(kit.subject):
        explain(error, kit.subject.package, record_classes(kit.subject.driver))
        blame(error, name, kit.subject, getattr(kit, "scramble", None))


def _other(kit: Kit, name: str, error: LawBroken) -> str:
    """The law that is there to tell a fault, if it is another one and does tell it."""
    if error.first in {"", name}:
        return ""
    cls: type[Any] = type(kit)
    known: dict[str, LawBroken | None] = cls.__dict__.get("_virtmig_broken", {})
    setattr(cls, "_virtmig_broken", known)  # noqa: B010
    if error.first not in known:
        test: Any = getattr(cls, f"test_{error.first}", None)
        known[error.first] = _breaks(getattr(test, "__wrapped__", None), kit, error.first)
    other = known[error.first]
    if other is None or other.fault != error.fault:
        return ""
    # One that leaves it to a third law would tell nothing, and all of them could be skipped.
    return error.first if other.first in {"", error.first} else ""


def _breaks(method: Any, kit: Kit, name: str) -> LawBroken | None:
    """What a law finds; one that is left out finds nothing."""
    import pytest  # noqa: PLC0415  only a running test needs it

    try:
        if method is not None:
            method(kit)
    except LawBroken as error:
        _explained(kit, error, name)
        return error
    except (Exception, pytest.skip.Exception):  # noqa: BLE001  for its own run to tell
        return None
    return None


def trimmed(error: Exception) -> Exception:
    """The same error, with only the frames outside of virtmig: what is left is the author's."""
    frames: list[types.TracebackType] = []
    at = error.__traceback__
    while at is not None:
        if not str(at.tb_frame.f_globals.get("__name__", "")).startswith("virtmig."):
            frames.append(at)
        at = at.tb_next
    made: types.TracebackType | None = None
    for one in reversed(frames):
        made = types.TracebackType(made, one.tb_frame, one.tb_lasti, one.tb_lineno)
    return error.with_traceback(made) if made is not None else error


def fail(text: str) -> NoReturn:
    """End a test as failed."""
    import pytest  # noqa: PLC0415  only a running test needs it

    pytest.fail(text, pytrace=False)


def skip(text: str) -> NoReturn:
    """End a test as skipped."""
    import pytest  # noqa: PLC0415  only a running test needs it

    pytest.skip(text)


def dig(value: Any, path: str) -> Any:
    """What stands at a dotted path in a tree of plain data; KeyError if nothing does."""
    for step in path.replace("[", ".").replace("]", "").split("."):
        key: Any = int(step) if step.isdecimal() and not hasattr(value, "keys") else step
        try:
            value = value[key]
        except (IndexError, ValueError, TypeError):
            raise KeyError(path) from None
    return value
