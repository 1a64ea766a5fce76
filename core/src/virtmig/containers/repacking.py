"""The way back: a changed stream into the containers that it came in."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Sequence

from virtmig.containers.contract import Layer
from virtmig.stream.output import AnyPiece, Output, PackedOutput, put
from virtmig.stream.place import Place
from virtmig.stream.writing import write_file


def write_back(
    path: str | os.PathLike[str],
    place: Place,
    layers: Sequence[Layer],
    pieces: Iterable[AnyPiece],
    proven: Callable[[], None],
) -> None:
    """Write pieces, whose ranges are of `place`, into its containers.

    If they change nothing, the file is written as it was. What stands in front of a stream stays,
    what was unpacked is packed again, and what follows that stays. A container that is not written
    ends this: what was in it becomes a file of its own. proven: called before the file gets its
    name; may raise.
    """
    kept = written(layers)
    outer = kept[0].outer if kept else place
    merged = list(_merged(place, pieces))
    if merged == [range(place.at, len(place.data))]:
        first = outer.at if len(kept) < len(layers) else 0
        place, kept, merged = outer, [], [range(first, len(outer.data))]

    def fill(out: Output) -> None:
        for layer in kept:
            if layer.unpacked and (packer := layer.container.packer()):
                out = PackedOutput(packer, out, (layer.outer, layer.behind))
            else:
                out.copy(layer.outer, range(layer.outer.at, layer.inner.at))
        put(out, place, merged)
        out.close()
        proven()

    write_file(path, fill, outer.file)


def written(layers: Sequence[Layer]) -> list[Layer]:
    """The containers that a stream is put back into: those inside all that are not written."""
    kept: list[Layer] = []
    for layer in layers:
        kept = [*kept, layer] if layer.writable else []
    return kept


def _merged(place: Place, pieces: Iterable[AnyPiece]) -> Iterable[AnyPiece]:
    """The pieces without empty ones; what is as it was is a range, as long as can be."""
    last: range | None = None
    for piece in pieces:
        now = _range(place, piece, last)
        if isinstance(now, range) and last is not None and now.start == last.stop:
            last = range(last.start, now.stop)
            continue
        if last:
            yield last
        last = now if isinstance(now, range) else None
        if not isinstance(now, range) and now:
            yield now
    if last:
        yield last


def _range(place: Place, piece: AnyPiece, last: range | None) -> AnyPiece:
    """Bytes that are the same as those that follow the last range: as a range."""
    if isinstance(piece, bytes) and last is not None:
        same = range(last.stop, last.stop + len(piece))
        if place.data[same.start : same.stop] == piece:
            return same
    return piece
