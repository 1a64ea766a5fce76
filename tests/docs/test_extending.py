"""The recipe for new state, on the sections of real devices: old ones load, new state travels."""

from __future__ import annotations

import importlib.util

import pytest

from tests.docs.pages import ROOT
from tests.golden import goldens
from virtmig.errors import DecodeError
from virtmig.hooks.registry import Registry
from virtmig.live.blueprint import create
from virtmig.live.procedure import virtio_load, virtio_save
from virtmig.reading import target_endian


def program(name):
    """One of the programs that the page quotes."""
    spec = importlib.util.spec_from_file_location(name, ROOT / "docs" / "code" / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


QUOTA, RESET = program("rng_quota"), program("ccw_reset")
BEFORE = Registry()
NEW_DEVICE, NEW_TRANSPORT = Registry(), Registry()
NEW_DEVICE.add_device("virtio-rng", QUOTA.plugin)
NEW_TRANSPORT.add_transport("virtio-ccw", RESET.plugin)
KNOWN = ("virtio-net", "virtio-blk")
RNGS = [one for one in goldens() if one.device == "virtio-rng"]
CHANNELS = [one for one in goldens() if one.idstr.startswith("/") and one.device in KNOWN]


def extended(golden, registry):
    """Its drivers with the extension, a fresh live device, and its state."""
    drivers = registry.drivers(golden.idstr, golden.machine)
    state = drivers.envelope.parse(golden.payload, golden.version_id)
    return drivers, create(drivers, state, target_endian(golden.machine, golden.idstr)), state


def saved(device, drivers, golden):
    return drivers.envelope.unparse(virtio_save(device, drivers), golden.version_id)


def test_there_are_sections_to_try_it_on():
    assert len(RNGS) > 2
    assert len(CHANNELS) > 20


@pytest.mark.parametrize("golden", RNGS, ids=str)
def test_a_device_with_a_new_subsection(golden):
    drivers, device, state = extended(golden, NEW_DEVICE)
    assert state.device == QUOTA.RngState()
    device.remaining = 1  # of an earlier life
    virtio_load(device, drivers, state)
    assert device.remaining == device.max_bytes
    assert saved(device, drivers, golden) == golden.payload
    device.remaining = 77
    longer = saved(device, drivers, golden)
    device.remaining = 0
    virtio_load(device, drivers, drivers.envelope.parse(longer, golden.version_id))
    assert device.remaining == 77
    assert saved(device, drivers, golden) == longer
    device.migrate_quota = False
    assert saved(device, drivers, golden) == golden.payload


@pytest.mark.parametrize("golden", CHANNELS, ids=str)
def test_a_transport_with_new_extra_state(golden):
    drivers, device, state = extended(golden, NEW_TRANSPORT)
    bus = device.transport
    bus.reset_cause = 1  # of an earlier life
    virtio_load(device, drivers, state)
    assert bus.reset_cause == 0
    assert saved(device, drivers, golden) == golden.payload
    bus.reset_cause = 7
    longer = saved(device, drivers, golden)
    assert len(longer) > len(golden.payload)
    bus.reset_cause = 0
    virtio_load(device, drivers, drivers.envelope.parse(longer, golden.version_id))
    assert bus.reset_cause == 7
    bus.migrate_reset = False
    assert saved(device, drivers, golden) == golden.payload
    before = BEFORE.drivers(golden.idstr, golden.machine).envelope
    with pytest.raises(DecodeError):
        before.parse(longer, golden.version_id)
