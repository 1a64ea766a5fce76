"""Plugins that are missing, broken or doubled, as the user of the command meets them."""

from __future__ import annotations

from importlib import metadata

import pytest

from tests.core.cli.conftest import SAMPLES, Command, Edit
from tests.core.hooks import fakes
from tests.core.hooks.fakes import Site

X86 = SAMPLES / "x86-q35.mig"


def test_a_stream_of_which_no_device_has_a_driver_says_so(
    virtmig: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(metadata, "distributions", lambda **_: ())
    for command in ("inspect", "load"):
        done = virtmig(command, X86)
        assert done.code == 4
        assert "pip install virtmig-" in done.out
    assert "pip install virtmig-" in virtmig("explain", X86, "virtio-net", "--at", 0).complaint(4)
    assert "no drivers" in virtmig("plugins").out


def test_a_broken_plugin_is_named_and_hurts_nobody_else(virtmig: Command, site: Site) -> None:
    site.add("virtio-rng", "raise RuntimeError('no dice')", dist="other-rng")
    done = virtmig("inspect", X86)
    assert done.code == 4
    assert "virtio-rng of other-rng 1.0" in done.out
    assert "no dice" in done.out
    assert done.out.count("virtio-net on virtio-pci") == 1
    listed = virtmig("plugins")
    assert listed.code == 4
    assert "no dice" in listed.out


def test_a_broken_transport_is_named_on_the_side(virtmig: Command, site: Site) -> None:
    site.add("virtio-bus", "raise SystemExit", group="virtmig.transports", dist="virtmig-bus")
    done = virtmig("inspect", X86)
    assert "virtmig-bus" in done.complaint(0)
    assert done.out.count("virtio-net on virtio-pci") == 1


def test_a_doubled_plugin_is_named(virtmig: Command, site: Site) -> None:
    site.add("virtio-net", fakes.device("virtio-net"), dist="other-net")
    done = virtmig("inspect", X86)
    assert done.code == 4
    assert "virtmig-net" in done.out
    assert "other-net" in done.out
    assert done.out.count("virtio-blk on virtio-pci") == 1


def test_a_plugin_whose_layout_fails_is_named(virtmig: Command, site: Site) -> None:
    count = (
        "def _count(scope, seen):\n    '''many'''\n    return 1 // 0\n\n\n@record()\nclass State:"
    )
    source = fakes.device("virtio-rng", **{"@record()\nclass State:": count})
    source = source.replace('wire(be16, "a value")', 'wire(array(be16, _count), "values")')
    site.add(
        "virtio-rng",
        source.replace("import DeviceDriver", "import array, DeviceDriver"),
        dist="rng",
    )
    done = virtmig("inspect", X86)
    assert done.code == 4
    assert "virtio-rng of rng 1.0" in done.out
    assert "ZeroDivisionError" in done.out


def test_of_several_errors_the_one_that_needs_most_help_gives_the_code(
    virtmig: Command, site: Site, edited: Edit
) -> None:
    """A plugin has to be mended before anything can be said of the stream."""
    site.add("virtio-rng", "raise RuntimeError('no dice')", dist="other-rng")
    path = edited(X86, "virtio-net", lambda payload: payload[:-1])
    done = virtmig("inspect", path)
    assert "Truncated" in done.out
    assert "no dice" in done.out
    assert done.code == 4
