"""Whether all virtio devices of a stream are understood, and live ones take their state."""

from __future__ import annotations

import attrs

from virtmig.editing.trying import refusal
from virtmig.errors import NoDriver, VirtmigError
from virtmig.hooks.registry import Registry
from virtmig.reading import Decoded, Options, Undecoded, check_facts, read_devices
from virtmig.stream.opening import Stream


@attrs.frozen(kw_only=True)
class Checked:
    """The devices of a stream, by idstr.

    loaded: what was decoded, and, if it is a virtio device, loaded into a live one. as_bytes: no
    driver is installed. refused: what live devices said of state that was passed all the same.
    """

    loaded: tuple[str, ...]
    as_bytes: tuple[str, ...]
    refused: tuple[VirtmigError, ...]


def check(stream: Stream, registry: Registry, options: Options, *, unsafe: bool) -> Checked:
    """Raise the first error of any device; those of loading only if not `unsafe`.

    Devices without a driver are no error, unless no device has one. Indices of rings are not
    compared with guest memory.
    """
    loaded: list[str] = []
    as_bytes: list[NoDriver] = []
    refused: list[VirtmigError] = []
    devices = read_devices(stream, registry, options)
    check_facts(options, devices)
    for device in devices:
        if not isinstance(device, Undecoded):
            error = refusal(device, device.state, None) if isinstance(device, Decoded) else None
            if error is not None:
                error = error.in_section(device.section.idstr)
            if error is not None and not unsafe:
                raise error
            refused += [error] if error is not None else []
            loaded += [device.section.idstr] if error is None else []
        elif isinstance(device.error, NoDriver):
            as_bytes.append(device.error)
        else:
            raise device.error
    if as_bytes and not loaded and not refused:
        raise as_bytes[0]
    names = tuple(error.where.section for error in as_bytes)
    return Checked(loaded=tuple(loaded), as_bytes=names, refused=tuple(refused))
