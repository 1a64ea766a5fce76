"""A hook sets what its own party owns, and nothing else."""

from __future__ import annotations

from typing import Any

import pytest

from tests.core.material import fresh, pick, state_of
from virtmig.errors import ContractBroken
from virtmig.hooks.hookspecs import hookimpl
from virtmig.hooks.registry import Registry
from virtmig.live.procedure import virtio_load
from virtmig_blk.live import VirtioBlk
from virtmig_pci.live import VirtioPci

GOLDEN = pick("virtio-blk")


class GreedyBlk(VirtioBlk):
    """A device plugin whose post_load sets one attribute, `path` of the device."""

    def __init__(self, path: str) -> None:
        self.path = path

    @hookimpl
    def post_load(self, device: Any) -> None:
        target = device
        *steps, last = self.path.split(".")
        for step in steps:
            target = target[int(step)] if step.isdigit() else getattr(target, step)
        setattr(target, last, 1)


class GreedyPci(VirtioPci):
    """A transport plugin that sets the device's requests."""

    @hookimpl
    def notify(self, transport: Any) -> None:
        transport.device.requests = ()


@pytest.mark.parametrize(
    ("path", "what", "owner"),
    [
        ("status", "status of LiveBlk", "virtio core"),
        ("guest_features", "guest_features of LiveBlk", "virtio core"),
        ("queues.0.last_avail_idx", "last_avail_idx of VirtQueue", "virtio core"),
        ("queues.0.used_idx", "used_idx of VirtQueue", "virtio core"),
        ("queues.0.vector", "vector of VirtQueue", "virtio transport"),
        ("transport.config_vector", "config_vector of PciTransport", "virtio transport"),
        ("transport.device", "device of PciTransport", "virtio core"),
    ],
)
def test_a_device_hook_sets_only_what_is_the_device_s(path: str, what: str, owner: str) -> None:
    registry = Registry()
    registry.add_device("virtio-blk", GreedyBlk(path), "virtio-blk of greedy 1.0")
    device = fresh(GOLDEN)
    before = device.status
    with pytest.raises(ContractBroken) as caught:
        virtio_load(device, registry.drivers(GOLDEN.idstr, GOLDEN.machine), state_of(GOLDEN))
    text = f"greedy 1.0: post_load: it sets {what}, which belongs to the {owner}"
    assert text in caught.value.reason
    assert device.status == before


def test_a_device_hook_may_set_what_its_class_adds() -> None:
    registry = Registry()
    registry.add_device("virtio-blk", GreedyBlk("requests_seen"))
    device = fresh(GOLDEN)
    virtio_load(device, registry.drivers(GOLDEN.idstr, GOLDEN.machine), state_of(GOLDEN))
    assert vars(device)["requests_seen"] == 1


def test_a_transport_hook_does_not_set_the_device_s() -> None:
    registry = Registry()
    registry.add_transport("virtio-pci", GreedyPci(), "virtio-pci of greedy 1.0")
    with pytest.raises(ContractBroken, match="notify: it sets requests of LiveBlk"):
        virtio_load(fresh(GOLDEN), registry.drivers(GOLDEN.idstr, GOLDEN.machine), state_of(GOLDEN))


def test_outside_hooks_the_machine_sets_what_it_likes() -> None:
    device = fresh(GOLDEN)
    device.status = 7
    device.queues[0].vector = 3
    assert (device.status, device.queues[0].vector) == (7, 3)
