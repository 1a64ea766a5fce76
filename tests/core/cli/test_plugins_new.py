"""`virtmig plugins new`: a plugin from nothing, as its author meets it."""

from __future__ import annotations

import io
import re
import sys
import tomllib
from pathlib import Path

import pytest

from tests.core.cli.conftest import Command
from tests.core.cli.making import made, needs_copier, workplace
from virtmig import __version__
from virtmig.hooks.discovery import TRANSPORTS, Installed, Scan
from virtmig.scaffold import rendering
from virtmig.scaffold.names import LONGEST
from virtmig.scaffold.project import drivers
from virtmig.virtio.drivers import DeviceDriver, TransportDriver
from virtmig.wire.layout import layout_of

ROOT = Path(__file__).parents[3]
LONG = "virtio-" + (LONGEST - len("virtio-")) * "x"
WIDTH = 100
pytestmark = needs_copier
here = pytest.fixture(autouse=True)(workplace)


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


def test_on_a_terminal_it_says_how_to_answer(
    virtmig: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[bool] = []

    def answered(given: dict[str, str], folder: Path, *, ask: bool) -> dict[str, str]:
        asked.append(ask)
        return rendering.render(given, folder)

    monkeypatch.setattr("virtmig.cli.plugins.new.render", answered)
    terminal = io.StringIO()
    monkeypatch.setattr(terminal, "isatty", lambda: True)
    monkeypatch.setattr("sys.stdin", terminal)
    done = virtmig("plugins", "new", "virtio-echo")
    assert asked == [True]
    assert done.out.startswith("An answer is proposed for each question: Enter takes it")
    assert done.err == ""


@pytest.mark.parametrize("kind", ["device", "transport"])
def test_the_tests_of_a_plugin_say_how_a_change_is_extended(virtmig: Command, kind: str) -> None:
    """The lines in the comment are code as it can be used."""
    folder = made(virtmig, "virtio-echo", *(["--transport"] if kind == "transport" else []))
    text = (folder / "tests/test_conformance.py").read_text()
    lines = re.findall(r"^    #     (\S.*|    \S.*)$", text, re.MULTILINE)
    assert lines[0].startswith("def scramble(self, ")
    assert f"super().scramble({kind}, draw)" in lines[1]
    compile("\n".join(lines), "scramble", "exec")
    live = (folder / "src/virtmig_echo/live.py").read_text()
    for name in re.findall(rf"{kind}\.(\w+)", lines[2]):
        assert f"\n    {name}: " in live


def test_answers_that_nobody_reads_are_told(
    virtmig: Command, here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Questions are put on a terminal only."""
    monkeypatch.setattr("sys.stdin", io.StringIO("Ann\n"))
    done = virtmig("plugins", "new", "virtio-echo")
    assert done.code == 0
    assert "the input is no terminal, so it is not read" in done.err
    assert "--data QUESTION=ANSWER" in done.err


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


@pytest.mark.parametrize(
    ("name", "number", "told"),
    [
        ("virtio-echo", 2, True),
        ("virtio-echo", 63, False),
        ("vhost-user-echo", 2, False),
        ("virtio-i2c", 34, False),
    ],
)
def test_the_id_of_another_device_is_told(
    virtmig: Command, name: str, number: int, told: bool
) -> None:
    done = virtmig("plugins", "new", name, "--defaults", "--data", f"device_id={number}")
    assert done.code == 0
    assert ("device id 2 is that of virtio-blk" in done.err) is told


@pytest.mark.parametrize(("name", "is_made_up"), [("virtio-echo", True), ("virtio-pmem", False)])
def test_an_id_that_is_made_up_says_so(virtmig: Command, name: str, is_made_up: bool) -> None:
    folder = made(virtmig, name)
    (live,) = folder.glob("src/*/live.py")
    (line,) = [one for one in live.read_text().splitlines() if "device_id=" in one]
    assert ("# made up" in line) is is_made_up


def test_a_folder_that_cannot_be_made_is_told(virtmig: Command) -> None:
    done = virtmig("plugins", "new", "virtio-echo", "--defaults", "--path", "/proc")
    assert done.code == 2
    assert "/proc/virtmig-echo cannot be made: " in done.err


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
