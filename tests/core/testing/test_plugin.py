"""The kit under pytest itself: its output, its fixtures, and what it keeps apart."""

# ruff: noqa: E501  pieces of source text are lines as they are

from __future__ import annotations

import subprocess
import sys
from importlib.metadata import entry_points
from pathlib import Path

import pytest

from tests.core.testing.trial import Workshop, kit_of, outcome, rows_of
from virtmig.errors import NoDriver
from virtmig.hooks.registry import Registry
from virtmig.testing.kit import FIRST

CONFORMANCE = """
from virtmig.testing import DeviceConformance

class TestEcho(DeviceConformance):
    driver = "virtio-echo"
    derived = ("modern",)
    examples = 6

    def test_that_asks_for_another_plugin(self):
        from virtmig.hooks.registry import Registry
        Registry().device("virtio-blk")

    def test_that_asks_for_its_own(self):
        from virtmig.hooks.registry import Registry
        assert Registry().device("virtio-echo")
"""
FIXTURES = """
import pytest

def test_own(virtmig_registry):
    assert virtmig_registry.device("virtio-echo")

def test_other(virtmig_registry):
    with pytest.raises(Exception, match="virtmig-blk .* is installed, but"):
        virtmig_registry.device("virtio-blk")

@pytest.mark.virtmig(uses=("virtio-blk",))
def test_named(virtmig_registry):
    assert virtmig_registry.device("virtio-blk")

def test_goldens(virtmig_goldens):
    assert virtmig_goldens == []

def test_draw(virtmig_draw):
    assert 0 <= virtmig_draw.integer(0, 9) <= 9
"""
IDLE = """
import sys

def test_nothing_is_imported():
    loaded = [name for name in sys.modules if name.startswith("virtmig.")]
    assert set(loaded) <= {"virtmig.testing", "virtmig.testing.pytest_plugin"}
"""


def run(folder: Path, source: str, *options: str) -> subprocess.CompletedProcess[str]:
    """Run pytest on one test file, in a process of its own."""
    (folder / "test_it.py").write_text(source)
    plugin = () if "no:virtmig" in options else ("-p", "virtmig.testing.pytest_plugin")
    installed = [] if _is_installed() else list(plugin)
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", *installed, *options]
    return subprocess.run(
        [*command, "test_it.py"], cwd=folder, capture_output=True, text=True, check=False
    )


def _is_installed() -> bool:
    return any(one.name == "virtmig" for one in entry_points(group="pytest11"))


def test_another_plugin_is_not_found_by_accident(workshop: Workshop, tmp_path: Path) -> None:
    workshop.device()
    done = run(tmp_path, CONFORMANCE, "-k", "asks_for")
    assert "1 failed, 1 passed" in done.stdout, done.stdout
    assert "virtio-blk of virtmig-blk" in done.stdout
    assert "uses = ('virtio-blk',)" in done.stdout


def test_a_broken_law_is_a_block_and_no_traceback(workshop: Workshop, tmp_path: Path) -> None:
    workshop.device({"        device.limit = state.limit\n": ""})
    done = run(tmp_path, CONFORMANCE, "-k", "load_save")
    lines = done.stdout.splitlines()
    start = next(number for number, line in enumerate(lines) if line.startswith("law: "))
    assert lines[start].startswith("law: load_save: ")
    assert "field: EchoState.limit" in lines
    assert not any(line.startswith((">", "E  ")) for line in lines)
    assert "kit.py" not in done.stdout


def test_the_laws_hold_without_the_pytest_plugin(workshop: Workshop, tmp_path: Path) -> None:
    workshop.device({"        device.limit = state.limit\n": ""})
    done = run(tmp_path, CONFORMANCE, "-p", "no:virtmig", "-k", "load_save or exact")
    assert "1 failed, 1 passed" in done.stdout, done.stdout


def test_notes_stand_at_the_end(workshop: Workshop, tmp_path: Path) -> None:
    workshop.device(
        {
            "    @hookimpl\n    def post_load": "    def post_loaded(self): ...\n\n    @hookimpl\n    def post_load"
        }
    )
    done = run(tmp_path, CONFORMANCE, "-k", "hooks_are_marked")
    assert "virtmig: what no law decides" in done.stdout, done.stdout
    assert "is it meant to be post_load?" in done.stdout


def test_fixtures_find_what_the_project_brings(workshop: Workshop, tmp_path: Path) -> None:
    workshop.device()
    (tmp_path / "pyproject.toml").write_text(
        '[project.entry-points."virtmig.devices"]\nvirtio-echo = "a:b"\n'
    )
    done = run(tmp_path, FIXTURES)
    assert "5 passed" in done.stdout, done.stdout


@pytest.mark.parametrize(
    ("written", "law"),
    [("{package}.hooks:plugin", "distribution"), ("{package}.live:plugin", "")],
)
def test_entry_points_that_were_not_installed_again(
    workshop: Workshop, tmp_path: Path, written: str, law: str
) -> None:
    made = workshop.device()
    (tmp_path / "pyproject.toml").write_text(
        '[project]\nname = "virtmig-echo"\n\n[project.entry-points."virtmig.devices"]\n'
        f'virtio-echo = "{written.replace("{package}", made.package)}"\n'
    )
    done = run(tmp_path, CONFORMANCE, "-k", "contract or distribution")
    said = " ".join(done.stdout.split())
    assert ("1 failed" in said) is bool(law), said
    assert ("pip install -e . again" in said) is bool(law), said
    assert f"law: {law}" in said or not law


def test_an_entry_point_that_was_renamed_is_not_installed(
    workshop: Workshop, tmp_path: Path
) -> None:
    made = workshop.device()
    (tmp_path / "pyproject.toml").write_text(
        '[project]\nname = "virtmig-echo"\n\n[project.entry-points."virtmig.devices"]\n'
        f'virtio-bell = "{made.package}.live:plugin"\n'
    )
    done = run(tmp_path, CONFORMANCE.replace('"virtio-echo"', '"virtio-bell"'), "-k", "contract")
    assert "pip install -e . again" in " ".join(done.stdout.split()), done.stdout


def test_a_driver_of_another_name_is_offered_in_place_of_one_that_is_not_there(
    workshop: Workshop,
) -> None:
    kit = kit_of(workshop.device(), driver="virtio-ecko")
    said = rows_of(outcome(kit, "contract"))
    assert said["do"].startswith("did you mean virtio-echo, which virtmig-echo brings?")
    assert outcome(kit, "load_save") == "skipped: the law `contract` comes first"


def test_two_plugins_of_one_name_are_told_with_what_to_do(
    workshop: Workshop, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = workshop.device()
    info = made.folder.parent / "bell-0.2.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: bell\nVersion: 0.2\n")
    (info / "entry_points.txt").write_text("[virtmig.devices]\nvirtio-echo = bell:plugin\n")
    said = rows_of(outcome(kit_of(made), "contract"))
    assert "both bell 0.2 and virtmig-echo 0.1 bring this driver" in said["found"]
    assert said["do"].startswith("pip uninstall bell or virtmig-echo; or let VIRTMIG_LOAD_PLUGINS")
    with pytest.raises(NoDriver) as caught:
        Registry().device("virtio-ecko")
    assert caught.value.hint.count("virtio-echo") == 1
    monkeypatch.setenv("VIRTMIG_LOAD_PLUGINS", "virtio-net")
    said = rows_of(outcome(kit_of(made), "contract"))
    assert said["found"] == "VIRTMIG_LOAD_PLUGINS leaves out bell, virtmig-echo"


def test_laws_that_others_need_run_first(workshop: Workshop, tmp_path: Path) -> None:
    workshop.device()
    source = f"def test_before(): ...\n{CONFORMANCE}\ndef test_behind(): ...\n"
    done = run(tmp_path, source, "--collect-only", "-q")
    names = [line.rpartition("::")[2] for line in done.stdout.splitlines() if "::" in line]
    mine = [name.removeprefix("test_") for name in names]
    assert mine[0] == "before"
    assert mine[-3:] == ["that_asks_for_another_plugin", "that_asks_for_its_own", "behind"]
    first = [name for name in FIRST if name in mine]
    assert mine[1 : len(first) + 1] == first
    wanted = ["contract", "imports", "own_names", "exact", "load_save", "each_field_alone"]
    assert sorted(wanted, key=mine.index) == wanted
    assert mine.index("each_field_alone") < mine.index("any_state")


def test_nothing_is_imported_where_the_kit_is_not_used(tmp_path: Path) -> None:
    done = run(tmp_path, IDLE)
    assert "1 passed" in done.stdout, done.stdout


def test_an_error_in_the_test_itself_shows_the_test(workshop: Workshop, tmp_path: Path) -> None:
    workshop.device()
    source = (
        CONFORMANCE + "\n    def scramble(self, device, draw):\n        device.counter = 1 / 0\n"
    )
    done = run(tmp_path, source, "-k", "load_save")
    assert "device.counter = 1 / 0" in done.stdout
    assert "bench.py" not in done.stdout


def test_an_error_in_the_test_itself_fails_one_law(workshop: Workshop) -> None:
    def scramble(self, device, draw):
        raise ZeroDivisionError

    kit = kit_of(workshop.device(), scramble=scramble)
    with pytest.raises(ZeroDivisionError):
        outcome(kit, "settings")
    for law in ("load_save", "any_state", "derived"):
        assert outcome(kit, law) in {"", "skipped: the law `settings` comes first"}


@pytest.mark.parametrize(
    ("source", "says"),
    [
        ('driver = ""', 'write driver = "virtio-..."'),
        ('driver = "virtio-nothing"', "pip install -e ."),
        ('driver = "virtio-pci"', "stands in virtmig.transports, this is a test of a device"),
    ],
)
def test_a_driver_that_is_not_there_fails_one_law(tmp_path: Path, source: str, says: str) -> None:
    text = "from virtmig.testing import DeviceConformance\n\nclass TestIt(DeviceConformance):\n"
    done = run(tmp_path, f"{text}    {source}\n")
    assert "1 failed" in done.stdout, done.stdout
    assert "passed" not in done.stdout
    assert says in " ".join(done.stdout.split())
