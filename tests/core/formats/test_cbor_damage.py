"""Whatever is in a container, even under a right checksum: devices, or one typed error."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from typing import Any

import pytest

from tests.core.formats.boxes import (
    SMALL_PAYLOAD,
    opened,
    pack,
    sealed,
    section,
    small,
    toasters,
)
from tests.core.material import REGISTRY, drivers_of, pick, state_of
from virtmig.errors import VirtmigError
from virtmig.formats import cbor
from virtmig.hooks.registry import Registry
from virtmig.reading import Decoded

TOASTERS = toasters()
NET = pick("virtio-net", lambda state: state.device.rss is not None)
WRONG: list[Any] = [
    None,
    True,
    0,
    1,
    -1,
    1 << 70,
    1 << 20_000,
    -(1 << 64),
    1.5,
    "",
    "text",
    "5-3",
    "\n",
    b"",
    b"bytes",
    [],
    [1],
    [[]],
    {},
    {"a": 1},
    {1: 2},
]


def places(tree: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Every place in a tree that holds something; of long lists the first two items."""
    yield path
    if isinstance(tree, dict):
        for key, item in tree.items():
            yield from places(item, (*path, key))
    elif isinstance(tree, list):
        for index, item in enumerate(tree[:2]):
            yield from places(item, (*path, index))


def with_(tree: Any, path: tuple[Any, ...], value: Any) -> Any:
    """A copy of the tree with something else at a place."""
    if not path:
        return value
    made = copy.copy(tree)
    made[path[0]] = with_(tree[path[0]], path[1:], value)
    return made


def without(tree: Any, path: tuple[Any, ...]) -> Any:
    """A copy of the tree with nothing at a place."""
    made = copy.copy(tree)
    if len(path) > 1:
        made[path[0]] = without(tree[path[0]], path[1:])
    else:
        del made[path[0]]
    return made


def outcome(data: bytes, registry: Registry, payload: bytes) -> str:
    """What becomes of a container; devices that come out are those that went in."""
    try:
        found = cbor.unpack(data, registry)
    except VirtmigError as error:
        assert str(error).isprintable()
        return type(error).__name__
    assert all(one.payload == payload for one in found.devices)
    return "read"


def net() -> dict[str, Any]:
    """The contents of a container with a real network device."""
    place = section(NET.idstr, NET.version_id, len(NET.payload))
    device = Decoded(place, drivers_of(NET), state_of(NET), "little")
    return opened(pack([device], {place: NET.payload}))


CASES = {
    "toaster": (opened(small(TOASTERS)), TOASTERS, SMALL_PAYLOAD),
    "net": (net(), REGISTRY, NET.payload),
}


def test_every_flipped_byte_of_a_container_is_noticed() -> None:
    data = small(TOASTERS)
    for at in range(len(data)):
        for flip in (0x01, 0x20, 0x80, 0xFF):
            damaged = data[:at] + bytes([data[at] ^ flip]) + data[at + 1 :]
            assert outcome(damaged, TOASTERS, SMALL_PAYLOAD) == "BadContainer", at


def test_every_cut_of_a_container_is_noticed() -> None:
    data = small(TOASTERS)
    for length in range(len(data)):
        assert outcome(data[:length], TOASTERS, SMALL_PAYLOAD) == "BadContainer"


@pytest.mark.parametrize("wrong", WRONG, ids=range(len(WRONG)))
@pytest.mark.parametrize("case", CASES)
def test_anything_anywhere_gives_devices_or_a_typed_error(case: str, wrong: Any) -> None:
    """The checksum is right each time: it guards against damage, and not against intent."""
    body, registry, payload = CASES[case]
    outcomes = {}
    for path in places(body):
        if path:
            outcomes[path] = outcome(sealed(with_(body, path, wrong)), registry, payload)
    assert set(outcomes.values()) - {"read"}


def _at(tree: Any, path: tuple[Any, ...]) -> Any:
    for step in path:
        tree = tree[step]
    return tree


@pytest.mark.parametrize("case", CASES)
def test_anything_missing_gives_devices_or_a_typed_error(case: str) -> None:
    body, registry, payload = CASES[case]
    for path in places(body):
        if path:
            outcome(sealed(without(body, path)), registry, payload)


@pytest.mark.parametrize("key", ["surplus", 5, None, b"k", 1 << 20_000], ids=range(5))
def test_anything_too_much_in_a_state_is_a_typed_error(key: Any) -> None:
    body, registry, payload = CASES["toaster"]
    for path in places(body["devices"][0]["state"]):
        inner = _at(body["devices"][0]["state"], path)
        if isinstance(inner, dict):
            more = with_(body, ("devices", 0, "state", *path), {**inner, key: 1})
            assert outcome(sealed(more), registry, payload) == "BadContainer"


def test_facts_that_nobody_asked_for_are_refused_or_harmless() -> None:
    body, registry, payload = CASES["net"]
    for facts in (
        [["host_byteorder", "big", "derived"]],
        [["host_byteorder", "middle", "derived"]],
        [["pci_config_size", "x", "derived"]],
        [["pci_config_size", 1 << 20_000, "derived"]],
        [["multiqueue", [], "derived"]],
        [["multiqueue", True, "guessed"]],
        [["multiqueue", True]],
        [[5, True, "derived"]],
        ["multiqueue"],
        [{}],
    ):
        outcome(sealed(with_(body, ("devices", 0, "facts"), facts)), registry, payload)
