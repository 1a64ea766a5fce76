"""What the source of a plugin tells without being run: imports, hooks, doubled fields."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

from virtmig.hooks.contract import Finding
from virtmig.hooks.spelling import HOOKS, misspelling
from virtmig.live.device import CORE_STATE

ALLOWED = "virtmig.api"
LIVE = {"VirtioDevice": CORE_STATE, "Transport": frozenset({"device"})}
"""The classes that plugins make live objects of, and what is the core's in them."""


def source_findings(path: Path, shown: str) -> Iterator[Finding]:
    """All that is wrong with one file. shown: how it is called in messages."""
    try:
        tree = ast.parse(path.read_bytes())
    except (SyntaxError, ValueError, RecursionError, OSError) as error:
        line = getattr(error, "lineno", None) or 1
        text = f"cannot be read as Python: {getattr(error, 'msg', error)}"
        yield Finding(code="syntax", where=f"{shown}:{line}", what=text, do="mend the file")
        return
    for node in ast.walk(tree):
        for found in _findings(node):
            yield Finding(
                code=found.code,
                where=f"{shown}:{found.where}",
                what=found.what,
                do=found.do,
            )


def _findings(node: ast.AST) -> Iterator[Finding]:
    if isinstance(node, ast.Import):
        for one in node.names:
            if one.name.split(".")[0] == "virtmig" and one.name != ALLOWED:
                yield _foreign(node, one.name)
    elif isinstance(node, ast.ImportFrom):
        yield from _imported_from(node)
    elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
        yield from _hook(node)
    elif isinstance(node, ast.ClassDef):
        yield from _fields(node)
        yield from _own_names(node)


def _imported_from(node: ast.ImportFrom) -> Iterator[Finding]:
    module = node.module or ""
    if node.level or module.split(".")[0] != "virtmig" or module == ALLOWED:
        return
    if module != "virtmig" or [one.name for one in node.names] != ["api"]:
        yield _foreign(node, module)


def _foreign(node: ast.stmt, module: str) -> Finding:
    what = f"imports {module}, which may change in any release"
    do = f"import from {ALLOWED} only"
    return Finding(code="imports-core", where=str(node.lineno), what=what, do=do)


def _hook(node: ast.FunctionDef | ast.AsyncFunctionDef) -> Iterator[Finding]:
    """A function that is marked as a hook, and is none or asks for what a hook is not given."""
    marks = [one for one in node.decorator_list if _name(one) == "hookimpl"]
    if not marks:
        return
    name = _spec_name(marks[0]) or node.name
    line = str(node.lineno)
    if name in HOOKS and isinstance(node, ast.AsyncFunctionDef):
        text = f"{name} is a coroutine, which nobody waits for"
        yield Finding(code="async-hook", where=line, what=text, do="make it a plain function")
    arguments = [one.arg for one in (*node.args.posonlyargs, *node.args.args)]
    needed = arguments[: len(arguments) - len(node.args.defaults)]
    for code, what, do in misspelling(name, needed):
        yield Finding(code=code, where=line, what=what, do=do)


def _name(decorator: ast.expr) -> str:
    """The last name of a decorator, called or not."""
    inner = decorator.func if isinstance(decorator, ast.Call) else decorator
    return inner.attr if isinstance(inner, ast.Attribute) else getattr(inner, "id", "")


def _spec_name(mark: ast.expr) -> str:
    """What `hookimpl(specname=...)` says."""
    for one in mark.keywords if isinstance(mark, ast.Call) else ():
        if one.arg == "specname" and isinstance(one.value, ast.Constant):
            return str(one.value.value)
    return ""


def _fields(node: ast.ClassDef) -> Iterator[Finding]:
    if not any(_name(one) == "record" for one in node.decorator_list):
        return
    seen: dict[str, int] = {}
    for one in node.body:
        if isinstance(one, ast.AnnAssign) and isinstance(one.target, ast.Name):
            name = one.target.id
            if name in seen:
                text = f"{node.name}.{name} is declared in line {seen[name]} already"
                do = "give one of them another name"
                yield Finding(code="doubled-field", where=str(one.lineno), what=text, do=do)
            seen.setdefault(name, one.lineno)


def _own_names(node: ast.ClassDef) -> Iterator[Finding]:
    """Attributes of a live object that have the name of one of the core's."""
    for base in node.bases:
        core = LIVE.get(_name(base), frozenset[str]())
        for one in node.body:
            target = one.target if isinstance(one, ast.AnnAssign) else None
            if isinstance(target, ast.Name) and target.id in core:
                text = f"{node.name}.{target.id} has the name of an attribute of the core"
                do = f"give it another name: the core sets {target.id} in each load"
                yield Finding(code="core-attribute", where=str(one.lineno), what=text, do=do)
