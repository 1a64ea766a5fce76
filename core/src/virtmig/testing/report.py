"""What the kit says when a law is broken: one block that its reader can act on."""

from __future__ import annotations

import textwrap

from virtmig.errors import printable

WIDTH = 96
LONGEST = 320


class LawBroken(AssertionError):
    """A law that does not hold, with all that its block says.

    found: what was seen. do: one sentence that says what to change. field: `EchoState.tag`, or the
    attribute, hook or file that is at fault. first: the law that is to tell this; where that one is
    broken by it, others are skipped. law, plugin, and fault, which names an exception in the
    plugin: added by whoever runs the law.
    """

    def __init__(self, found: str, *, do: str, field: str = "", first: str = "") -> None:
        super().__init__(found)
        self.found = found
        self.do = do
        self.field = field
        self.first = first
        self.fault = ""
        self.law = ""
        self.plugin = ""

    def __str__(self) -> str:
        rows = {
            "law": self.law,
            "plugin": self.plugin,
            "field": self.field,
            "found": self.found,
            "do": self.do,
        }
        return "\n".join(_row(name, text) for name, text in rows.items() if text)


def _row(name: str, text: str) -> str:
    """One line, wrapped under its name; whatever it holds, it is short and printable."""
    text = " ".join(printable(part) for part in text.split())
    if len(text) > LONGEST and name == "found":
        text = f"{text[: LONGEST - 3]}..."
    return textwrap.fill(
        text,
        WIDTH,
        initial_indent=f"{name}: ",
        subsequent_indent="    ",
        break_long_words=False,
        break_on_hyphens=False,
    )
