"""Imports point one way, from the command down to the errors; types alone may look back."""

from __future__ import annotations

import ast
import graphlib
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SOURCES = ROOT / "core/src/virtmig"

# A module may import those of its own layer and of the layers above it in this list. `live` is
# cut in two: hooks are given live devices, and the procedure calls hooks.
LAYERS = (
    ("virtmig",),
    ("virtmig.errors",),
    ("virtmig.environment",),
    ("virtmig.wire", "virtmig.stream", "virtmig.containers"),
    ("virtmig.guest", "virtmig.virtio"),
    ("virtmig.live.phase", "virtmig.live.device", "virtmig.live.transfer"),
    ("virtmig.hooks",),
    ("virtmig.live",),
    ("virtmig.reading", "virtmig.checking"),
    ("virtmig.explaining", "virtmig.formats", "virtmig.repairing"),
    ("virtmig.editing",),
    ("virtmig.comparing", "virtmig.filtering"),
    ("virtmig.scaffold", "virtmig.testing"),
    ("virtmig.cli",),
    ("virtmig.__main__", "virtmig.api"),
)
LEVELS = {name: level for level, names in enumerate(LAYERS) for name in names}
# Within a layer nothing is shared: these know nothing of each other.
APART = [{"virtmig.wire", "virtmig.stream"}, {"virtmig.wire", "virtmig.containers"}]
APART += [{"virtmig.testing", "virtmig.scaffold"}]
APART += [{"virtmig.reading", "virtmig.checking"}]
APART += [{"virtmig.explaining", "virtmig.formats"}, {"virtmig.guest", "virtmig.virtio"}]


def imports(path: Path) -> Iterator[str]:
    """Full names of what a file imports at run time, wherever in it."""
    tree = ast.parse(path.read_text())
    only_types = {
        inner
        for node in ast.walk(tree)
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"
        for inner in ast.walk(node)
    }
    for node in set(ast.walk(tree)) - only_types:
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: write imports in full"
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def module_of(name: str) -> str:
    """The module of ours that an imported name is, or is in."""
    while not (
        (path := SOURCES.parent / name.replace(".", "/")).is_dir()
        or path.with_suffix(".py").exists()
    ):
        name = name.rpartition(".")[0]
    return name


def graph() -> dict[str, set[str]]:
    """Every module of the core with the modules of the core that it imports."""
    found = {}
    for path in SOURCES.rglob("*.py"):
        name = ".".join(path.relative_to(SOURCES.parent).with_suffix("").parts)
        ours = {module_of(one) for one in imports(path) if one.split(".")[0] == "virtmig"}
        found[name.removesuffix(".__init__")] = ours
    return found


GRAPH = graph()


def layer(module: str) -> str:
    """The longest name in the list that the module is, or is below."""
    return max((name for name in LEVELS if f"{module}.".startswith(f"{name}.")), key=len)


def package(module: str) -> str:
    return ".".join(module.split(".")[:2])


def test_every_module_has_its_layer() -> None:
    assert len(GRAPH) > 60
    lost = [name for name in GRAPH if name != "virtmig" and layer(name) == "virtmig"]
    assert not lost, "name their layer in LAYERS"


@pytest.mark.parametrize("module", sorted(GRAPH))
def test_imports_point_one_way(module: str) -> None:
    wrong = {one for one in GRAPH[module] if LEVELS[layer(one)] > LEVELS[layer(module)]}
    assert not wrong
    beside = {
        one
        for one in GRAPH[module]
        for pair in APART
        if LEVELS[layer(one)] == LEVELS[layer(module)] and {package(module), package(one)} == pair
    }
    assert not beside


def test_no_module_imports_itself_in_a_circle() -> None:
    graphlib.TopologicalSorter(GRAPH).prepare()


def test_nothing_of_the_core_reads_its_own_api() -> None:
    """What plugins are promised is not what the core is made of."""
    assert not [name for name, found in GRAPH.items() if "virtmig.api" in found]


OUTSIDE = sorted([*ROOT.glob("plugins/*/src/**/*.py"), *ROOT.glob("examples/*/src/**/*.py")])


@pytest.mark.parametrize("path", OUTSIDE, ids=lambda path: f"{path.parent.name}/{path.name}")
def test_plugins_read_nothing_but_the_api(path: Path) -> None:
    ours = {one for one in imports(path) if one.split(".")[0] == "virtmig"}
    assert all(one.startswith("virtmig.api.") for one in ours)
    others = {one.split(".")[0] for one in imports(path)} - {"virtmig", "attrs", path.parent.name}
    plugins = {one.parent.name for one in OUTSIDE}
    assert not others & plugins


def test_there_are_plugins_to_look_at() -> None:
    assert len({path.parent for path in OUTSIDE}) >= 5


PURE = [
    "virtmig.wire",
    "virtmig.virtio",
    "virtmig.formats",
    "virtmig.explaining",
    "virtmig.reading",
]


@pytest.mark.parametrize("module", sorted(name for name in GRAPH if package(name) in PURE))
def test_only_the_command_prints(module: str) -> None:
    path = SOURCES.parent / module.replace(".", "/")
    text = (path / "__init__.py" if path.is_dir() else path.with_suffix(".py")).read_text()
    calls = {
        node.func.id
        for node in ast.walk(ast.parse(text))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)
    }
    assert not calls & {"print", "open", "input"}
