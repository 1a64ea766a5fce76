"""Where a module lies, found without importing it or a package around it."""

from __future__ import annotations

import importlib.util
from collections.abc import Sequence
from importlib.machinery import ModuleSpec, PathFinder
from pathlib import Path

SOURCES_AT_MOST = 500


def find_module(name: str, path: Sequence[str] = ()) -> ModuleSpec | None:
    """The module's spec, or None if there is no such module. path: look there first."""
    top, *rest = name.split(".")
    try:
        spec = PathFinder.find_spec(top, list(path)) if path else None
        spec = spec or importlib.util.find_spec(top)
        for part in rest:
            if spec is None or spec.submodule_search_locations is None:
                return None
            places = list(spec.submodule_search_locations)
            spec = PathFinder.find_spec(f"{spec.name}.{part}", places)
    except (ImportError, ValueError, AttributeError, OSError):  # a finder of somebody else's
        return None
    return spec


def module_file(value: str, path: Sequence[str] = ()) -> str:
    """The file of the module that an entry point's value names; empty if there is none."""
    spec = find_module(value.partition(":")[0].strip(), path)
    return spec.origin or "" if spec is not None else ""


def top_of(value: str) -> str:
    """The import package in which the module of an entry point lies."""
    return value.partition(":")[0].strip().partition(".")[0]


def package_folder(top: str, path: Sequence[str] = ()) -> Path | None:
    """The folder of an import package; None for a single module and for one that is not there."""
    spec = find_module(top, path)
    places = list(spec.submodule_search_locations or ()) if spec is not None else []
    return Path(places[0]) if places else None


def python_files(top: str, path: Sequence[str] = ()) -> list[Path]:
    """The source files of an import package or module."""
    folder = package_folder(top, path)
    if folder is not None:
        return sorted(folder.rglob("*.py"))[:SOURCES_AT_MOST]
    spec = find_module(top, path)
    origin = Path(spec.origin) if spec is not None and spec.origin else None
    return [origin] if origin is not None and origin.suffix == ".py" else []
