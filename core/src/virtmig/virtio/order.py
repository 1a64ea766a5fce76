"""The documented procedure as data: one list for each direction, read by all who need the order.

The parser and unparser of sections, the live procedure, the trace and its tests, and the
diagrams in the documentation all take their order from here. It is that of QEMU's
docs/devel/virtio-migration text, with the steps that virtio_load() takes beside it.
"""

from __future__ import annotations

from enum import Enum

import attrs

from virtmig.virtio.subsections import Subsections
from virtmig.wire.layout import layout_of


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
    Step("save_config", Party.TRANSPORT, "proxy device, transport fields", "config", hook=True),
    Step("save_common", Party.CORE, "common device fields", "common"),
    Step("save_virtqueue", Party.CORE, "common virtqueue fields", "queues", Per.QUEUE),
    Step("save_queue", Party.TRANSPORT, "transport virtqueue fields", "queues", Per.QUEUE, True),
    Step("save_device", Party.DEVICE, "device-specific fields", "device", hook=True),
    Step("save_subsection", Party.CORE, "one subsection", "subsections", Per.SUBSECTION),
)

LOAD = (
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
)

PARTS = tuple(dict.fromkeys(step.part for step in LOAD if step.part))
"""The five parts, in the order in which they lie in a section."""

SUBSECTIONS = tuple(layout_of(Subsections).tails)
"""Names of the core's subsections, in the order in which they are written."""


def expand(steps: tuple[Step, ...], queues: int, subsections: tuple[str, ...]) -> list[str]:
    """The steps' labels for a device with so many queues and these subsections.

    Steps that are repeated for the same thing form one loop: queue 0's, then queue 1's, ...
    """
    labels: list[str] = []
    index = 0
    while index < len(steps):
        loop = [steps[index]]
        while index + len(loop) < len(steps) and loop[0].per is not Per.ONCE:
            if steps[index + len(loop)].per is not loop[0].per:
                break
            loop.append(steps[index + len(loop)])
        details = {
            Per.ONCE: [""],
            Per.QUEUE: [f"[{queue}]" for queue in range(queues)],
            Per.SUBSECTION: [f" {name}" for name in SUBSECTIONS if name in subsections],
        }[loop[0].per]
        labels += [step.name + detail for detail in details for step in loop]
        index += len(loop)
    return labels
