"""What plugins are promised changes only knowingly."""

from __future__ import annotations

import pytest

from tools import api_surface
from virtmig import api

INTENDED = """
Was that intended? Then
  1. python tools/api_surface.py --write && python tools/gen_docs.py
  2. add an entry to core/CHANGELOG.md that says what a plugin has to do.
It is breaking if a line that was there is gone or says something else, or if a hook or a parameter
became required: then it is deprecated first, for two minor releases. A new line is not breaking.
See docs/explanation/compatibility.md.
"""


def test_the_surface_is_the_one_that_is_written_down() -> None:
    found = api_surface.difference()
    if found:
        pytest.fail("\n".join([*found, INTENDED]), pytrace=False)


def test_every_name_of_the_api_is_in_it() -> None:
    """And nothing can be imported from there that is not promised."""
    written = {name for _, name in api_surface.known()}
    assert not set(api.__all__) - written
    # pytest rewrites the assertions of distributions that bring a plugin for it, and adds names.
    public = {name for name in vars(api) if not name.startswith(("_", "@"))}
    assert public == set(api.__all__)
    assert api.__all__ == sorted(api.__all__, key=_order)


def _order(name: str) -> tuple[int, str]:
    """The order that ruff gives `__all__`: constants, classes, the rest."""
    return (0 if name.isupper() else 1 if name[0].isupper() else 2, name)


@pytest.mark.parametrize(
    "cls",
    ["VirtioDevice", "VirtQueue", "Transport", "DeviceDriver", "TransportDriver", "SectionDriver"],
)
def test_what_plugins_use_of_a_class_is_in_it(cls: str) -> None:
    """A look from the other side: whatever an object of the class shows is written down."""
    value = getattr(api, cls)
    shown = {name for name in dir(value) if not name.startswith("_")}
    shown |= {one.name for one in value.__attrs_attrs__}
    written = {name for _, name in api_surface.known()}
    assert {f"{cls}.{name}" for name in shown} <= written


def test_every_hook_is_in_it_with_all_its_parameters() -> None:
    lines = api_surface.FILE.read_text().splitlines()
    for name, hook in api_surface.hooks().items():
        (line,) = [one for one in lines if f"  {name}(" in one and "  hook " in one]
        parameters = hook.__code__.co_varnames[: hook.__code__.co_argcount]
        assert all(f"{one}: " in line for one in parameters)


CHANGES = {
    "a name is gone": (
        "0.1.0  function   since(version: int, *, implied: Any = None) -> Condition\n",
        "",
    ),
    "a parameter has another type": ("since(version: int,", "since(version: str,"),
    "a default is gone": ("name: str, *, equals: Any = True", "name: str, *, equals: Any"),
    "a field has another name": ("VirtQueue.desc: int", "VirtQueue.descriptors: int"),
    "a late field is restored later": (
        "VirtQueue.avail = 0, restored by load_subsection",
        "VirtQueue.avail = 0, restored by check_indices",
    ),
    "a hook became required": ("device plugins, optional", "device plugins, required"),
    "a core record's field has another width": ("CommonState.isr: u8", "CommonState.isr: be16"),
    "an exit code is another": ("NoDriver = 4", "NoDriver = 5"),
    "a schema is another": ("JSON = 1", "JSON = 2"),
}


@pytest.mark.parametrize(("old", "new"), CHANGES.values(), ids=CHANGES)
def test_a_change_is_noticed(tmp_path, monkeypatch: pytest.MonkeyPatch, old: str, new: str) -> None:
    """Said of the file instead of the code: either way they differ, and the lines are shown."""
    text = api_surface.FILE.read_text()
    assert old in text
    changed = tmp_path / "api-surface.txt"
    changed.write_text(text.replace(old, new))
    monkeypatch.setattr(api_surface, "FILE", changed)
    found = "\n".join(api_surface.difference())
    assert f"+{old.splitlines()[0]}" in found or old in found


def test_a_new_line_gets_the_version_of_the_core_and_the_others_keep_theirs(
    tmp_path, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = api_surface.FILE.read_text()
    older = tmp_path / "api-surface.txt"
    line = "0.1.0  constant   NO_VECTOR = 65535\n"
    assert line in text
    older.write_text(text.replace(line, "").replace("0.1.0  ", "0.0.9  "))
    monkeypatch.setattr(api_surface, "FILE", older)
    monkeypatch.setattr(api_surface, "__version__", "0.2.0")
    assert api_surface.main(["--write"]) == 0
    written = older.read_text()
    assert line.replace("0.1.0", "0.2.0") in written
    assert "0.0.9  class      Transport()" in written
    assert api_surface.main([]) == 0
