"""Which scanouts have a framebuffer, if the stream does not say."""

from __future__ import annotations

from itertools import product

import attrs
import pytest

from virtmig.api import OutOfRange, Scope, VirtmigError, decode, encode
from virtmig_gpu.outer import GpuOuter
from virtmig_gpu.state import FRAMEBUFFERS, Cursor, Framebuffer, Resource, Scanout

CURSOR = Cursor(resource_id=0, hot_x=0, hot_y=0, pos_x=0, pos_y=0)
FRAME = Framebuffer(format=0x20020888, bytes_pp=0, width=640, height=480, stride=2560, offset=0)
BLANK = Framebuffer(format=0, bytes_pp=0, width=0, height=0, stride=0, offset=0)
OFF = Scanout(resource_id=0, width=0, height=0, x=0, y=0, cursor=CURSOR, fb=None)
RESOURCE = Resource(resource_id=2, width=0, height=0, format=2, iov_cnt=0, backing=(), pixels=b"")


def shown(number: int) -> Scanout:
    return Scanout(resource_id=number, width=640, height=480, x=0, y=0, cursor=CURSOR, fb=None)


def outer(*scanouts: Scanout) -> GpuOuter:
    return GpuOuter(
        resources=(RESOURCE,), enable=1, max_outputs=len(scanouts), scanouts=scanouts, blobs=None
    )


def known(framebuffers: str | int) -> Scope:
    return Scope(facts={FRAMEBUFFERS.name: framebuffers})


@pytest.mark.parametrize("pattern", list(product((True, False), repeat=4)))
def test_screens_that_show_something_tell_which_have_a_framebuffer(pattern: tuple[bool]) -> None:
    screens = [
        attrs.evolve(shown(number), fb=FRAME if has else None)
        for number, has in enumerate(pattern, start=1)
    ]
    state = outer(*screens)
    scope = known(sum(pattern) or "none")
    assert decode(GpuOuter, encode(state, scope), scope) == state


@pytest.mark.parametrize(
    "screens",
    [
        (attrs.evolve(shown(2), fb=FRAME), OFF),
        (shown(2), attrs.evolve(OFF, fb=BLANK)),
        (OFF, attrs.evolve(shown(2), fb=FRAME)),
        (attrs.evolve(OFF, fb=FRAME), shown(2)),
        (attrs.evolve(OFF, fb=BLANK), OFF),
        (attrs.evolve(OFF, fb=BLANK), attrs.evolve(shown(2), fb=FRAME), OFF),
    ],
)
def test_so_does_one_of_them(screens: tuple[Scanout, ...]) -> None:
    scope = known(sum(one.fb is not None for one in screens))
    state = outer(*screens)
    assert decode(GpuOuter, encode(state, scope), scope) == state


def test_of_screens_that_are_off_the_first_ones_have_it() -> None:
    scope = known(1)
    with pytest.raises(OutOfRange, match=r"scanouts: a reader would look .* at other scanouts"):
        encode(outer(OFF, attrs.evolve(OFF, fb=BLANK)), scope)


@pytest.mark.parametrize("framebuffers", ["all", "none", 2])
def test_the_number_is_the_one_that_is_known(framebuffers: str | int) -> None:
    with pytest.raises(OutOfRange, match=r"3 given, 1 with a framebuffer: 3 and"):
        encode(outer(attrs.evolve(shown(2), fb=FRAME), OFF, OFF), known(framebuffers))


@pytest.mark.parametrize(
    ("length", "path"),
    [(2, "scanouts[0].resource_id"), (58, "scanouts[0].fb.stride"), (82, "scanouts[1].y")],
)
def test_a_cut_names_the_field(length: int, path: str) -> None:
    scope = known(1)
    data = encode(outer(attrs.evolve(shown(2), fb=FRAME), OFF), scope)
    with pytest.raises(VirtmigError) as failed:
        decode(GpuOuter, data[: len(data) - 104 + length], scope)
    assert failed.value.where.path == path
