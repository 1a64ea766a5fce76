"""A plan carried out: the files beside the stream, then the stream; each whole or not there."""

from __future__ import annotations

import json
from collections.abc import Generator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from virtmig.editing.patches import undo_of
from virtmig.editing.plan import EditPlan
from virtmig.stream.opening import Stream
from virtmig.stream.place import Place
from virtmig.stream.writing import replaced, write_pieces


def write_plan(  # noqa: PLR0913  a file each
    stream: Stream,
    plan: EditPlan,
    output: str,
    undo: str = "",
    beside: Mapping[str, Any] | None = None,
    *,
    unsafe: bool = False,
) -> None:
    """Write the changed stream to `output`, and to `undo` the patch that takes it back.

    beside: other JSON files. unsafe: allow changes that are. The files are there before the stream
    is replaced; if one cannot be written, what was there in the place of the others comes back.
    """
    plan.permit(unsafe=unsafe)
    files = {undo: undo_of(stream, plan)} if undo else {}
    with ExitStack() as kept:
        for path, data in {**files, **(beside or {})}.items():
            kept.enter_context(_kept_if_whole(path))
            write_json(path, data)
        stream.write(output, plan.edits)


@contextmanager
def _kept_if_whole(path: str) -> Generator[None]:
    """Put back what is at `path` now if what is done inside fails."""
    earlier = Path(path).read_bytes() if replaced(Path(path)) else None
    try:
        yield
    except BaseException:
        if earlier is not None:
            write_pieces(path, Place(b""), [earlier])
        else:
            Path(path).unlink(missing_ok=True)
        raise


def write_json(path: str, data: Any) -> None:
    """Write a JSON file, whole or not at all."""
    text = json.dumps(data, indent=1).encode() + b"\n"
    write_pieces(path, Place(b""), [text])
