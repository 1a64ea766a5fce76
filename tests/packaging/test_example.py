"""The third party's plugin of examples/: a fifth device, without a touch of the core."""

from __future__ import annotations

import ast
import subprocess

import pytest

from tools.wheels import PIP, ROOT

EXAMPLE = ROOT / "examples" / "virtio-rng"
SOURCES = sorted((EXAMPLE / "src").rglob("*.py"))
LINES_AT_MOST = 65


@pytest.fixture(scope="module")
def example_wheel(tmp_path_factory):
    """Build the example as pip does."""
    folder = tmp_path_factory.mktemp("example")
    subprocess.run([*PIP, "wheel", "--no-deps", "-w", folder, EXAMPLE], check=True)
    return next(folder.glob("virtmig_example_rng-*.whl"))


@pytest.fixture(scope="module", params=[("pci", "ccw"), ("pci", "ccw", "net", "blk")], ids="+".join)
def with_rng(request, environment, example_wheel):
    """Give an environment with these plugins and, for the tests of this module, the example."""
    found = environment(*request.param)
    found.install("--no-deps", example_wheel)
    yield found
    found.uninstall("virtmig-example-rng")


def rng_of(devices):
    """Pick the one virtio-rng device."""
    (device,) = [one for one in devices if one["idstr"].endswith("/virtio-rng")]
    return device


@pytest.mark.packaging
def test_the_command_lists_it_with_its_distribution(with_rng):
    """Where a driver comes from is never in doubt."""
    _, answer = with_rng.virtmig_json("plugins")
    (row,) = [row for row in answer["plugins"] if row["name"] == "virtio-rng"]
    assert row["distribution"] == "virtmig-example-rng"
    assert row["version"] == "1.0.0"
    assert row["error"] == ""


@pytest.mark.packaging
def test_its_section_decodes(with_rng, sample):
    """The section that was bytes is a device with five parts."""
    code, answer = with_rng.virtmig_json("inspect", sample)
    device = rng_of(answer["devices"])
    assert code == 0
    assert device["device"] == "virtio-rng"
    assert device["state"]["device"] == {}
    assert [queue["num"] for queue in device["state"]["queues"]] == [8]


@pytest.mark.packaging
def test_it_loads_and_saves(with_rng, sample, tmp_path):
    """Its hooks are called in the documented order, and the stream comes out the same."""
    saved = tmp_path / "saved.mig"
    done = with_rng.run("virtmig", "load", "--trace", sample, "--save", saved)
    assert done.returncode == 0, done.stderr
    trace = done.stdout[done.stdout.index("/virtio-rng") :]
    steps = [trace.index(hook) for hook in ("load_device", "post_load", "save_device")]
    assert steps == sorted(steps)
    assert saved.read_bytes() == sample.read_bytes()


@pytest.mark.packaging
def test_beside_virtmig_rng_it_has_to_be_chosen(environment, example_wheel, sample, monkeypatch):
    """Two drivers of one name are an error that says so, until a reader says which one counts."""
    found = environment("pci", "ccw", "rng")
    found.install("--no-deps", example_wheel)
    try:
        _, answer = found.virtmig_json("inspect", sample)
        assert rng_of(answer["devices"])["error"]["type"] == "AmbiguousDriver"
        monkeypatch.setenv("VIRTMIG_LOAD_PLUGINS", "virtmig-pci,virtmig-ccw,virtmig-example-rng")
        _, answer = found.virtmig_json("inspect", sample)
        assert "error" not in rng_of(answer["devices"])
    finally:
        found.uninstall("virtmig-example-rng")


@pytest.mark.parametrize("source", SOURCES, ids=lambda path: path.stem)
def test_it_imports_nothing_but_the_api(source):
    """What a plugin needs is in `virtmig.api`; the rest of the core may change."""
    tree = ast.parse(source.read_text())
    modules = {node.module for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    ours = {module for module in modules if module and module.startswith("virtmig.")}
    assert ours <= {"virtmig.api"}


def test_it_is_small():
    """A device without fields of its own is a page of code."""
    assert sum(len(source.read_text().splitlines()) for source in SOURCES) <= LINES_AT_MOST
