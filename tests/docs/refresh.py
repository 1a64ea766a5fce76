"""Bring quoted output up to date: run the blocks of all pages and rewrite what they print.

    python -m tests.docs.refresh [PAGE...]

Quotations with three dots keep their dots: each quoted line becomes the most similar line that was
printed behind the one before it. Look at the difference before you commit it.
"""

from __future__ import annotations

import difflib
import sys
import tempfile
from pathlib import Path

from tests.docs.pages import DOTS, PAGES, agrees, blocks_of, furnish, hex_rows, run, run_console
from virtmig.stream.opening import open_stream

ALIKE = 0.5


def main(argv):
    """Refresh the pages that are named, or all."""
    for page in [Path(name).resolve() for name in argv] or PAGES:
        old = page.read_text()
        new = refreshed(page, old)
        if new != old:
            page.write_text(new)
            print(f"wrote {page}")


def refreshed(page, text):
    """Run a page's blocks in order, then put the new texts in, last one first."""
    changes = []
    with tempfile.TemporaryDirectory() as name:
        folder = furnish(Path(name))
        for block in blocks_of(page):
            if block.kind == "hex":
                changes.append((block, hexadecimal(block, folder)))
            elif not block.runs:
                continue
            elif block.kind == "console":
                changes.append((block, console(block, folder)))
            elif block.kind == "python":
                _, printed = run([sys.executable, "-c", block.text], folder)
                if block.output is not None:
                    changes.append((block.output, merged(block.output.text, printed)))
            elif block.kind == "sh":
                run(["bash", "-e", "-c", block.text], folder)
    for block, new in sorted(changes, key=lambda change: -change[0].start):
        text = text[: block.start] + new + text[block.end :]
    return text


def console(block, folder):
    """Write a console block with what its commands print now."""
    lines = []
    for command in run_console(block, folder):
        lines += [f"$ {command.text}", *pick(command.quoted, command.printed)]
    return "".join(f"{line}\n" for line in lines)


def merged(quoted, printed):
    lines = pick(quoted.splitlines(), printed.splitlines())
    return "".join(f"{line}\n" for line in lines)


def pick(quoted, printed):
    """What to quote now, in the manner of what was quoted."""
    if not quoted or agrees(quoted, printed):
        return quoted
    if not any(line.strip() == DOTS for line in quoted):
        return printed
    found, at = [], 0
    for line in quoted:
        if line.strip() == DOTS:
            found.append(line)
            continue
        best = max(range(at, len(printed)), key=lambda n: alike(line, printed[n]), default=None)
        if best is not None and alike(line, printed[best]) >= ALIKE:
            found.append(printed[best])
            at = best + 1
    return found


def alike(one, other):
    return difflib.SequenceMatcher(None, one, other, autojunk=False).ratio()


def hexadecimal(block, folder):
    """Put the section's bytes into an annotated block."""
    file, idstr = block.marks["section"].split()
    with open_stream(folder / file) as stream:
        (section,) = [one for one in stream.sections if one.idstr == idstr]
        payload = stream.payload(section)
    text = block.text
    for row in hex_rows(block):
        text = text.replace(row.text, row.with_data(payload[row.offset :][: len(row.data)]), 1)
    return text


if __name__ == "__main__":
    main(sys.argv[1:])
