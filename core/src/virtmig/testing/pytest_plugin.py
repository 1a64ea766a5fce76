"""The pytest plugin of the conformance kit; installed with virtmig, and idle until it is needed.

It imports nothing of virtmig before a conformance class or one of its fixtures is used.
`-p no:virtmig` switches it off; the laws hold without it, only notes are then not shown.
"""

from __future__ import annotations

from collections.abc import Generator
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from virtmig.hooks.registry import Registry
    from virtmig.testing.draw import Draw
    from virtmig.testing.goldens import Golden

NOTE = "virtmig note"
GROUPS = ("virtmig.devices", "virtmig.transports", "virtmig.sections")
MARKER = "virtmig(uses=()): names of installed drivers that `virtmig_registry` may find beside ours"


def pytest_configure(config: pytest.Config) -> None:
    """Make the marker known."""
    config.addinivalue_line("markers", MARKER)


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Run those laws first that others need; what is no conformance class stays as it is."""
    places: dict[Any, list[int]] = {}
    for place, item in enumerate(items):
        if _kit_class(item) is not None:
            places.setdefault(item.parent, []).append(place)
    for mine in places.values():
        from virtmig.testing.kit import rank  # noqa: PLC0415

        found = [items[place] for place in mine]
        found.sort(key=lambda item: rank(item.name.removeprefix("test_")))
        for place, item in zip(mine, found, strict=True):
            items[place] = item


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Generator[None, Any, Any]:
    """While a test of a conformance class runs, only its own plugin is found."""
    with _guard(item):
        return (yield)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Generator[None, Any, Any]:
    """Keep what the laws have to say beside their verdict."""
    try:
        return (yield)
    finally:
        if _kit_class(item) is not None:
            from virtmig.testing import notes  # noqa: PLC0415

            item.user_properties.extend((NOTE, text) for text in notes.take())


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """Show the notes, each once."""
    texts = {
        str(text): None
        for reports in terminalreporter.stats.values()
        for report in reports
        for name, text in getattr(report, "user_properties", ())
        if name == NOTE
    }
    if texts:
        terminalreporter.section("virtmig: what no law decides")
        for text in texts:
            terminalreporter.line(text)


def _kit_class(item: pytest.Item) -> Any:
    """The conformance class that a test is of, if it is of any."""
    cls = getattr(item, "cls", None)
    return cls if getattr(cls, "__virtmig_kit__", False) else None


def _guard(item: pytest.Item) -> AbstractContextManager[None]:
    cls = _kit_class(item)
    if cls is None:
        return nullcontext()
    from virtmig.testing.isolation import only  # noqa: PLC0415

    return only(cls.driver, *cls.uses)


@pytest.fixture
def virtmig_registry(request: pytest.FixtureRequest) -> Generator[Registry, None, None]:
    """A registry that finds the drivers of the project under test, and those that a test names.

    The project is the one whose pyproject.toml lies nearest above the test file; others are named
    by `@pytest.mark.virtmig(uses=("virtio-pci",))`.
    """
    from virtmig.hooks.registry import Registry  # noqa: PLC0415
    from virtmig.testing.isolation import only  # noqa: PLC0415

    marker = request.node.get_closest_marker("virtmig")
    uses: tuple[str, ...] = tuple(marker.kwargs.get("uses", ())) if marker else ()
    with only(*project_drivers(request.path), *uses):
        yield Registry()


@pytest.fixture
def virtmig_goldens(request: pytest.FixtureRequest) -> list[Golden]:
    """The goldens in the folder `goldens` beside the test file."""
    from virtmig.testing.goldens import read_goldens  # noqa: PLC0415

    return read_goldens(request.path.parent / "goldens")


@pytest.fixture
def virtmig_draw(request: pytest.FixtureRequest) -> Draw:
    """Drawn values, the same for a test in each run."""
    import zlib  # noqa: PLC0415

    from virtmig.testing.draw import RandomDraw  # noqa: PLC0415

    return RandomDraw(zlib.crc32(request.node.nodeid.encode()))


def project_drivers(path: Path) -> list[str]:
    """Names of the drivers that the project around a file declares."""
    import tomllib  # noqa: PLC0415

    for folder in path.parents:
        file = folder / "pyproject.toml"
        if not file.exists():
            continue
        points = tomllib.loads(file.read_text()).get("project", {}).get("entry-points", {})
        found = [name for group in GROUPS for name in points.get(group, ())]
        if found:
            return found
    return []
