"""A popped descriptor chain: which of its two forms in a packed ring is which."""

from __future__ import annotations

from typing import Any

import pytest

from virtmig.errors import LimitExceeded
from virtmig.virtio.element import IoVec, VirtQueueElement
from virtmig.wire.codec import decode, encode
from virtmig.wire.scope import Facts, Scope


def scope(place: str) -> Scope:
    return Scope(facts=Facts({"element_ndescs": place, "host_byteorder": "little"}))


def element(**changed: Any) -> VirtQueueElement:
    """A buffer that a guest has written: it has no segment that the device may write."""
    written = {"index": 3, "out_num": 1, "in_num": 0, "padding": 0, "in_addr": (), "in_sg": ()}
    segment = IoVec(iov_base=0, iov_len=4096)
    return VirtQueueElement(
        **{**written, "out_addr": (0x1_2345_6000,), "out_sg": (segment,), **changed}
    )


@pytest.mark.parametrize("index", [0, 3, 127])
def test_without_writable_segments_too_only_one_form_fits(index: int) -> None:
    """A length has 32 bits: read four bytes off its place it is far more."""
    front = encode(element(index=index, ndescs=1), scope("front"))
    assert decode(VirtQueueElement, front, scope("front")).ndescs == 1
    with pytest.raises(LimitExceeded):
        decode(VirtQueueElement, front, scope("behind"))


def test_the_form_that_qemu_reads_is_not_taken_for_the_one_that_it_writes() -> None:
    behind = encode(element(ndescs_behind=1), scope("behind"))
    assert decode(VirtQueueElement, behind, scope("behind")).ndescs_behind == 1
    with pytest.raises(LimitExceeded):
        decode(VirtQueueElement, behind, scope("front"))
