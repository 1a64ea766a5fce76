"""`virtmig plugins new`, `readme` and `golden`: a plugin from nothing, as its author meets it."""

from __future__ import annotations

import importlib.util
import re
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.core.cli.conftest import SAMPLES, Command
from virtmig import __version__
from virtmig.errors import VirtmigError
from virtmig.hooks.discovery import TRANSPORTS, Installed, Scan
from virtmig.scaffold import rendering
from virtmig.scaffold.names import LONGEST, names_of
from virtmig.scaffold.project import drivers
from virtmig.testing.goldens import read_goldens
from virtmig.virtio.drivers import DeviceDriver, TransportDriver
from virtmig.wire.layout import layout_of

ROOT = Path(__file__).parents[3]
LONG = "virtio-" + (LONGEST - len("virtio-")) * "x"
WIDTH = 100
pytestmark = pytest.mark.skipif(
    importlib.util.find_spec("copier") is None,
    reason="copier, of the extra `new`, is not installed",
)


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """An empty folder to work in, with no drivers; what is imported out of it is forgotten."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("virtmig.cli.plugins.new.scan", lambda: Scan([], []))
    known = set(sys.modules)
    yield tmp_path
    for name in set(sys.modules) - known:
        if str(getattr(sys.modules[name], "__file__", "")).startswith(str(tmp_path)):
            del sys.modules[name]


def made(virtmig: Command, name: str, *options: object) -> Path:
    """The folder of a new plugin, made without questions."""
    done = virtmig("plugins", "new", name, "--defaults", *options)
    assert done.code == 0, done.err
    return Path.cwd() / names_of(name).distribution


def test_what_is_made_is_a_whole_distribution(virtmig: Command) -> None:
    folder = made(virtmig, "virtio-echo")
    assert set(rendering.files_in(folder)) == {
        ".copier-answers.yml",
        ".copier-base.json",
        ".github/workflows/ci.yml",
        ".gitignore",
        "CHANGELOG.md",
        "LICENSE",
        "README.md",
        "pyproject.toml",
        "src/virtmig_echo/__init__.py",
        "src/virtmig_echo/live.py",
        "src/virtmig_echo/py.typed",
        "src/virtmig_echo/state.py",
        "tests/goldens/README.md",
        "tests/test_bytes.py",
        "tests/test_conformance.py",
        "tox.ini",
    }
    project = tomllib.loads((folder / "pyproject.toml").read_text())["project"]
    assert project["name"] == "virtmig-echo"
    assert project["entry-points"] == {
        "virtmig.devices": {"virtio-echo": "virtmig_echo.live:plugin"}
    }
    assert f"virtmig{rendering.core_range(__version__)}" in project["dependencies"]


def test_it_says_what_to_do_next(virtmig: Command) -> None:
    done = virtmig("plugins", "new", "virtio-echo", "--defaults")
    commands = [line.strip() for line in done.out.splitlines() if line.startswith("    ")]
    assert commands == ["cd virtmig-echo", 'pip install -e ".[test]"', "pytest"]
    assert "src/virtmig_echo/state.py" in done.out
    assert done.err == ""


@pytest.mark.parametrize("kind", ["device", "transport"])
@pytest.mark.parametrize(
    "name", ["virtio-echo", "vhost-user-echo", "virtio-3d", "virtio-a_b", LONG]
)
def test_whatever_it_is_called_its_code_can_be_run(virtmig: Command, name: str, kind: str) -> None:
    folder = made(virtmig, name, *(["--transport"] if kind == "transport" else []))
    for path in folder.rglob("*.py"):
        text = path.read_text()
        compile(text, path, "exec")
        assert all(len(line) <= WIDTH for line in text.splitlines()), path
        assert "{{" not in text
    (driver,) = drivers(folder)
    assert driver.name == name
    assert isinstance(driver, DeviceDriver if kind == "device" else TransportDriver)


def test_the_example_shows_three_fields_a_bound_and_a_subsection(virtmig: Command) -> None:
    (driver,) = drivers(made(virtmig, "virtio-echo"))
    assert isinstance(driver, DeviceDriver)
    labels = [field.type.label for field in layout_of(driver.state).all_fields]
    assert labels == ["be16", "be32 ≤ 64", "be16[held]", "subsection virtio-echo-device/delay"]


def test_answers_are_taken(virtmig: Command) -> None:
    answers = {
        "author": 'Ann "The Bit" Ünal',
        "description": "An echo.",
        "device_id": 42,
        "queue_names": "receiveq, transmitq",
        "license": "MIT",
    }
    given = [part for pair in answers.items() for part in ("--data", "{}={}".format(*pair))]
    folder = made(virtmig, "virtio-echo", *given)
    (driver,) = drivers(folder)
    assert isinstance(driver, DeviceDriver)
    assert driver.device_id == 42
    assert driver.queue_names == ("receiveq", "transmitq")
    project = tomllib.loads((folder / "pyproject.toml").read_text())["project"]
    assert project["authors"] == [{"name": answers["author"]}]
    assert project["description"] == answers["description"]
    assert answers["author"] in (folder / "LICENSE").read_text()
    recorded = rendering.answers_in(folder)
    assert {name: recorded[name] for name in answers} == answers


def test_a_device_that_the_specification_knows_has_its_id(virtmig: Command) -> None:
    (driver,) = drivers(made(virtmig, "virtio-pmem"))
    assert isinstance(driver, DeviceDriver)
    assert driver.device_id == 27


def test_no_license_is_an_answer(virtmig: Command) -> None:
    folder = made(virtmig, "virtio-echo", "--data", "license=none")
    assert not (folder / "LICENSE").exists()
    assert "license" not in tomllib.loads((folder / "pyproject.toml").read_text())["project"]


@pytest.mark.parametrize("name", ["virtio-echo", "virtio-echo --transport"])
def test_nothing_of_the_machine_it_was_made_on_is_in_it(virtmig: Command, name: str) -> None:
    folder = made(virtmig, *name.split())
    for path, text in rendering.files_in(folder).items():
        assert str(ROOT) not in text, path
        assert str(folder) not in text, path
        assert sys.prefix not in text, path


def test_its_tools_are_those_of_this_repository(virtmig: Command) -> None:
    """A new ruff or mypy is tried here before every plugin gets it."""
    pinned = re.compile(r"(?:ruff|mypy)==[\d.]+")
    ours = pinned.findall((ROOT / "tox.ini").read_text())
    assert pinned.findall((made(virtmig, "virtio-echo") / "tox.ini").read_text()) == ours


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (["echo"], "did you mean virtio-echo?"),
        (["Virtio Echo"], "did you mean virtio-echo?"),
        (["virtmig-echo"], "did you mean virtio-echo?"),
        (["virtio-"], "is not the name of a virtio device"),
        (["../virtio-echo"], "did you mean virtio-echo?"),
        ([LONG + "x"], f"longer than {LONGEST}"),
        (["virtio-echo", "--data", "colour=red"], "it asks for author, description"),
        (["virtio-echo", "--data", "colour"], "QUESTION=ANSWER"),
        (["virtio-echo", "--data", "kind=device"], "--transport"),
        (["virtio-echo", "--data", "device_id=x"], "a number is expected"),
        (["virtio-echo", "--data", "device_id=64"], "1 to 63"),
        (["virtio-echo", "--data", "queue_names=A B"], "names of small letters"),
        (["virtio-echo", "--data", "author= "], "write a name"),
        (["virtio-echo", "--data", "license=GPL"], ""),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_what_cannot_be_made_is_refused_in_one_line(
    virtmig: Command, here: Path, arguments: list[str], text: str
) -> None:
    done = virtmig("plugins", "new", *arguments, "--defaults")
    assert done.code == 2
    assert text in done.err
    assert done.err.count("\n") == 1
    assert list(here.iterdir()) == []


def test_a_driver_that_is_installed_is_not_made_again(
    virtmig: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two of one name would refuse each other; a device and a bus of one name do not meet."""
    taken = Installed(TRANSPORTS, "virtio-echo", "echo:plugin", "other-echo", "1.2")
    monkeypatch.setattr("virtmig.cli.plugins.new.scan", lambda: Scan([taken], []))
    done = virtmig("plugins", "new", "virtio-echo", "--transport", "--defaults")
    assert done.code == 2
    assert "other-echo 1.2 is installed here" in done.err
    assert "pip uninstall other-echo" in done.err
    made(virtmig, "virtio-echo")


def test_a_device_of_qemu_s_own_has_a_plugin(virtmig: Command, here: Path) -> None:
    done = virtmig("plugins", "new", "virtio-rtc", "--defaults")
    assert done.code == 2
    assert "virtmig-rtc" in done.err
    assert list(here.iterdir()) == []


def test_a_folder_that_exists_is_left_alone(virtmig: Command, here: Path) -> None:
    (here / "virtmig-echo").mkdir()
    done = virtmig("plugins", "new", "virtio-echo", "--defaults")
    assert done.code == 2
    assert "exists already" in done.err
    assert list((here / "virtmig-echo").iterdir()) == []


def test_it_is_made_where_it_is_wanted(virtmig: Command, here: Path) -> None:
    done = virtmig("plugins", "new", "virtio-echo", "--defaults", "--path", "new/ones")
    assert "cd new/ones/virtmig-echo" in done.out
    assert (here / "new/ones/virtmig-echo/pyproject.toml").exists()


@pytest.mark.parametrize("missing", ["copier", "git"])
def test_what_it_needs_and_does_not_find_is_named(
    virtmig: Command, monkeypatch: pytest.MonkeyPatch, missing: str
) -> None:
    if missing == "copier":
        monkeypatch.setattr(rendering.importlib.util, "find_spec", lambda _: None)
    else:
        monkeypatch.setenv("PATH", "")
    for command in (["new", "virtio-echo"], ["update"]):
        done = virtmig("plugins", *command)
        assert done.code == 2
        assert ('pip install "virtmig[new]"' if missing == "copier" else "git") in done.err


def test_the_readme_has_the_fields_and_says_when_it_is_stale(virtmig: Command) -> None:
    folder = made(virtmig, "virtio-echo")
    readme, state = folder / "README.md", folder / "src/virtmig_echo/state.py"
    assert "| `held_tags` | `be16[held]` |" in readme.read_text()
    assert virtmig("plugins", "readme", "--check", folder).code == 0
    state.write_text(state.read_text().replace("counted by the driver", "never reused"))
    sys.modules.pop("virtmig_echo.live")
    sys.modules.pop("virtmig_echo.state")
    stale = virtmig("plugins", "readme", "--check", folder)
    assert stale.code == 1
    assert "virtmig plugins readme" in stale.out
    assert "never reused" not in readme.read_text()
    assert virtmig("plugins", "readme", folder).code == 0
    assert "never reused" in readme.read_text()
    assert "## Work on it" in readme.read_text()


def test_a_readme_that_cannot_be_filled_is_told(virtmig: Command, here: Path) -> None:
    assert "no pyproject.toml" in virtmig("plugins", "readme").err
    folder = made(virtmig, "virtio-echo")
    (folder / "README.md").write_text("# echo\n")
    assert "<!-- fields:begin -->" in virtmig("plugins", "readme", folder).err
    (folder / "README.md").unlink()
    assert "no README.md" in virtmig("plugins", "readme", folder).err
    (folder / "pyproject.toml").write_text("[project]\n")
    assert "virtmig.devices" in virtmig("plugins", "readme", folder).err
    (folder / "pyproject.toml").write_text("[project\n")
    assert "pyproject.toml" in virtmig("plugins", "readme", folder).err


def test_a_plugin_that_does_not_import_is_told_with_its_error(virtmig: Command) -> None:
    folder = made(virtmig, "virtio-echo")
    for name in ("live", "state"):
        sys.modules.pop(f"virtmig_echo.{name}")
    (folder / "src/virtmig_echo/state.py").write_text("raise RuntimeError('no echo')\n")
    with pytest.raises(VirtmigError, match="no echo"):
        drivers(folder)
    assert "no echo" in virtmig("plugins", "readme", folder).err


def test_a_golden_is_one_section_of_a_stream(
    virtmig: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The section is found by the plugin's own device, or by its name."""
    monkeypatch.setattr("virtmig.cli.plugins.new.DISTRIBUTIONS", {})
    monkeypatch.chdir(made(virtmig, "virtio-rng"))
    done = virtmig("plugins", "golden", SAMPLES / "x86-q35.mig", "--qemu", "7.2")
    assert done.code == 0, done.err
    (golden,) = read_goldens("tests/goldens")
    assert golden.idstr == "0000:00:03.0/virtio-rng"
    assert golden.qemu == "7.2"
    assert golden.file in done.out
    assert f"{len(golden.payload()):,} bytes" in done.out


def test_a_golden_that_is_not_there_is_told(
    virtmig: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(made(virtmig, "virtio-echo"))
    sample = SAMPLES / "x86-q35.mig"
    assert "no section of virtio-echo" in virtmig("plugins", "golden", sample).err
    assert "virtio-rng" in virtmig("plugins", "golden", sample, "0000:00:09.0/virtio-rng").err
    monkeypatch.chdir(made(virtmig, "virtio-wire", "--transport"))
    assert "no section of" in virtmig("plugins", "golden", sample).err
