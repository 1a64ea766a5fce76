"""Lines for the end of the report: what no law can decide, and an author should know."""

from __future__ import annotations

_notes: list[str] = []


def add(text: str) -> None:
    """Keep a line, once."""
    if text not in _notes:
        _notes.append(text)


def take() -> list[str]:
    """The lines so far; they are then forgotten."""
    found = _notes.copy()
    _notes.clear()
    return found
