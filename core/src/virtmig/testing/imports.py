"""What a source file imports, in whatever form it is written."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

LOADS = ("import_module", "__import__")
CORE = "virtmig"


def imported(path: Path) -> Iterator[tuple[int, str]]:
    """Lines and full names of what a file imports at run time; relative ones are its own."""
    tree = ast.parse(path.read_bytes())
    types = {
        inner
        for node in ast.walk(tree)
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test)
        for inner in ast.walk(node)
    }
    nodes = [one for one in ast.walk(tree) if one not in types]
    for node in nodes:
        yield from _statement(node)
        yield from _by_name(node)
    if any(isinstance(one, ast.Import) and _binds_core(one) for one in nodes):
        for node in nodes:
            yield from _by_attribute(node)


def _statement(node: ast.AST) -> Iterator[tuple[int, str]]:
    if isinstance(node, ast.Import):
        yield from ((node.lineno, alias.name) for alias in node.names)
    elif isinstance(node, ast.ImportFrom) and not node.level and node.module:
        if node.module == CORE:
            yield from ((node.lineno, f"{CORE}.{alias.name}") for alias in node.names)
        else:
            yield node.lineno, node.module


def _by_name(node: ast.AST) -> Iterator[tuple[int, str]]:
    """`import_module("x")`, `__import__("x")` and `sys.modules["x"]`, as far as x is written."""
    named: list[ast.expr] = []
    if isinstance(node, ast.Call) and ast.unparse(node.func).rpartition(".")[2] in LOADS:
        named = node.args[:1]
    elif isinstance(node, ast.Subscript) and ast.unparse(node.value).endswith("sys.modules"):
        named = [node.slice]
    for one in named:
        if (text := _text(one)) and not text.startswith("."):
            yield one.lineno, text


def _text(node: ast.expr) -> str:
    """A text that is written as one, or as a sum of some; empty if it is worked out."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return node.value
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
        left, right = _text(node.left), _text(node.right)
        return f"{left}{right}" if left and right else ""
    return ""


def _binds_core(node: ast.Import) -> bool:
    """Whether `import virtmig.api` puts the whole core within reach, by the name of its top."""
    return any(one.name.partition(".")[0] == CORE and not one.asname for one in node.names)


def _by_attribute(node: ast.AST) -> Iterator[tuple[int, str]]:
    """`virtmig.live`, which is there only as something else has imported it."""
    if not isinstance(node, ast.Attribute) or not isinstance(node.value, ast.Name):
        return
    if node.value.id == CORE and node.attr != "api" and not node.attr.startswith("__"):
        yield node.lineno, f"{CORE}.{node.attr}"
