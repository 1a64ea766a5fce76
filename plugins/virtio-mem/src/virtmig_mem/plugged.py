"""Bitmaps of plugged blocks, as people read them."""

from __future__ import annotations

SHOWN = 32
"""Ranges in a summary at the most: a bitmap may have very many."""

WORD = 8
"""Bytes of a word of the bitmap."""


def plugged_ranges(bitmap: bytes) -> list[str]:
    """`["0-127", "200"]`: numbers of the blocks that are plugged; `"..."` if there are more."""
    words = [bitmap[start : start + WORD][::-1] for start in range(0, len(bitmap), WORD)]
    left = int.from_bytes(b"".join(words), "little")
    found: list[str] = []
    block = 0
    while left:
        if len(found) == SHOWN:
            return [*found, "..."]
        gap = _zeros(left)
        run = _zeros(~(left >> gap))
        first, block = block + gap, block + gap + run
        found.append(f"{first}-{block - 1}" if run > 1 else str(first))
        left >>= gap + run
    return found


def _zeros(number: int) -> int:
    """How many zero bits there are below the lowest that is set."""
    return (number & -number).bit_length() - 1
