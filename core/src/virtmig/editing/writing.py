"""A plan carried out: the undo patch first, then the stream, each whole or not there."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from virtmig.editing.patches import undo_of
from virtmig.editing.plan import EditPlan
from virtmig.stream.opening import Stream
from virtmig.stream.place import Place
from virtmig.stream.writing import write_pieces


def write_plan(
    stream: Stream, plan: EditPlan, output: str, undo: str = "", *, unsafe: bool = False
) -> None:
    """Write the changed stream to `output`, and to `undo` the patch that takes it back.

    unsafe: allow changes that are. The patch is there before the stream is replaced; if the stream
    cannot be written, what was there in its place comes back.
    """
    plan.permit(unsafe=unsafe)
    earlier = Path(undo).read_bytes() if undo and Path(undo).exists() else None
    if undo:
        write_json(undo, undo_of(stream, plan))
    try:
        stream.write(output, plan.edits)
    except BaseException:
        if earlier is not None:
            write_pieces(undo, Place(b""), [earlier])
        elif undo:
            Path(undo).unlink(missing_ok=True)
        raise


def write_json(path: str, data: Any) -> None:
    """Write a JSON file, whole or not at all."""
    text = json.dumps(data, indent=1).encode() + b"\n"
    write_pieces(path, Place(b""), [text])
