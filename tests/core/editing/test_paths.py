"""Paths are those of `inspect --json`; a wrong one gets the nearest that are right."""

from __future__ import annotations

import pytest

from virtmig.editing import trees
from virtmig.editing.devices import Device
from virtmig.editing.paths import nearest
from virtmig.errors import NoSuchPath


@pytest.mark.parametrize(
    ("text", "path"),
    [
        ("device.mac", "device.mac"),
        ("queues[2].last_avail_idx", "queues[2].last_avail_idx"),
        ("queues[0].vector", "queues[0].vector"),
        ("config.header.vendor_id", "config.header.vendor_id"),
        ("config.msix_table[3].control", "config.msix_table[3].control"),
        ("device.mac_table_macs[0]", "device.mac_table_macs[0]"),
        ("subsections.features_64", "subsections.virtio/64bit_features"),
        ("device.rss.hash_types", "device.virtio-net-device/rss.hash_types"),
        (
            "subsections.virtio/extra_state.virtio_pci/modern_state.vqs[0].desc",
            "subsections.virtio/extra_state.virtio_pci/modern_state.vqs[0].desc",
        ),
    ],
)
def test_a_path_is_found_as_trees_have_it(net: Device, text: str, path: str):
    assert net.paths.resolve(text).path == path


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        ("device.macc", "device.mac"),
        ("mac", "device.mac"),
        ("devise.mac", "device.mac"),
        ("common.guest_feature_lo", "common.guest_features_lo"),
        ("queues.num", "queues[0].num"),
        ("queues.0.num", "write [0] for .0"),
        ("common[0].status", ""),
        ("device.mac.x", ""),
        ("queues[0][1].num", ""),
        ("", ""),
        ("a..b", ""),
        ("a[", ""),
        ("device.mac[x]", ""),
    ],
)
def test_a_wrong_path_is_refused_with_the_nearest(net: Device, text: str, hint: str):
    with pytest.raises(NoSuchPath) as caught:
        net.paths.resolve(text)
    assert hint in caught.value.hint


def test_every_key_of_a_tree_is_a_path(net: Device):
    for steps in trees.keys(net.tree):
        place = net.paths.resolve(trees.path_of(steps))
        assert place.steps == steps


def test_an_index_that_is_not_there_is_refused_with_the_last(net: Device):
    place = net.paths.resolve("queues[3].num")
    with pytest.raises(NoSuchPath, match=r"the last is \[2\]"):
        trees.reach(net.tree, place)


def test_words_of_features_are_found_by_their_declaration(net: Device):
    words = {place.path.rpartition(".")[2]: place for place in net.paths.feature_words()}
    assert set(words) == {
        *("guest_features_lo", "guest_features", "features_hi"),
        *("guest_features_2", "guest_features_3"),
    }
    assert "device.curr_guest_offloads" in net.paths.declared()


def test_a_long_wrong_name_takes_no_time():
    assert nearest("x" * 10**6, [f"name{number}" for number in range(1000)]).endswith("...")


def test_names_that_are_far_from_all_get_the_first_few():
    assert nearest("zzz", ["a", "b"]) == "there are: a, b"
    assert nearest("zzz", []) == "there are none"
    assert nearest("zzz", map(str, range(99))).endswith("7, ...")


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ({"a": 1, "b": 2}, {"a": 1, "b": 3}, ["b"]),
        ({"a": [1, 2]}, {"a": [1, 3]}, ["a[1]"]),
        ({"a": [1, 2]}, {"a": [1]}, ["a"]),
        ({"a": {"x": 1}}, {}, ["a"]),
        ({}, {"a": {"x": 1}}, ["a"]),
        ({"a": [{"x": 1}]}, {"a": [{"x": 2}]}, ["a[0].x"]),
    ],
)
def test_differences_are_the_smallest_places(old: object, new: object, expected: list[str]):
    assert [trees.path_of(steps) for steps in trees.differences(old, new)] == expected
