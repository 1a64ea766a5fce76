"""What is wrong with a function that is marked as a hook: its name or its arguments are no hook's.

The same is said of a plugin that is bound and of its source text, which is read without running it.
"""

from __future__ import annotations

import difflib
import inspect
import linecache
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from virtmig.hooks.hookspecs import PROJECT
from virtmig.hooks.tracing import hook_specs

HOOKS = {name: tuple(inspect.signature(one).parameters) for name, one in hook_specs().items()}
"""Every hook by its name, with what it is given."""
ALL_HOOKS = f"all hooks: {', '.join(HOOKS)}"


def misspelling(name: str, arguments: Sequence[str]) -> Iterator[tuple[str, str, str]]:
    """Code, problem and cure of each slip. arguments: those without a default, with `self`."""
    if name not in HOOKS:
        close = difflib.get_close_matches(name, HOOKS, 1)
        do = f"did you mean {close[0]}?" if close else ALL_HOOKS
        yield "unknown-hook", f"there is no hook {name}", do
        return
    for one in arguments[1:] if arguments[:1] in (["self"], ["cls"]) else arguments:
        if one not in HOOKS[name]:
            text = f"{name} asks for {one!r}, which it is not given"
            yield "hook-argument", text, f"it is given {', '.join(HOOKS[name]) or 'nothing'}"


def misspelled(plugin: Any) -> Iterator[tuple[str, str]]:
    """Problem, with file and line, and cure of each slip in a plugin object."""
    for attribute in dir(plugin):
        method = getattr(plugin, attribute, None)
        mark: dict[str, Any] | None = getattr(method, f"{PROJECT}_impl", None)
        if isinstance(mark, dict) and not mark.get("optionalhook"):
            name = str(mark.get("specname") or attribute)
            for _, what, do in misspelling(name, _needed(method)):
                yield f"{_place(method)}: {what}", do


def _needed(function: Any) -> list[str]:
    """The names of arguments that a function cannot do without."""
    known = inspect.signature(function).parameters.values()
    kinds = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    return [one.name for one in known if one.kind in kinds and one.default is one.empty]


def _place(function: Any) -> str:
    """File and line of a definition, as `virtmig plugins validate` has them."""
    code = inspect.unwrap(function).__code__
    lines = linecache.getlines(code.co_filename)[code.co_firstlineno - 1 :]
    starts = (at for at, one in enumerate(lines) if one.lstrip().startswith(("def ", "async def ")))
    parts, top = Path(code.co_filename).parts, str(function.__module__).partition(".")[0]
    start = len(parts) - 1 - parts[::-1].index(top) if top in parts else -1
    return f"{'/'.join(parts[start:])}:{code.co_firstlineno + next(starts, 0)}"
