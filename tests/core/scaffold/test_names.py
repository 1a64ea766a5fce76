"""Names that follow from a driver's, and the range of cores that follows from the core's."""

from __future__ import annotations

import pytest

from virtmig.scaffold import Refused
from virtmig.scaffold.names import LONGEST, names_of
from virtmig.scaffold.rendering import core_range

LONG = "virtio-" + (LONGEST - len("virtio-")) * "x"


@pytest.mark.parametrize(
    ("version", "expected"),
    [("0.1.0", ">=0.1,<0.2"), ("1.12.3", ">=1.12,<1.13"), ("0.2.0.dev3", ">=0.2.0.dev3,<0.3")],
)
def test_a_plugin_is_for_the_series_of_the_core_that_made_it(version: str, expected: str) -> None:
    assert core_range(version) == expected


def test_names_follow_from_the_drivers() -> None:
    names = names_of("vhost-user-fs")
    assert (names.distribution, names.package) == ("virtmig-vhost-user-fs", "virtmig_vhost_user_fs")
    assert names.prefix == "VhostUserFs"
    assert names_of("virtio-9p").prefix == "Virtio9p"
    assert names_of(LONG).prefix == "Device"
    with pytest.raises(Refused):
        names_of("virtio--echo")
