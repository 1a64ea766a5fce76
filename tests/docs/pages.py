"""The pages of the documentation, their code blocks, and how a block is run.

A `console` block holds commands behind `$ ` and what they print; a line of three dots stands for
any lines. A command may fail only if `$ echo $?` follows it. `sh` blocks run as a whole. A `python`
block may be followed by an `output` block. All blocks of a page run in one folder, in order, with
the repository's `samples`, `examples` and `docs/code` in it. A block under `<!-- test: skip REASON
-->` is left out and listed with its reason. The rows of a `hex` block are bytes of a section.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
PAGES = [
    ROOT / "README.md",
    ROOT / "core" / "README.md",
    *sorted((ROOT / "plugins").glob("*/README.md")),
    *sorted((ROOT / "docs").rglob("*.md")),
]
RUN = ("console", "sh", "python")
LIMIT = 60  # seconds that one block may take
DOTS = "..."
FENCE = re.compile(r"^```(?P<kind>[\w-]*)\n(?P<text>.*?)^```$", re.DOTALL | re.MULTILINE)
MARK = re.compile(r"<!-- (?P<name>\w+): (?P<value>[^>]*?) -->\n\Z")


@dataclass(frozen=True)
class Block:
    """A fenced block of a page; `start` and `end` span its text."""

    page: Path
    kind: str
    text: str
    start: int
    end: int
    marks: dict[str, str] = field(default_factory=dict)
    output: Block | None = None

    @property
    def place(self) -> str:
        """Where it stands, for people."""
        line = self.page.read_text().count("\n", 0, self.start)
        return f"{self.page.relative_to(ROOT)}:{line}"

    @property
    def skipped(self) -> str:
        """Why it is not run; empty if it is."""
        test = self.marks.get("test", "")
        return test.removeprefix("skip ") if test.startswith("skip ") else ""

    @property
    def runs(self) -> bool:
        """Whether it is run. A quoted file is not: its own tests run it."""
        return self.kind in RUN and not self.skipped and "quote" not in self.marks


def blocks_of(page: Path) -> list[Block]:
    """All fenced blocks of a page."""
    text = page.read_text()
    found: list[Block] = []
    for match in FENCE.finditer(text):
        mark = MARK.search(text[: match.start()])
        marks = {mark["name"]: mark["value"]} if mark else {}
        found.append(
            Block(page, match["kind"], match["text"], match.start("text"), match.end("text"), marks)
        )
    return [_with_output(block, found[at + 1 : at + 2], text) for at, block in enumerate(found)]


def _with_output(block: Block, following: list[Block], text: str) -> Block:
    """`block` with the `output` block that stands right behind it."""
    for other in following:
        between = text[block.end : other.start].replace("```output", "").strip("`\n")
        if block.kind == "python" and other.kind == "output" and not between:
            return Block(
                block.page, block.kind, block.text, block.start, block.end, block.marks, other
            )
    return block


def furnish(folder: Path) -> Path:
    """A folder as the commands of the documentation expect it: a checkout's samples in it."""
    for name in ("samples", "examples", "docs/code"):
        if (ROOT / name).is_dir():
            shutil.copytree(ROOT / name, folder / name, dirs_exist_ok=True)
    return folder


def environment(folder: Path) -> dict[str, str]:
    """The environment of a reader: this Python's commands first, nothing coloured."""
    own = Path(sys.executable).parent
    return {
        "PATH": f"{own}{os.pathsep}{os.environ['PATH']}",
        "HOME": str(folder),
        "LC_ALL": "C.UTF-8",
        "COLUMNS": "80",
        "NO_COLOR": "1",
    }


def run(argv: list[str], folder: Path) -> tuple[int, str]:
    """The exit code of a program, and what it printed, errors too."""
    done = subprocess.run(
        argv,
        cwd=folder,
        env=environment(folder),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        timeout=LIMIT,
        text=True,
        check=False,
    )
    return done.returncode, done.stdout


@dataclass
class Command:
    """One command of a console block, and the lines that the page says it prints."""

    text: str
    quoted: list[str] = field(default_factory=list)
    printed: list[str] = field(default_factory=list)
    code: int = 0


def commands_of(text: str) -> list[Command]:
    """The commands of a console block; one goes on behind a backslash."""
    found: list[Command] = []
    for line in text.splitlines():
        if line.startswith("$ "):
            found.append(Command(line.removeprefix("$ ")))
        elif found and found[-1].text.endswith("\\"):
            found[-1].text += f"\n{line}"
        elif found:
            found[-1].quoted.append(line.rstrip())
    return found


def run_console(block: Block, folder: Path) -> list[Command]:
    """Run the commands of a console block in one shell."""
    commands = commands_of(block.text)
    end = "== end of command =="
    lines = []
    for command in commands:
        lines += [command.text, f'code=$?; echo; echo "{end} $code"; (exit $code)']
    _, printed = run(["bash", "-c", "\n".join(lines)], folder)
    outputs = re.split(rf"\n?{end} (\d+)\n", printed)
    for command, output, code in zip(commands, outputs[::2], outputs[1::2], strict=False):
        command.printed = [line.rstrip() for line in output.splitlines()]
        command.code = int(code)
    return commands


def agrees(quoted: list[str], printed: list[str]) -> bool:
    """Whether a quotation fits, line by line, three dots standing for any lines."""
    parts = ["(?:.*\n)*?" if line.strip() == DOTS else f"{re.escape(line)}\n" for line in quoted]
    return re.fullmatch("".join(parts), "".join(f"{line}\n" for line in printed)) is not None


HEX_ROW = re.compile(
    r"0x(?P<offset>[0-9a-f]+)  (?P<data>(?:[0-9a-f]{2} )+) +(?P<path>\S+)(?P<note>.*)"
)


@dataclass(frozen=True)
class HexRow:
    """A row of a `hex` block: bytes at an offset of a payload, the field they are, a note."""

    text: str
    offset: int
    data: bytes
    path: str

    def with_data(self, data: bytes) -> str:
        """The same row of another payload."""
        return self.text.replace(self.data.hex(" "), data.hex(" "), 1)


def hex_rows(block: Block) -> list[HexRow]:
    """The rows of a `hex` block, but for those that are three dots."""
    found: list[HexRow] = []
    for line in block.text.splitlines():
        match = HEX_ROW.fullmatch(line)
        if match:
            data = bytes.fromhex(match["data"])
            found.append(HexRow(line, int(match["offset"], 16), data, match["path"]))
        elif line.strip() != DOTS:
            message = f"{block.place}: no row of offset, bytes and field: {line!r}"
            raise ValueError(message)
    return found
