"""The documented procedure as data: one list for each direction, read by all who need the order.

The parser and unparser of sections, the live procedure, the trace and its tests, and the
diagrams in the documentation all take their order from here. It is that of QEMU's
docs/devel/virtio-migration text, with the steps that virtio_load() takes beside it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from enum import Enum
from itertools import groupby

import attrs

from virtmig.virtio.subsections import TAILS


class Party(Enum):
    """Who does a step."""

    CORE = "virtio core"
    TRANSPORT = "virtio transport"
    DEVICE = "virtio device"


class Per(Enum):
    """What a step is repeated for."""

    ONCE = "once"
    QUEUE = "queue"
    SUBSECTION = "subsection"
    OUTER = "own vmsd with fields"


@attrs.frozen
class Step:
    """One step. `part` is the part of the state that it moves, if any."""

    name: str
    party: Party
    text: str
    part: str = ""
    per: Per = Per.ONCE
    hook: bool = False


SAVE = (
    Step("save", Party.DEVICE, "the registered save function calls virtio_save()"),
    Step("save_config", Party.TRANSPORT, "proxy device, transport fields", "config", hook=True),
    Step("save_common", Party.CORE, "common device fields", "common"),
    Step("save_virtqueue", Party.CORE, "common virtqueue fields", "queues", Per.QUEUE),
    Step("save_queue", Party.TRANSPORT, "transport virtqueue fields", "queues", Per.QUEUE, True),
    Step("save_device", Party.DEVICE, "device-specific fields", "device", hook=True),
    Step("save_subsection", Party.CORE, "one subsection", "subsections", Per.SUBSECTION),
    Step("save_outer", Party.DEVICE, "fields of its own vmsd", "outer", Per.OUTER, hook=True),
)

LOAD = (
    Step("load", Party.DEVICE, "the registered load function calls virtio_load()"),
    Step("load_config", Party.TRANSPORT, "proxy device, transport fields", "config", hook=True),
    Step("load_common", Party.CORE, "common device fields", "common"),
    Step("load_virtqueue", Party.CORE, "common virtqueue fields", "queues", Per.QUEUE),
    Step("load_queue", Party.TRANSPORT, "transport virtqueue fields", "queues", Per.QUEUE, True),
    Step("notify", Party.CORE, "notify guest"),
    Step("load_device", Party.DEVICE, "device-specific fields", "device", hook=True),
    Step("load_subsection", Party.CORE, "one subsection", "subsections", Per.SUBSECTION),
    Step("sanitize_endianness", Party.CORE, "default endianness if none was sent"),
    Step("sanitize_features", Party.CORE, "accepted features against the host's"),
    Step("check_indices", Party.CORE, "virtqueue indices against guest memory"),
    Step("post_load", Party.DEVICE, "feature-dependent setup", hook=True),
    Step("load_outer", Party.DEVICE, "fields of its own vmsd", "outer", Per.OUTER, hook=True),
)

PARTS = tuple(dict.fromkeys(step.part for step in LOAD if step.part and step.per is not Per.OUTER))
"""The five parts that every device has, in the order in which they lie in a section.

A few devices (virtio-gpu) have a sixth behind them, `outer`: QEMU describes such a device by a
vmsd that has fields or subsections of its own beside the one that calls virtio_save().
"""

SUBSECTIONS = tuple(TAILS)
"""Names of the core's subsections, in the order in which they are written."""


def walk(
    steps: tuple[Step, ...], queues: int, subsections: Iterable[str], *, outer: bool = False
) -> Iterator[tuple[Step, int | str]]:
    """Each step as often as it is done, with the queue index or subsection name it is done for.

    Neighbouring steps that are repeated for the same thing form one loop: both for queue 0, then
    both for queue 1, ... `subsections` is asked for only when its turn comes. outer: whether the
    device has that part.
    """
    keys: dict[Per, Iterable[int | str]] = {
        Per.ONCE: ("",),
        Per.QUEUE: range(queues),
        Per.SUBSECTION: subsections,
        Per.OUTER: ("",) if outer else (),
    }
    for per, group in groupby(steps, lambda step: step.per):
        loop = tuple(group)
        if per is Per.ONCE:
            yield from ((step, "") for step in loop)
        else:
            yield from ((step, key) for key in keys[per] for step in loop)


def label(step: Step, key: int | str) -> str:
    """`load_queue[3]`, `load_subsection virtio/started`, `post_load`: a step in a trace."""
    return f"{step.name}[{key}]" if isinstance(key, int) else f"{step.name} {key}".rstrip()
